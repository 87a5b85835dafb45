//! The transport over reqwest against small servers on the loopback; certificates and keys are OpenSSL's.
#![cfg(all(feature = "reqwest", any(feature = "aws-lc-rs", feature = "ring")))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use certwright_acme_core::transport::{ReqwestTransport, Transport};
use certwright_acme_core::{Error, ErrorKind, Secret, limits};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

const ROOT: &[u8] = include_bytes!("tls/root.pem");
const KEY: &[u8] = include_bytes!("tls/localhost.key");
const LOCALHOST: &[u8] = include_bytes!("tls/localhost.pem");
const EXPIRED: &[u8] = include_bytes!("tls/expired.pem");
const OTHER: &[u8] = include_bytes!("tls/other.pem");
const OTHER_KEY: &[u8] = include_bytes!("tls/other.key");

/// Answers every connection with the same bytes, once a request's head is in.
fn serve(answer: Vec<u8>, tls: Option<(&'static [u8], &'static [u8])>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let tls = tls.map(|(chain, key)| Arc::new(server_config(chain, key)));
    thread::spawn(move || {
        for stream in listener.incoming().take(4) {
            let Ok(stream) = stream else { continue };
            let answer = answer.clone();
            match &tls {
                None => respond(stream, &answer),
                Some(tls) => {
                    let session = ServerConnection::new(Arc::clone(tls)).unwrap();
                    respond(StreamOwned::new(session, stream), &answer);
                }
            }
        }
    });
    address
}

fn respond(mut stream: impl Read + Write, answer: &[u8]) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            // A client that speaks TLS where none is.
            Ok(1) if byte == [0x16] => break,
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let _ = stream.write_all(answer);
    let _ = stream.flush();
}

fn server_config(chain: &[u8], key: &[u8]) -> ServerConfig {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            CertificateDer::pem_slice_iter(chain).map(Result::unwrap).collect(),
            PrivateKeyDer::from_pem_slice(key).unwrap(),
        )
        .unwrap()
}

fn get(transport: &ReqwestTransport, url: &str) -> Result<http::Response<Bytes>, Error> {
    let request = http::Request::get(url).header("user-agent", "test").body(Bytes::new()).unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(transport.send(request))
}

fn given_root() -> ReqwestTransport {
    ReqwestTransport::builder().add_root_pem(ROOT).unwrap().only_given_roots().build().unwrap()
}

fn ok() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nreplay-nonce: abc\r\n\r\nhello".to_vec()
}

#[test]
fn a_server_below_a_given_root_is_trusted() {
    let address = serve(ok(), Some((LOCALHOST, KEY)));
    let response = get(&given_root(), &format!("https://localhost:{}/", address.port())).unwrap();
    assert_eq!(response.body(), "hello");
    assert_eq!(response.headers()["replay-nonce"], "abc");
}

#[test]
fn what_is_wrong_with_a_certificate_is_said() {
    let system = ReqwestTransport::builder().build();
    for (transport, chain, key, said) in [
        (system, LOCALHOST, KEY, "add its root"),
        (Ok(given_root()), EXPIRED, KEY, "expired"),
        (Ok(given_root()), OTHER, OTHER_KEY, "another name"),
    ] {
        let address = serve(ok(), Some((chain, key)));
        let url = format!("https://localhost:{}/", address.port());
        let error = get(&transport.unwrap(), &url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        let text = error.to_string();
        assert!(text.contains("localhost") && text.contains(said), "{text}");
    }
}

#[test]
fn failures_are_answers_and_redirects_are_not_followed() {
    for (status, extra) in [(503, ""), (404, ""), (302, "location: /elsewhere\r\n")] {
        let answer = format!("HTTP/1.1 {status} X\r\n{extra}content-length: 2\r\n\r\nno");
        let address = serve(answer.into_bytes(), None);
        let response = get(&given_root(), &format!("http://{address}/")).unwrap();
        assert_eq!(response.status().as_u16(), status);
    }
}

#[test]
fn what_is_in_the_way_is_said() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let no_tls = serve(b"HTTP/1.1 400 X\r\n\r\n".to_vec(), None);
    let cut_off = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nhel".to_vec(), None);
    for (url, said) in [
        (format!("http://{closed}/"), "refuses connections"),
        (format!("http://{cut_off}/"), "ended before"),
        (format!("https://{no_tls}/"), "127.0.0.1"),
    ] {
        let error = get(&given_root(), &url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error:?}");
        assert!(error.to_string().contains(said), "{error:?}");
    }
}

#[test]
fn a_silent_server_is_left_after_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let transport = ReqwestTransport::builder()
        .answer_within(Duration::from_millis(200))
        .add_root_pem(ROOT)
        .unwrap()
        .only_given_roots()
        .build()
        .unwrap();
    let error = get(&transport, &format!("http://{address}/")).unwrap_err();
    assert!(error.to_string().contains("in time"), "{error:?}");
    drop(TcpStream::connect(address));
}

#[test]
fn a_body_without_end_is_left_at_its_limit() {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4000000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 4_000_000, b'x');
    let address = serve(answer, None);
    let error = get(&given_root(), &format!("http://{address}/")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains(&limits::BODY.to_string()));
}

#[test]
fn what_is_no_root_is_refused() {
    for pem in [&b""[..], b"nonsense", b"-----BEGIN CERTIFICATE-----\n?\n"] {
        let error = ReqwestTransport::builder().add_root_pem(pem).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }
    assert!(
        ReqwestTransport::builder().only_given_roots().build().is_err(),
        "without any root nothing could be trusted"
    );
}

#[test]
fn what_is_no_client_certificate_is_refused() {
    let key = Secret::new(String::from_utf8(KEY.to_vec()).unwrap());
    let other_key = Secret::new(String::from_utf8(OTHER_KEY.to_vec()).unwrap());
    for (chain, key, said) in [
        (&b"nothing"[..], &key, "holds no certificate in PEM"),
        (&b"-----BEGIN CERTIFICATE-----\nAAAA\n"[..], &key, "cut off or damaged"),
        (LOCALHOST, &Secret::new("nothing".to_owned()), "is not in PEM, or encrypted"),
        (LOCALHOST, &other_key, "is not the one that it is for"),
    ] {
        let error = ReqwestTransport::builder().client_certificate(chain, key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains(said), "{error}");
    }
    let builder = ReqwestTransport::builder().client_certificate(LOCALHOST, &key).unwrap();
    assert!(!format!("{builder:?}").contains("PRIVATE"));
    builder.build().unwrap();
}
