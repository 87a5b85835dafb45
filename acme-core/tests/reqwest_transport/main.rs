//! The transport over reqwest against small servers on the loopback; certificates and keys are OpenSSL's.
#![cfg(all(feature = "reqwest", any(feature = "aws-lc-rs", feature = "ring")))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod routes;
mod server;

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use certwright_acme_core::transport::ReqwestTransport;
use certwright_acme_core::{ErrorKind, Secret, limits};

use self::server::{EXPIRED, KEY, LOCALHOST, OTHER, OTHER_KEY, ROOT, get, ok, serve};

fn given_root() -> ReqwestTransport {
    ReqwestTransport::builder().add_root_pem(ROOT).unwrap().only_given_roots().build().unwrap()
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
