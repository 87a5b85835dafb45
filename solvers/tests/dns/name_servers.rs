//! Recursive servers as people write them, and those behind HTTPS.

use std::net::SocketAddr;
use std::time::Duration;

use acme_core::ErrorKind;
use acme_core::transport::ReqwestTransport;
use certwright_solvers::dns01::{NameServer, Propagation};
use certwright_solvers::{Readiness, Solver as _};
use testkit::servers::Bind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use super::*;

#[test]
fn name_servers_are_read_as_people_write_them() {
    for (text, meant) in [
        ("192.0.2.53", "192.0.2.53:53"),
        (" 192.0.2.53:5353 ", "192.0.2.53:5353"),
        ("2001:db8::53", "[2001:db8::53]:53"),
        ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
        ("dns.example:5353", "dns.example:5353"),
        ("DNS.example", "dns.example:53"),
        ("https://dns.example/dns-query", "https://dns.example/dns-query"),
    ] {
        let server: NameServer = text.parse().unwrap();
        assert_eq!(server.to_string(), meant);
        assert_eq!(meant.parse::<NameServer>().unwrap(), server);
    }
    for text in ["", ":53", "*.example:53", "http://dns.example/", "192.0.2.53:99999", "tls://192.0.2.53"] {
        assert_eq!(text.parse::<NameServer>().unwrap_err().kind(), ErrorKind::Malformed, "{text}");
    }
}

#[tokio::test]
async fn a_server_behind_https_answers_as_one_at_an_address_does() {
    let server = Bind::builder().zone(example()).start();
    let front = front(server.address(), "200 OK").await;
    let resolver = behind(front).with_authoritative_port(server.address().port());
    let solver = Dns01::new(provider(&server, &key()), resolver);
    for propagation in [Propagation::Authoritative, Propagation::Resolver] {
        let solver = solver.clone().with_propagation(propagation);
        let challenge = challenge("example.org", "token");
        assert!(matches!(solver.check(&challenge).await.unwrap(), Readiness::NotYet { .. }));
        solver.present(&challenge).await.unwrap();
        assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
        solver.clean_up(&challenge).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_with_a_name_is_asked_where_the_system_knows_it() {
    let server = Bind::builder().zone(example()).start();
    let named = format!("localhost:{}", server.address().port()).parse().unwrap();
    let resolver = Resolver::over([named], wall()).unwrap();
    assert_eq!(resolver.zone_of(&name("a.example.org")).await.unwrap(), name("example.org"));

    let resolver = Resolver::over(["nowhere.invalid:53".parse().unwrap()], wall()).unwrap();
    let error = resolver.zone_of(&name("example.org")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("nowhere.invalid"), "{error}");
}

#[tokio::test]
async fn every_server_of_the_resolver_must_show_the_record_where_that_is_asked_for() {
    let server = Bind::builder().zone(example()).start();
    let stale = Bind::builder().zone(example()).start();
    let both = Resolver::new([server.address(), stale.address()], wall()).unwrap();
    let solver = Dns01::new(provider(&server, &key()), both).with_propagation(Propagation::Resolver);
    let challenge = challenge("example.org", "token");
    solver.present(&challenge).await.unwrap();
    let Readiness::NotYet { missing, .. } = solver.check(&challenge).await.unwrap() else { panic!("one is stale") };
    assert!(missing.starts_with(&stale.address().to_string()), "{missing}");
    assert!(!missing.contains(&server.address().to_string()), "{missing}");
}

#[tokio::test]
async fn what_is_wrong_behind_https_is_said() {
    let server = Bind::builder().zone(example()).start();
    for (resolver, said) in [
        (behind(front(server.address(), "503 X").await), "answered with status 503"),
        (behind(front(server.address(), "200 SWAPPED").await), "answered another question"),
        (Resolver::over(["https://dns.example/".parse().unwrap()], wall()).unwrap(), "was given no transport"),
    ] {
        let error = resolver.with_time_limit(Duration::from_secs(2)).zone_of(&name("example.org")).await.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// A resolver over the server behind `front`.
fn behind(front: SocketAddr) -> Resolver {
    let transport = ReqwestTransport::builder().dangerously_trust_anyone().build().unwrap();
    let server = format!("https://{front}/dns-query").parse().unwrap();
    Resolver::over([server], wall()).unwrap().with_https(Arc::new(transport))
}

/// A front that speaks HTTPS and hands every question on to `server`, answering with `status`; `SWAPPED` has it answer another question.
async fn front(server: SocketAddr, status: &'static str) -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(["dns.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = hand_on(&mut stream, server, status).await;
                }
            });
        }
    });
    address
}

async fn hand_on(stream: &mut TlsStream<TcpStream>, server: SocketAddr, status: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    assert!(head.starts_with("post /dns-query ") && head.contains("content-type: application/dns-message"), "{head}");
    let length = head.lines().find_map(|it| it.strip_prefix("content-length: ")).unwrap();
    let mut question = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut question).await?;
    assert_eq!(question[..2], [0, 0], "the same question is the same request");

    let mut behind = TcpStream::connect(server).await?;
    behind.write_u16(u16::try_from(question.len()).unwrap()).await?;
    behind.write_all(&question).await?;
    let mut answer = vec![0; behind.read_u16().await?.into()];
    behind.read_exact(&mut answer).await?;
    if status.contains("SWAPPED") {
        answer[13] ^= 1;
    }
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&answer).await?;
    stream.shutdown().await
}
