//! Resolver, acceptor and listener with real handshakes on loopback.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use acme_core::client::Chain;
use acme_core::protocol::KeyAuthorization;
use acme_core::{Identifier, KeyType, Secret, Timestamp};
use certwright_certstore::{
    Acceptor, Credential, ErrorKind, Listener, MemoryStore, Resolver, Serve as _, placeholder, provider,
};
use hyper::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use issuers::IssuerId;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use solvers::{Answer, Answers};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[test]
fn names_are_found_exactly_and_then_by_wildcard() {
    let resolver = Resolver::new(provider());
    let install = |certificate: &str, names: &[&str]| {
        let (names, credential) = credential(names);
        resolver.install(certificate, &names, &credential).unwrap();
        credential.chain.leaf().unwrap().clone()
    };
    let apex = install("a", &["example.com", "*.example.com"]);
    let exact = install("b", &["www.example.com"]);
    let found = |name: &str| resolver.lookup(name).map(|it| it.cert[0].clone());
    for (name, leaf) in [
        ("example.com", Some(&apex)),
        ("Example.COM.", Some(&apex)),
        ("mail.example.com", Some(&apex)),
        ("www.example.com", Some(&exact)),
        ("a.b.example.com", None),
        ("com", None),
        ("", None),
    ] {
        assert_eq!(found(name).as_ref(), leaf, "{name}");
    }

    // Replaced by one with fewer names: the others are gone with the old one, and never anybody else's.
    let next = install("a", &["example.com", "www.example.com"]);
    assert_eq!(found("example.com"), Some(next.clone()));
    assert_eq!(found("mail.example.com"), None);
    assert_eq!(found("www.example.com"), Some(next));
    resolver.withdraw("b");
    assert!(found("www.example.com").is_some(), "it is the other one's now");
    resolver.withdraw("a");
    assert!(found("example.com").is_none() && resolver.is_empty());
}

#[test]
fn a_name_is_served_at_every_moment_while_its_certificate_is_replaced() {
    let resolver = Resolver::new(provider());
    let credentials: Vec<_> = (0..2).map(|_| credential(&["example.com"])).collect();
    resolver.install("example.com", &credentials[0].0, &credentials[0].1).unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            for _ in 0..200_000 {
                seen += usize::from(resolver.lookup("example.com").is_some());
            }
            seen
        });
        for round in 0..2_000 {
            let (names, credential) = &credentials[round % 2];
            resolver.install("example.com", names, credential).unwrap();
        }
        assert_eq!(reader.join().unwrap(), 200_000);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_first_certificate_handshakes_fail_cleanly_or_see_the_placeholder() {
    let resolver = Arc::new(Resolver::new(provider()));
    let address = serve(Acceptor::new(resolver.server_config(&[]).unwrap())).await;
    let error = connect(address, "example.com", &[]).await.unwrap_err();
    assert!(error.to_string().contains("alert"), "{error}");

    let (names, credential) = credential(&["example.com"]);
    resolver.install("example.com", &names, &credential).unwrap();
    let stream = connect(address, "example.com", &[]).await.unwrap();
    assert_eq!(shown(&stream), *credential.chain.leaf().unwrap());

    let stand_in = placeholder(&["example.com"], &provider()).unwrap();
    let resolver = Arc::new(Resolver::new(provider()).with_placeholder(Arc::clone(&stand_in)));
    let address = serve(Acceptor::new(resolver.server_config(&[]).unwrap())).await;
    let stream = connect(address, "example.com", &[]).await.unwrap();
    assert_eq!(shown(&stream), stand_in.cert[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_without_a_server_name_get_the_default() {
    let resolver = Arc::new(Resolver::new(provider()).with_default("example.com"));
    let (names, credential) = credential(&["example.com"]);
    resolver.install("example.com", &names, &credential).unwrap();
    let address = serve(Acceptor::new(resolver.server_config(&[]).unwrap())).await;
    let stream = connect(address, "127.0.0.1", &[]).await.unwrap();
    assert_eq!(shown(&stream), *credential.chain.leaf().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validators_are_answered_and_never_handed_out() {
    let here = Answers::new();
    let store = Arc::new(MemoryStore::new());
    let node = || Answers::shared(store.clone(), "answers").unwrap();
    for (presenting, asked) in [(here.clone(), here), (node(), node())] {
        answers_a_validator(&presenting, asked).await;
    }
}

async fn answers_a_validator(answers: &Answers, asked: Answers) {
    let resolver = Arc::new(Resolver::new(provider()));
    let config = resolver.server_config(&[b"http/1.1"]).unwrap();
    let acceptor = Acceptor::new(config).answering(asked, provider()).unwrap();
    let address = serve(acceptor).await;
    assert!(connect(address, "example.com", &[b"acme-tls/1"]).await.is_err(), "nothing is presented");

    let key_authorization = KeyAuthorization::new("token", "thumbprint").unwrap();
    let identifier = Identifier::parse("example.com").unwrap();
    let answer = Answer::TlsAlpn { identifier, digest: key_authorization.digest() };
    answers.publish(answer).await.unwrap();
    let mut stream = connect(address, "example.com", &[b"acme-tls/1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"acme-tls/1"[..]));
    let certificate = shown(&stream);
    let digest = key_authorization.digest();
    assert!(certificate.as_ref().windows(32).any(|it| it == digest));
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty(), "closed, and greeted by nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_clients_keep_nobody_waiting() {
    let resolver = Arc::new(Resolver::new(provider()));
    let (names, credential) = credential(&["example.com"]);
    resolver.install("example.com", &names, &credential).unwrap();
    let acceptor = Acceptor::new(resolver.server_config(&[]).unwrap());
    // Silent clients beside the ones that talk.
    let address = serve(acceptor.clone()).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    connect(address, "example.com", &[]).await.unwrap();

    // As many as there is room for: they are dropped after the time limit.
    let acceptor = acceptor.with_time_limit(Duration::from_millis(200));
    let address = serve_with(acceptor, 4).await;
    for _ in 0..8 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    connect(address, "example.com", &[]).await.unwrap();
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_refused_and_others_are_served() {
    let resolver = Arc::new(Resolver::new(provider()));
    let (names, credential) = credential(&["example.com"]);
    resolver.install("example.com", &names, &credential).unwrap();
    let address = serve(Acceptor::new(resolver.server_config(&[]).unwrap())).await;
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: example.com\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(answer.len() < 16, "an alert at most");
    connect(address, "example.com", &[]).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let resolver = Arc::new(Resolver::new(provider()));
    let acceptor = Acceptor::new(resolver.server_config(&[]).unwrap());
    let first = Listener::bind("127.0.0.1:0", acceptor.clone()).await.unwrap();
    let address = first.local_addr().unwrap();
    let error = Listener::bind(address, acceptor).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axum_serves_over_it_beside_silent_clients() {
    let listener = http_listener().await;
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().route("/", axum::routing::get(async || "hello"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let _silent = TcpStream::connect(address).await.unwrap();
    assert!(get(address).await.ends_with("hello"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hyper_serves_over_it_beside_silent_clients() {
    let mut listener = http_listener().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await;
            let service = service_fn(async |_| Ok::<_, Infallible>(Response::new("hello".to_owned())));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    let _silent = TcpStream::connect(address).await.unwrap();
    assert!(get(address).await.ends_with("hello"));
}

/// A listener that serves `example.com` and speaks HTTP/1.1.
async fn http_listener() -> Listener {
    let resolver = Arc::new(Resolver::new(provider()));
    let (names, credential) = credential(&["example.com"]);
    resolver.install("example.com", &names, &credential).unwrap();
    let acceptor = Acceptor::new(resolver.server_config(&[b"http/1.1"]).unwrap());
    Listener::bind("127.0.0.1:0", acceptor).await.unwrap()
}

/// What `example.com` answers over HTTP.
async fn get(address: SocketAddr) -> String {
    let mut stream = connect(address, "example.com", &[b"http/1.1"]).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Greets every client that is handed out with one word.
async fn serve(acceptor: Acceptor) -> SocketAddr {
    serve_with(acceptor, 1024).await
}

async fn serve_with(acceptor: Acceptor, limit: usize) -> SocketAddr {
    let mut listener = Listener::bind("127.0.0.1:0", acceptor).await.unwrap().with_limit(limit);
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await;
            let _ = stream.write_all(b"hello").await;
            let _ = stream.shutdown().await;
        }
    });
    address
}

async fn connect(address: SocketAddr, name: &str, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let tcp = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

fn credential(names: &[&str]) -> (Vec<Identifier>, Credential) {
    let owned: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(owned).unwrap();
    let key = Secret::new(made.signing_key.serialize_der());
    let names: Vec<_> = names.iter().map(|it| Identifier::parse(it).unwrap()).collect();
    let chain = Chain::new(vec![made.cert.der().clone()]);
    let issuer = IssuerId::new("test");
    let credential = Credential::new(key, KeyType::EcdsaP256, chain, names.clone(), issuer, Timestamp::EPOCH);
    (names, credential)
}

/// What is shown is looked at by the tests themselves.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
