//! Metrics over TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::cluster::namespace;
use crate::operator::Operator;

#[test]
fn metrics_are_served_with_the_certificate_in_the_file_and_with_its_successor() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let first = put_pair(&certificate, &key);
    let operator = Operator::ready(&[
        &format!("--leader-election-namespace={}", namespace("encrypted")),
        &format!("--metrics-tls-cert-file={}", certificate.display()),
        &format!("--metrics-tls-private-key-file={}", key.display()),
    ]);
    let metrics = scrape(operator.metrics_address(), &first).unwrap();
    assert!(metrics.contains("# TYPE certmanager_leader gauge"), "{metrics}");

    let second = put_pair(&certificate, &key);
    operator.wait("the new certificate is served", || scrape(operator.metrics_address(), &second).is_some());
    assert!(scrape(operator.metrics_address(), &first).is_none());
}

/// Writes a fresh pair; answers the certificate.
fn put_pair(certificate: &Path, key: &Path) -> CertificateDer<'static> {
    let pair = rcgen::generate_simple_self_signed(["metrics.example".to_owned()]).unwrap();
    // The key first: the certificate's file tells that both are there.
    std::fs::write(key, pair.signing_key.serialize_pem()).unwrap();
    std::fs::write(certificate, pair.cert.pem()).unwrap();
    pair.cert.der().clone()
}

/// The metrics, where the server has this certificate.
fn scrape(address: SocketAddr, trusted: &CertificateDer<'static>) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("metrics.example").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: metrics.example\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
