//! Certificates kept, served and renewed; OpenSSL is the client.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acme_core::{ErrorKind, Expect, KeyType, Retry, Store as _};
use certstore::keeper::Happening;
use certstore::{FileStore, Listener, Spec};
use issuers::TokioTimer;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use testkit::servers::{ChallTestSrv, Endpoint, Pebble};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::later::Later;
use crate::openssl;
use crate::serving::{Port, until};

#[tokio::test]
async fn a_certificate_is_issued_stored_and_served() {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let (port, folder) = (Port::open(&pebble).await, TempDir::new().unwrap());
    let keeper = port.keeper(&pebble, folder.path(), TokioTimer).await.spawn().await.unwrap();
    let mut events = keeper.events();

    let spec = Spec::new(["example.test", "www.example.test"]).unwrap();
    keeper.ensure(spec.with_key_type(KeyType::EcdsaP384)).await.unwrap();
    until(&mut events, serving).await;

    let root = pebble.issuance_root_pem(0);
    let leaf = served(&port, "www.example.test", &root).await;
    assert_eq!(openssl::names(&leaf), openssl::as_printed(&["example.test", "www.example.test"]));
    assert!(openssl::text(&leaf).contains("secp384r1"));
    assert!(port.answers.is_empty());
    for file in files(folder.path()) {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is for its owner alone", file.display());
    }
    keeper.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_is_stored_is_served_at_once_and_nothing_is_ordered_again() {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let (port, folder) = (Port::open(&pebble).await, TempDir::new().unwrap());
    let first = port.keeper(&pebble, folder.path(), TokioTimer).await.spawn().await.unwrap();
    first.ensure(Spec::new(["example.test"]).unwrap()).await.unwrap();
    first.ready("example.test").await.unwrap();
    first.shutdown(Duration::from_secs(5)).await;
    certstore::Serve::withdraw(port.resolver.as_ref(), "example.test");

    let second = port.keeper(&pebble, folder.path(), TokioTimer).await.spawn().await.unwrap();

    served(&port, "example.test", &pebble.issuance_root_pem(0)).await;
    second.ensure(Spec::new(["example.test"]).unwrap()).await.unwrap();
    second.ready("example.test").await.unwrap();
    assert_eq!(pebble.requests().count(Endpoint::NewOrder), 1);
    second.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_renewal_drops_no_handshake() {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let (port, folder) = (Port::open(&pebble).await, TempDir::new().unwrap());
    let keeper = port.keeper(&pebble, folder.path(), TokioTimer).await.spawn().await.unwrap();
    let mut events = keeper.events();
    keeper.ensure(Spec::new(["example.test"]).unwrap()).await.unwrap();
    until(&mut events, serving).await;
    let root = pebble.issuance_root_pem(0);
    let before = served(&port, "example.test", &root).await;

    let enough = Arc::new(AtomicBool::new(false));
    let client = tokio::spawn(shake_hands(port.address, root.clone(), enough.clone()));
    keeper.renew_now("example.test").await.unwrap();
    until(&mut events, serving).await;
    let after = served(&port, "example.test", &root).await;
    enough.store(true, Ordering::SeqCst);

    let leaves = client.await.unwrap();
    assert_ne!(before, after);
    let key = openssl::certificate_public_key;
    assert_ne!(key(&before), key(&after), "a new key");
    assert!(leaves.len() > 1, "handshakes went on all the while");
    let kinds: std::collections::BTreeSet<_> = leaves.into_iter().collect();
    assert!((1..=2).contains(&kinds.len()), "the former certificate or the new one, and nothing else");
    keeper.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_window_in_the_past_renews_now_and_names_what_is_replaced() {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let (port, folder) = (Port::open(&pebble).await, TempDir::new().unwrap());
    let first = port.keeper(&pebble, folder.path(), TokioTimer).await.spawn().await.unwrap();
    let mut events = first.events();
    first.ensure(Spec::new(["example.test"]).unwrap()).await.unwrap();
    until(&mut events, |it| matches!(it, Happening::RenewalSuggested { .. })).await;
    first.shutdown(Duration::from_secs(5)).await;
    let root = pebble.issuance_root_pem(0);
    let before = served(&port, "example.test", &root).await;
    let past = r#"{"suggestedWindow":{"start":"2020-01-01T00:00:00Z","end":"2020-01-02T00:00:00Z"}}"#;
    pebble.set_renewal_info(&before, past);

    // Pebble wants to be asked every six hours.
    let later = Later(Duration::from_secs(7 * 3_600));
    let second = port.keeper(&pebble, folder.path(), later).await.spawn().await.unwrap();
    let mut events = second.events();
    until(&mut events, serving).await;

    assert_ne!(served(&port, "example.test", &root).await, before);
    assert_eq!(pebble.log().matches("is a replacement of").count(), 1);
    second.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_is_valid_stays_served_while_the_ca_is_out_of_reach() {
    let dns = ChallTestSrv::start();
    let mut pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let (port, folder) = (Port::open(&pebble).await, TempDir::new().unwrap());
    let keeper = port.keeper(&pebble, folder.path(), TokioTimer).await.spawn().await.unwrap();
    let mut events = keeper.events();
    keeper.ensure(Spec::new(["example.test"]).unwrap()).await.unwrap();
    until(&mut events, serving).await;
    let root = pebble.issuance_root_pem(0);
    let before = served(&port, "example.test", &root).await;

    pebble.stop();
    keeper.renew_now("example.test").await.unwrap();
    let told = |it: &Happening| matches!(it, Happening::Failed { .. } | Happening::Waiting { .. });
    until(&mut events, told).await;

    assert_eq!(served(&port, "example.test", &root).await, before);
    keeper.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_record_that_a_newer_release_wrote_is_left_alone_and_the_others_go_on() {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let (port, folder) = (Port::open(&pebble).await, TempDir::new().unwrap());
    let key = Spec::key_of("newer.test").unwrap();
    let newer = br#"{"format":999,"record":{"color":"blue"}}"#;
    let store = FileStore::open(folder.path()).await.unwrap();
    store.put(&key, newer.to_vec().into(), Expect::Absent).await.unwrap();

    let keeper = port.keeper(&pebble, folder.path(), TokioTimer).await.spawn().await.unwrap();
    let mut events = keeper.events();
    let error = keeper.ensure(Spec::new(["newer.test"]).unwrap()).await.expect_err("it is not ours to change");
    keeper.ensure(Spec::new(["example.test"]).unwrap()).await.unwrap();
    until(&mut events, serving).await;

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
    let said = error.to_string();
    assert!(said.contains("certificates/newer.test") && said.contains("format 999"), "{said}");
    assert!(said.contains("written by a newer release") && said.contains("update it"), "{said}");
    served(&port, "example.test", &pebble.issuance_root_pem(0)).await;
    assert_eq!(store.get(&key).await.unwrap().expect("there").value.expose(), newer);
    keeper.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_state_folder_that_cannot_be_written() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();

    let error = FileStore::open(file.join("state")).await.expect_err("a file is in the way");

    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let said = error.to_string();
    let place = file.display().to_string();
    assert!(said.contains(&place) && said.contains("a file stands where a folder is needed"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "in the way");
}

#[tokio::test]
async fn a_port_in_use() {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let port = Port::open(&pebble).await;
    let acceptor = certstore::Acceptor::choosing(|_| None);

    let error = Listener::bind(port.address, acceptor).await.expect_err("it is taken");

    assert_eq!(error.kind(), ErrorKind::Conflict);
    let said = error.to_string();
    assert!(said.contains(&port.address.to_string()) && said.contains("the port is in use; stop the other"), "{said}");
}

fn serving(happened: &Happening) -> bool {
    matches!(happened, Happening::Serving { .. })
}

/// What OpenSSL is served, off the runtime that serves it.
async fn served(port: &Port, name: &'static str, root: &str) -> String {
    let (address, root) = (port.address, root.to_owned());
    tokio::task::spawn_blocking(move || openssl::served(address, name, &root)).await.expect("served")
}

/// Handshakes, one after another, until it is enough; the leaves that were shown.
async fn shake_hands(address: std::net::SocketAddr, root: String, enough: Arc<AtomicBool>) -> Vec<Vec<u8>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).expect("a root")).expect("a root");
    let config = rustls::ClientConfig::builder_with_provider(certstore::provider());
    let config = config.with_safe_default_protocol_versions().expect("TLS").with_root_certificates(roots);
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    let name = ServerName::try_from("example.test").expect("a name");
    let mut leaves = Vec::new();
    while !enough.load(Ordering::SeqCst) {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let stream = connector.connect(name.clone(), stream).await.expect("a handshake");
        let shown = stream.get_ref().1.peer_certificates().expect("a chain");
        leaves.push(shown[0].to_vec());
    }
    leaves
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}
