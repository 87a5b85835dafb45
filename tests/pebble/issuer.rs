//! An ACME issuer at Pebble, and what it takes to drive it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use acme_core::protocol::Registration;
use acme_core::{Error, KeyType, PrivateKey, Store};
use certstore::MemoryStore;
use issuers::acme::{AccountSettings, AcmeIssuer, Builder};
use issuers::chain::Leaf;
use issuers::{CertificateRequest, InMemory, Issuer as _, TokioTimer, csr, drive};
use solvers::http01::listener::Listener;
use solvers::{Answers, Http01, Selector, Solvers};
use testkit::servers::Pebble;

use crate::authority::{clock, directory, identifiers};
use crate::openssl;

/// A certificate and its key, both in PEM.
pub(crate) struct Certificate {
    /// The leaf and what follows it.
    pub(crate) chain: String,
    /// What the leaf says.
    pub(crate) leaf: Leaf,
}

/// Solvers that answer over HTTP, where Pebble's validator asks.
pub(crate) async fn over_http(pebble: &Pebble) -> Solvers {
    let answers = Answers::new();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, pebble.http_port()));
    tokio::spawn(Listener::bind(address, answers.clone()).await.expect("the validator's port").serve());
    http(&answers)
}

/// A solver for HTTP-01 that fills a table, for any name.
pub(crate) fn http(answers: &Answers) -> Solvers {
    Solvers::new().with("http", Http01::new(answers.clone()), Selector::any())
}

/// An issuer at `pebble` with a new account in a store of its own.
pub(crate) fn issuer(pebble: &Pebble, solvers: Solvers) -> AcmeIssuer {
    builder(pebble, solvers, Arc::new(MemoryStore::new())).build().expect("an issuer")
}

/// An issuer to be, with its account in `store`.
pub(crate) fn builder(pebble: &Pebble, solvers: Solvers, store: Arc<dyn Store>) -> Builder {
    let settings = AccountSettings::new(Registration::agreeing_to_terms());
    AcmeIssuer::builder("pebble", directory(pebble), solvers, clock()).account(store, settings)
}

/// Drives `issuer` to a certificate for `names` with a new key, and lets OpenSSL judge it: the chain leads to the CA's root, the key and
/// the names are those that were asked for.
pub(crate) async fn issue(pebble: &Pebble, issuer: &AcmeIssuer, names: &[&str]) -> Certificate {
    let key = PrivateKey::generate(KeyType::EcdsaP256).expect("a key");
    let issued = try_issue(issuer, &key, names, |_| {}).await;
    let issued = issued.unwrap_or_else(|error| panic!("{names:?}: {error}"));
    judge(pebble, &issued, &key, names);
    issued
}

/// As [`issue`], with a key of one's own, and a request that is changed first; not judged.
pub(crate) async fn try_issue(
    issuer: &AcmeIssuer,
    key: &PrivateKey,
    names: &[&str],
    change: impl FnOnce(&mut CertificateRequest<'_>),
) -> Result<Certificate, Error> {
    let identifiers = identifiers(names);
    let csr = csr::create(key, &identifiers).await?;
    let mut request = CertificateRequest::new(&csr, &identifiers);
    change(&mut request);
    let issued = drive(issuer, &request, &mut InMemory::new(), &TokioTimer).await?;
    assert!(issued.leftovers.is_empty(), "{}: {:?}", issuer.id(), issued.leftovers);
    let leaf = Leaf::read(issued.chain.leaf().expect("a leaf"))?;
    Ok(Certificate { chain: issuers::chain::to_pem(&issued.chain), leaf })
}

/// OpenSSL's word on a certificate for `names` and `key`.
#[track_caller]
pub(crate) fn judge(pebble: &Pebble, issued: &Certificate, key: &PrivateKey, names: &[&str]) {
    openssl::verify(&pebble.issuance_root_pem(0), &issued.chain);
    let public = openssl::private_public_key(key.to_pem().expose());
    assert_eq!(openssl::certificate_public_key(&issued.chain), public);
    assert_eq!(openssl::names(&issued.chain), openssl::as_printed(names));
}
