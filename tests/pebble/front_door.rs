//! The front door: names, a directory and a folder become an HTTPS service; and what it says of wrong ones.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use acme_core::protocol::ExternalAccount;
use acme_core::{Error, ErrorKind, Expect, KeyType, Store as _};
use certstore::{FileStore, Listener, Spec};
use certwright::{Https, Running, Terms};
use tempfile::TempDir;
use testkit::servers::{ChallTestSrv, Endpoint, Pebble};
use tokio::io::AsyncWriteExt as _;

use crate::openssl;

#[tokio::test]
async fn a_name_a_directory_and_a_folder_are_enough() {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let folder = TempDir::new().unwrap();
    let https = door(&pebble, &["example.test", "www.example.test"], folder.path()).start().await.unwrap();

    let address = serve(&https, tls_address(&pebble)).await;
    https.ready().await.unwrap();

    let leaf = served(address, "www.example.test", pebble.issuance_root_pem(0)).await;
    assert_eq!(openssl::names(&leaf), openssl::as_printed(&["example.test", "www.example.test"]));
    let status = https.status("example.test").await.unwrap().to_string();
    assert!(status.contains("renewal"), "{status}");
    https.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn http_01_proves_names_before_anything_listens_for_tls() {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let folder = TempDir::new().unwrap();
    let http = SocketAddr::from((Ipv4Addr::LOCALHOST, pebble.http_port()));
    let https = door(&pebble, &["example.test"], folder.path()).http01(http).key_type(KeyType::Rsa2048);

    let https = https.start().await.unwrap();
    https.ready().await.unwrap();

    let address = serve(&https, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
    let leaf = served(address, "example.test", pebble.issuance_root_pem(0)).await;
    assert!(openssl::text(&leaf).contains("Public-Key: (2048 bit)"));
    https.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_restart_serves_what_is_stored_while_the_ca_is_away_or_its_settings_are_wrong() {
    let dns = ChallTestSrv::start();
    let mut pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let folder = TempDir::new().unwrap();
    let https = door(&pebble, &["example.test"], folder.path()).start().await.unwrap();
    let listening = serve_until_dropped(&https, tls_address(&pebble)).await;
    https.ready().await.unwrap();
    https.shutdown(Duration::from_secs(5)).await;
    listening.abort();
    let root = pebble.issuance_root_pem(0);
    pebble.stop();

    let https = door(&pebble, &["example.test"], folder.path()).profile("of another ca");
    let https = https.start().await.unwrap();
    https.ready().await.unwrap();
    let address = serve(&https, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;

    served(address, "example.test", root).await;
    https.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_said_at_the_start() {
    let pebble = Pebble::builder().strict().start();
    let folder = TempDir::new().unwrap();
    let state = folder.path();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();

    let wrong: [(Https, ErrorKind, &[&str]); 6] = [
        (door(&pebble, &[], state), ErrorKind::Malformed, &["at least one name"]),
        (door(&pebble, &["https://example.test"], state), ErrorKind::Malformed, &["write the name alone"]),
        (door(&pebble, &["*.example.test"], state), ErrorKind::Unsupported, &["*.example.test", "dns-01"]),
        (Https::new(["a.test"]).state(state), ErrorKind::Malformed, &["no certificate authority is named"]),
        (
            Https::new(["a.test"]).directory("ca.example", Terms::Agreed).state(state),
            ErrorKind::Malformed,
            &["ca.example", "not an absolute URL"],
        ),
        (
            door(&pebble, &["a.test"], &file.join("state")),
            ErrorKind::Unsupported,
            &["a file stands where a folder is needed"],
        ),
    ];
    for (https, kind, words) in wrong {
        let error = https.start().await.expect_err("wrong");
        says(&error, kind, words);
    }
    assert!(pebble.requests().is_empty(), "nothing was asked");
}

#[tokio::test]
async fn what_the_ca_refuses_is_said_to_who_waits_for_the_certificate() {
    const MAC: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let (plain, bound) = (Pebble::builder().strict().start(), Pebble::builder().strict().eab_key("kid-1", MAC).start());
    let folder = TempDir::new().unwrap();
    let state = |name: &str| folder.path().join(name);
    let unagreed = Https::new(["a.test"]).directory(plain.directory_url(), Terms::NotAgreed);
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let wrongly =
        door(&bound, &["a.test"], &state("wrongly")).external_account(ExternalAccount::new("kid-1", other).unwrap());

    let wrong: [(Https, ErrorKind, &[&str]); 4] = [
        (
            unagreed.root_pem(plain.root_pem()).state(state("unagreed")),
            ErrorKind::Refused,
            &["terms of service", "are not agreed to: read", "and agree"],
        ),
        (door(&bound, &["a.test"], &state("unbound")), ErrorKind::Unauthorized, &["external account binding"]),
        (wrongly, ErrorKind::Unauthorized, &["kid-1", "compare its key id and MAC key"]),
        (
            door(&plain, &["a.test"], &state("profile")).profile("shortlived"),
            ErrorKind::Unsupported,
            &["does not offer the profile shortlived", "it offers"],
        ),
    ];
    for (https, kind, words) in wrong {
        let https = https.start().await.unwrap();
        let _listener = https.listen((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let error = https.ready().await.expect_err("refused");
        says(&error, kind, words);
        let status = https.status("a.test").await.unwrap().to_string();
        assert!(status.contains(words[0]), "{status}");
        https.shutdown(Duration::from_secs(5)).await;
    }
    assert_eq!(plain.requests().count(Endpoint::NewOrder) + bound.requests().count(Endpoint::NewOrder), 0);
}

#[tokio::test]
async fn a_state_of_a_newer_release_and_a_port_in_use() {
    let pebble = Pebble::builder().strict().start();
    let folder = TempDir::new().unwrap();
    let key = Spec::key_of("a.test").unwrap();
    let newer = br#"{"format":999,"record":{"color":"blue"}}"#;
    let store = FileStore::open(folder.path()).await.unwrap();
    store.put(&key, newer.to_vec().into(), Expect::Absent).await.unwrap();
    let error = door(&pebble, &["a.test"], folder.path()).start().await.expect_err("newer");
    says(&error, ErrorKind::Unsupported, &["certificates/a.test", "format 999", "update it"]);
    assert_eq!(store.get(&key).await.unwrap().expect("there").value.expose(), newer);

    let taken = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();
    let error = door(&pebble, &["b.test"], folder.path()).http01(address).start().await.expect_err("taken");
    says(&error, ErrorKind::Conflict, &[&port, "another program listens"]);
    let https = door(&pebble, &["b.test"], folder.path()).start().await.unwrap();
    let error = https.listen(address).await.expect_err("taken");
    says(&error, ErrorKind::Conflict, &[&port, "the port is in use"]);
    https.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_directory_out_of_reach_is_in_the_status_and_waited_for() {
    let dns = ChallTestSrv::start();
    let mut pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    pebble.stop();
    let folder = TempDir::new().unwrap();
    let https = door(&pebble, &["example.test"], folder.path()).start().await.unwrap();
    let mut events = https.events();
    let address = serve(&https, tls_address(&pebble)).await;
    let told = |it: &certstore::keeper::Happening| {
        matches!(it, certstore::keeper::Happening::Failed { .. } | certstore::keeper::Happening::Waiting { .. })
    };
    crate::serving::until(&mut events, told).await;
    let status = https.status("example.test").await.unwrap().to_string();
    assert!(status.contains("refuses connections"), "{status}");

    pebble.restart();
    https.keeper().renew_now("example.test").await.unwrap();
    https.ready().await.unwrap();

    served(address, "example.test", pebble.issuance_root_pem(0)).await;
    https.shutdown(Duration::from_secs(5)).await;
}

fn door(pebble: &Pebble, names: &[&str], state: &Path) -> Https {
    Https::new(names.iter().copied())
        .directory(pebble.directory_url(), Terms::Agreed)
        .root_pem(pebble.root_pem())
        .state(state)
        .node("test")
}

fn tls_address(pebble: &Pebble) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, pebble.tls_port()))
}

async fn serve(https: &Running, address: SocketAddr) -> SocketAddr {
    let listener = https.listen(address).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(accept(listener));
    address
}

async fn serve_until_dropped(https: &Running, address: SocketAddr) -> tokio::task::JoinHandle<()> {
    tokio::spawn(accept(https.listen(address).await.expect("a port")))
}

async fn accept(mut listener: Listener) {
    loop {
        let (mut stream, _) = listener.accept().await;
        tokio::spawn(async move { stream.shutdown().await });
    }
}

/// What OpenSSL is served, off the runtime that serves it.
async fn served(address: SocketAddr, name: &'static str, root: String) -> String {
    tokio::task::spawn_blocking(move || openssl::served(address, name, &root)).await.expect("served")
}

#[track_caller]
fn says(error: &Error, kind: ErrorKind, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}
