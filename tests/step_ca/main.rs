//! The ACME issuer at a certificate authority that was not made to test it: step-ca, judged by OpenSSL.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use acme_core::protocol::{Registration, RevocationReason, Url};
use acme_core::transport::ReqwestTransport;
use acme_core::{Clock as _, Directory, Error, ErrorKind, Identifier, KeyType, PrivateKey, Store};
use certstore::{Acceptor, Listener, MemoryStore, provider};
use issuers::acme::{AccountSettings, AcmeIssuer};
use issuers::chain::Leaf;
use issuers::{CertificateRequest, InMemory, Issued, Issuer as _, TokioTimer, csr, drive};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use solvers::http01::listener::Listener as HttpListener;
use solvers::tls_alpn01::TlsAlpn01;
use solvers::{Answers, Http01, Selector, Solvers};
use testkit::servers::judges::{OpenSsl, Trial};
use testkit::servers::{ChallTestSrv, StepCa};

#[tokio::test]
async fn names_are_proven_over_http() {
    let dns = ChallTestSrv::start();
    let ca = StepCa::start(dns.dns_address());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let solvers = over_http(&ca).await;

    let first =
        issue(&issuer(&ca, solvers.clone(), &store), KeyType::EcdsaP256, &["a.test", "www.a.test"]).await.unwrap();
    // Another process, with the same account.
    let second = issue(&issuer(&ca, solvers, &store), KeyType::EcdsaP384, &["b.test"]).await.unwrap();

    judge(&ca, &first, &["a.test", "www.a.test"]);
    judge(&ca, &second, &["b.test"]);
}

#[tokio::test]
async fn names_are_proven_in_the_tls_handshake() {
    let dns = ChallTestSrv::start();
    let ca = StepCa::start(dns.dns_address());
    let answers = Answers::new();
    let acceptor = Acceptor::choosing(|_| None).answering(answers.clone(), provider()).unwrap();
    let mut listener = Listener::bind(loopback(ca.tls_port()), acceptor).await.unwrap();
    tokio::spawn(async move { listener.accept().await });
    let solvers = Solvers::new().with("tls", TlsAlpn01::new(answers.clone()), Selector::any());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());

    let issued = issue(&issuer(&ca, solvers, &store), KeyType::EcdsaP256, &["c.test"]).await.unwrap();

    judge(&ca, &issued, &["c.test"]);
    assert!(answers.is_empty(), "an answer was left behind");
}

#[tokio::test]
async fn a_certificate_is_revoked_and_renewal_information_is_not_to_be_had() {
    let dns = ChallTestSrv::start();
    let ca = StepCa::start(dns.dns_address());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let issuer = issuer(&ca, over_http(&ca).await, &store);
    let issued = issue(&issuer, KeyType::EcdsaP256, &["d.test"]).await.unwrap();
    let leaf = issued.chain.leaf().unwrap();

    issuer.revoke().unwrap().revoke(leaf, Some(RevocationReason::Superseded)).await.unwrap();
    issuer.revoke().unwrap().revoke(leaf, None).await.unwrap();
    let id = Leaf::read(leaf).unwrap().id.unwrap();
    let error = issuer.renewal_info().unwrap().renewal_info(&id).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn a_name_that_nobody_answers_for_is_refused_with_the_servers_words() {
    let dns = ChallTestSrv::start();
    let ca = StepCa::start(dns.dns_address());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    // No listener: the validator's connection is refused.
    let solvers = Solvers::new().with("http", Http01::new(Answers::new()), Selector::any());
    let mut patience = acme_core::flow::Pace::default();
    patience.challenge.validate = std::time::Duration::from_secs(3);
    let issuer = builder(&ca, solvers, &store).patience(patience).build().unwrap();

    let error = issue(&issuer, KeyType::EcdsaP256, &["e.test"]).await.unwrap_err();

    assert!(error.problem().is_some() && error.to_string().contains("connection"), "{error}");
}

async fn over_http(ca: &StepCa) -> Solvers {
    let answers = Answers::new();
    let listener = HttpListener::bind(loopback(ca.http_port()), answers.clone()).await.unwrap();
    tokio::spawn(listener.serve());
    Solvers::new().with("http", Http01::new(answers), Selector::any())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn issuer(ca: &StepCa, solvers: Solvers, store: &Arc<dyn Store>) -> AcmeIssuer {
    builder(ca, solvers, store).build().unwrap()
}

fn builder(ca: &StepCa, solvers: Solvers, store: &Arc<dyn Store>) -> issuers::acme::Builder {
    let transport = ReqwestTransport::builder().add_root_pem(ca.root_pem().as_bytes()).unwrap();
    let transport = Arc::new(transport.only_given_roots().build().unwrap());
    let directory = Directory::new(Url::parse(&ca.directory_url()).unwrap(), transport, Arc::new(TokioTimer));
    let settings = AccountSettings::new(Registration::agreeing_to_terms().with_email("ops@example.com"));
    AcmeIssuer::builder("step-ca", directory, solvers, Arc::new(TokioTimer)).account(Arc::clone(store), settings)
}

async fn issue(issuer: &AcmeIssuer, kind: KeyType, names: &[&str]) -> Result<Issued, Error> {
    let key = PrivateKey::generate(kind)?;
    let identifiers = names.iter().map(|name| Identifier::parse(name)).collect::<Result<Vec<_>, _>>()?;
    let csr = csr::create(&key, &identifiers).await?;
    let request = CertificateRequest::new(&csr, &identifiers);
    drive(issuer, &request, &mut InMemory::new(), &TokioTimer).await
}

/// OpenSSL's word on a certificate: it leads to the authority's root, and is a server's for each name.
#[track_caller]
fn judge(ca: &StepCa, issued: &Issued, names: &[&str]) {
    let root = [CertificateDer::from_pem_slice(ca.root_pem().as_bytes()).unwrap()];
    for name in names {
        let trial = Trial::new(issued.chain.certificates(), &root, TokioTimer.now()).for_server(name);
        OpenSsl::find().verify(&trial).unwrap_or_else(|said| panic!("{name}: {said}"));
    }
}
