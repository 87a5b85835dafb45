//! Where requests go, and whom they trust.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use certwright_acme_core::transport::{Lookup, ReqwestTransport};
use certwright_acme_core::{Error, ErrorKind, Retry};

use super::server::{EXPIRED, KEY, LOCALHOST, OTHER, OTHER_KEY, ROOT, get, ok, serve, serve_and_tell};

#[test]
fn who_trusts_anyone_takes_every_certificate() {
    let transport = ReqwestTransport::builder().dangerously_trust_anyone().build().unwrap();
    for (chain, key) in [(LOCALHOST, KEY), (EXPIRED, KEY), (OTHER, OTHER_KEY)] {
        let address = serve(ok(), Some((chain, key)));
        assert_eq!(get(&transport, &format!("https://{address}/")).unwrap().body(), "hello");
    }
}

#[test]
fn a_server_is_asked_for_the_certificate_of_another_name() {
    let (address, told) = serve_and_tell(ok(), Some((LOCALHOST, KEY)));
    let root = || ReqwestTransport::builder().add_root_pem(ROOT).unwrap().only_given_roots();
    let url = format!("https://{address}/v1/sys/health");

    let error = get(&root().build().unwrap(), &url).unwrap_err();
    assert!(error.to_string().contains("another name"), "{error}");

    let transport = root().server_name("127.0.0.1", "localhost").unwrap().build().unwrap();
    assert_eq!(get(&transport, &url).unwrap().body(), "hello");
    let seen = told.recv().unwrap();
    assert_eq!(seen.name.as_deref(), Some("localhost"), "the handshake names what is trusted");
    let head = seen.head.to_ascii_lowercase();
    assert!(head.contains(&format!("host: {address}\r\n")), "the request names what was asked: {head}");

    let error = root().server_name("127.0.0.1", "192.0.2.1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[test]
fn a_name_is_looked_up_where_it_shall_be() {
    let address = serve(ok(), None);
    let table = Arc::new(Table(vec![address.ip()]));
    let transport = ReqwestTransport::builder().lookup(table).build().unwrap();
    let answer = get(&transport, &format!("http://nowhere.invalid:{}/", address.port())).unwrap();
    assert_eq!(answer.body(), "hello");

    let transport = ReqwestTransport::builder().lookup(Arc::new(Table(Vec::new()))).build().unwrap();
    let error = get(&transport, "http://nowhere.invalid/").unwrap_err();
    assert_eq!((error.kind(), error.what()), (ErrorKind::Unreachable, "nowhere.invalid has no address"));
}

#[test]
fn an_address_that_may_not_be_asked_is_not_asked_however_it_is_named() {
    let address = serve(ok(), None);
    let (port, metadata) = (address.port(), "fe80::1".parse().unwrap());
    let builder = ReqwestTransport::builder().only_addresses(|it| !it.is_loopback());
    let system = builder.clone().build().unwrap();
    let table = builder.lookup(Arc::new(Table(vec![address.ip(), "::1".parse().unwrap()]))).build().unwrap();
    for (transport, host) in [
        (&system, "127.0.0.1"),
        (&system, "[::1]"),
        (&system, "[::ffff:127.0.0.1]"),
        (&system, "localhost"),
        (&table, "rebound.example"),
    ] {
        let error = get(transport, &format!("http://{host}:{port}/")).unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{error}");
        assert!(error.what().contains("no address to go to"), "{error}");
    }
    let some = ReqwestTransport::builder()
        .only_addresses(move |it| it != metadata)
        .lookup(Arc::new(Table(vec![metadata, address.ip()])))
        .build()
        .unwrap();
    assert!(get(&some, &format!("http://two.example:{port}/")).is_ok(), "the addresses that may be asked are");
}

#[test]
fn a_fresh_connection_is_made_for_every_request() {
    let kept = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec();
    let (address, told) = serve_and_tell(kept, None);
    let transport = ReqwestTransport::builder().fresh_connections().build().unwrap();
    for _ in 0..3 {
        get(&transport, &format!("http://{address}/")).unwrap();
    }
    assert_eq!(told.try_iter().count(), 3);
}

#[test]
fn a_proxy_is_asked_for_everything_that_is_not_direct() {
    let (proxy, told) = serve_and_tell(ok(), None);
    let direct = serve(ok(), None);
    let transport =
        ReqwestTransport::builder().proxy(&format!("http://user:word@{proxy}"), "127.0.0.1").unwrap().build().unwrap();
    assert_eq!(get(&transport, "http://elsewhere.invalid/x").unwrap().body(), "hello");
    assert!(told.recv().unwrap().head.starts_with("GET http://elsewhere.invalid/x HTTP/1.1"));
    assert_eq!(get(&transport, &format!("http://{direct}/")).unwrap().body(), "hello");
    assert!(told.try_recv().is_err(), "a direct host is not the proxy's");

    let builder = ReqwestTransport::builder();
    for url in ["", "socks4://host", "not a url", "ftp://user:word@host"] {
        let error = builder.clone().proxy(url, "").unwrap_err();
        assert!(!error.to_string().contains("word"), "{error}");
    }
    let builder = builder.proxy("http://user:word@host", "").unwrap();
    assert!(!format!("{builder:?}").contains("word"));
}

/// The same addresses for every name.
struct Table(Vec<IpAddr>);

#[async_trait]
impl Lookup for Table {
    async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, Error> {
        Ok(self.0.clone())
    }
}
