//! Names proven behind listeners that have other work to do: one that wants certificates of its clients, and one that sends everybody to HTTPS.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use acme_core::{KeyType, PrivateKey};
use axum::Router;
use axum::http::{StatusCode, Uri, header};
use certstore::{Acceptor, Listener, provider};
use rcgen::{CertifiedKey, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use solvers::http01::tower::AnswerLayer;
use solvers::tls_alpn01::TlsAlpn01;
use solvers::{Answers, Selector, Solvers};
use testkit::servers::{ChallTestSrv, Pebble};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::issuer::{Certificate, http, issue, issuer, judge, try_issue};

#[tokio::test]
async fn names_and_an_address_are_proven_behind_a_listener_that_wants_certificates_of_its_clients() {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let (answers, serves) = (Answers::new(), Arc::new(OnceLock::new()));
    let chosen: Arc<OnceLock<Arc<ServerConfig>>> = Arc::clone(&serves);
    let acceptor = Acceptor::choosing(move |_| chosen.get().cloned()).answering(answers.clone(), provider()).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, pebble.tls_port()));
    let mut listener = Listener::bind(address, acceptor).await.unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await;
            tokio::spawn(async move { stream.write_all(b"hello").await.and(stream.shutdown().await) });
        }
    });
    let solvers = Solvers::new().with("tls", TlsAlpn01::new(answers.clone()), Selector::any());
    let issuer = issuer(&pebble, solvers);
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let first = try_issue(&issuer, &key, &["mutual.test"], |_| {}).await.unwrap();
    let friend = rcgen::generate_simple_self_signed(["friend.test".to_owned()]).unwrap();
    serves.set(mutual(&friend.cert, &first, &key)).unwrap();

    // Whoever shows none is sent away, except who proves names.
    issue(&pebble, &issuer, &["example.test", "www.example.test", "127.0.0.1"]).await;

    judge(&pebble, &first, &key, &["mutual.test"]);
    assert!(answers.is_empty());
    assert_eq!(greeting(address, client(&pebble, Some(&friend))).await.unwrap(), "hello");
    greeting(address, client(&pebble, None)).await.unwrap_err();
}

#[tokio::test]
async fn names_are_proven_behind_a_router_that_sends_everybody_to_https() {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let answers = Answers::new();
    let redirect =
        async |uri: Uri| (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("https://example.test{uri}"))]);
    let router = Router::new().fallback(redirect).layer(AnswerLayer::new(answers.clone()));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, pebble.http_port()));
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let issuer = issuer(&pebble, http(&answers));

    issue(&pebble, &issuer, &["example.test", "www.example.test"]).await;

    for path in ["/", "/.well-known/acme-challenge/nobodys"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
        assert!(answer.contains(&format!("location: https://example.test{path}\r\n")), "{answer}");
    }
}

/// Shows `own`, and speaks with `friend` alone.
fn mutual(friend: &rcgen::Certificate, own: &Certificate, key: &PrivateKey) -> Arc<ServerConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(friend.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let chain = CertificateDer::pem_slice_iter(own.chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.to_pem().expose().as_bytes()).unwrap();
    Arc::new(config.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap())
}

fn client(pebble: &Pebble, own: Option<&CertifiedKey<KeyPair>>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pebble.issuance_root_pem(0).as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    match own {
        Some(own) => {
            let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
            config.with_client_auth_cert(vec![own.cert.der().clone()], key).unwrap()
        }
        None => config.with_no_client_auth(),
    }
}

/// What the server says first.
async fn greeting(address: SocketAddr, config: ClientConfig) -> std::io::Result<String> {
    let name = ServerName::try_from("mutual.test").unwrap();
    let tcp = TcpStream::connect(address).await?;
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    Ok(said)
}
