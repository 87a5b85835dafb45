//! The listener of its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use certwright_solvers::http01::listener::Listener;
use certwright_solvers::limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn validators_get_the_key_authorization_and_others_nothing() {
    let (address, answers) = serving(|it| it).await;
    Http01::new(answers).present(&challenge("example.com", "tok-en_1")).await.unwrap();
    let reply = get(address, "example.com", "/.well-known/acme-challenge/tok-en_1").await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.ends_with("\r\n\r\ntok-en_1.thumbprint"), "{reply}");
    for (host, path) in [
        ("example.org", "/.well-known/acme-challenge/tok-en_1"),
        ("example.com", "/.well-known/acme-challenge/other"),
        ("example.com", "/.well-known/acme-challenge/"),
        ("example.com", "/.well-known/acme-challenge/../tok-en_1"),
        ("example.com", "/"),
    ] {
        let reply = get(address, host, path).await;
        assert!(reply.starts_with("HTTP/1.1 404 "), "{host} {path}: {reply}");
    }
}

#[tokio::test]
async fn everybody_else_is_sent_to_https_if_asked() {
    let (address, _) = serving(Listener::redirect_to_https).await;
    let reply = get(address, "example.com:80", "/a?b=c").await;
    assert!(reply.starts_with("HTTP/1.1 308 "), "{reply}");
    assert!(reply.contains("\r\nLocation: https://example.com/a?b=c\r\n"), "{reply}");
    let reply = get(address, "[::1]:80", "/").await;
    assert!(reply.contains("\r\nLocation: https://[::1]/\r\n"), "{reply}");
    for (host, path) in [("example.com", "/.well-known/acme-challenge/absent"), ("", "/"), ("evil.example/..//", "/")] {
        let reply = get(address, host, path).await;
        assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}");
    }
}

#[tokio::test]
async fn one_socket_takes_both_families() {
    let answers = Answers::new();
    let listener = Listener::bind((Ipv6Addr::UNSPECIFIED, 0).into(), answers.clone()).await.unwrap();
    let address = listener.local_address();
    assert!(
        address.is_ipv6(),
        "this machine has no IPv6: switch it on for the loopback interface (sysctl net.ipv6.conf.lo.disable_ipv6=0)"
    );
    tokio::spawn(listener.serve());
    Http01::new(answers).present(&challenge("example.com", "token")).await.unwrap();
    for loopback in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        let reply = get((loopback, address.port()).into(), "example.com", "/.well-known/acme-challenge/token").await;
        assert!(reply.ends_with("token.thumbprint"), "{loopback}: {reply}");
    }
}

#[tokio::test]
async fn a_socket_of_one_address_takes_that_alone() {
    let answers = Answers::new();
    let listener = Listener::bind((Ipv6Addr::LOCALHOST, 0).into(), answers).await.unwrap();
    let port = listener.local_address().port();
    tokio::spawn(listener.serve());
    assert!(TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.is_ok());
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err());
}

#[tokio::test]
async fn other_forms_of_requests_are_understood_or_refused() {
    let (address, answers) = serving(|it| it).await;
    Http01::new(answers).present(&challenge("example.com", "token")).await.unwrap();
    for (request, status) in [
        ("GET http://example.com/.well-known/acme-challenge/token HTTP/1.1\r\nHost: proxy\r\n\r\n", "200"),
        ("HEAD /.well-known/acme-challenge/token HTTP/1.0\r\nhOsT:example.com\r\n\r\n", "200"),
        ("POST /.well-known/acme-challenge/token HTTP/1.1\r\nHost: example.com\r\n\r\n", "405"),
        ("GET /\r\n\r\n", "400"),
        ("\u{16}\u{3}\u{1}\r\n\r\n", "400"),
    ] {
        let reply = send(address, request.as_bytes()).await;
        assert_eq!(&reply[9..12], status, "{request}: {reply}");
        assert_eq!(reply.contains("token.thumbprint"), request.starts_with("GET http"), "{reply}");
    }
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(limits::HTTP_HEAD));
    assert!(send(address, long.as_bytes()).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn silent_clients_stop_nobody() {
    let (address, answers) = serving(|it| it).await;
    Http01::new(answers).present(&challenge("example.com", "token")).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..limits::HTTP_CONNECTIONS + 20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HT").await.unwrap();
        silent.push(stream);
    }
    let reply = get(address, "example.com", "/.well-known/acme-challenge/token").await;
    assert!(reply.ends_with("token.thumbprint"), "{reply}");
    // The oldest gave way.
    let mut rest = Vec::new();
    let _ = silent[0].read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_hung_up_on_in_the_end() {
    let (address, _) = serving(|it| it).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_port_in_use_says_what_to_do() {
    let (address, _) = serving(|it| it).await;
    let error = Listener::bind(address, Answers::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let port = address.port();
    assert!(error.to_string().contains(&format!("another program listens on port {port}")), "{error}");
}

#[tokio::test]
async fn addresses_of_both_families_are_taken() {
    // The mapped form stands for a socket that takes both: it is the one that stays on this machine.
    for (bound, asked) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::ffff:127.0.0.1", "127.0.0.1")] {
        let address = SocketAddr::new(bound.parse().unwrap(), 0);
        let listener = Listener::bind(address, Answers::new()).await.unwrap();
        let port = listener.local_address().port();
        tokio::spawn(listener.serve());
        let reply = get(SocketAddr::new(asked.parse().unwrap(), port), "a", "/").await;
        assert!(reply.starts_with("HTTP/1.1 404"), "{bound}: {reply}");
    }
}

#[tokio::test]
async fn a_socket_of_a_service_manager_is_taken() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listener = Listener::from_socket(socket, Answers::new()).unwrap();
    let address = listener.local_address();
    tokio::spawn(listener.serve());
    assert!(get(address, "a", "/").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn an_answer_that_comes_a_moment_late_is_waited_for() {
    let (address, answers) = serving(|it| it.patient(limits::HTTP_TIME)).await;
    let asked = tokio::spawn(get_owned(address, "/.well-known/acme-challenge/late"));
    tokio::task::yield_now().await;
    Http01::new(answers).present(&challenge("example.com", "late")).await.unwrap();
    let reply = asked.await.unwrap();
    assert!(reply.ends_with("\r\n\r\nlate.thumbprint"), "{reply}");
}

#[tokio::test]
async fn patience_has_an_end_and_so_many_places() {
    let (address, _answers) = serving(|it| it.patient(std::time::Duration::from_millis(300))).await;
    let path = "/.well-known/acme-challenge/never";
    let more_than_places = limits::HTTP_HELD + 8;
    let mut asked: Vec<_> = (0..more_than_places).map(|_| tokio::spawn(get_owned(address, path))).collect();
    for reply in asked.drain(..) {
        assert!(reply.await.unwrap().starts_with("HTTP/1.1 404 "));
    }
}

#[tokio::test]
async fn probes_are_answered_if_asked() {
    let (address, _answers) = serving(|it| it.with_health()).await;
    for path in ["/healthz", "/"] {
        assert!(get(address, "10.0.0.1:8089", path).await.starts_with("HTTP/1.1 200 OK"), "{path}");
    }
    assert!(get(address, "a", "/other").await.starts_with("HTTP/1.1 404"));
    let long = format!("/.well-known/acme-challenge/{}", "a".repeat(limits::HTTP_PATH));
    assert!(get(address, "a", &long).await.starts_with("HTTP/1.1 414"));
}

async fn get_owned(address: SocketAddr, path: &'static str) -> String {
    get(address, "example.com", path).await
}

async fn serving(with: impl FnOnce(Listener) -> Listener) -> (SocketAddr, Answers) {
    let answers = Answers::new();
    let address = ([127, 0, 0, 1], 0).into();
    let listener = with(Listener::bind(address, answers.clone()).await.unwrap());
    let address = listener.local_address();
    tokio::spawn(listener.serve());
    (address, answers)
}

pub(crate) async fn get(address: SocketAddr, host: &str, path: &str) -> String {
    send(address, format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n").as_bytes()).await
}

async fn send(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    String::from_utf8(reply).unwrap()
}
