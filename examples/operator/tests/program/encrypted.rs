//! Metrics over TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::cluster::{cluster, namespace};
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

#[test]
fn replicas_serve_metrics_by_one_authority_in_a_secret_and_mend_it_when_it_is_broken() {
    let namespace = namespace("dynamic");
    let election = format!("--leader-election-namespace={namespace}");
    let place = format!("--metrics-dynamic-serving-ca-secret-namespace={namespace}");
    let arguments = [
        election.as_str(),
        place.as_str(),
        "--metrics-dynamic-serving-ca-secret-name=metrics-ca",
        "--metrics-dynamic-serving-dns-names=metrics.example",
    ];
    let (one, other) = (Operator::ready(&arguments), Operator::ready(&arguments));
    one.wait("both serve", || {
        authority(&namespace)
            .is_some_and(|it| [&one, &other].iter().all(|of| scrape(of.metrics_address(), &it).is_some()))
    });
    let first = authority(&namespace);

    let path = secret_path(&namespace);
    let mut secret = cluster().call("GET", &path, None).body;
    secret["data"]["tls.key"] = "bm8ga2V5".into();
    cluster().write("PUT", &path, &secret);
    let third = Operator::ready(&arguments);
    third.wait("a new authority signs", || {
        authority(&namespace).is_some_and(|it| scrape(third.metrics_address(), &it).is_some())
    });
    assert_ne!(authority(&namespace), first);
    let secret = cluster().call("GET", &path, None).body;
    assert_eq!(secret["metadata"]["annotations"]["cert-manager.io/allow-direct-injection"], "true");
    assert_eq!(secret["data"]["ca.crt"], secret["data"]["tls.crt"]);
}

/// The certificate of the authority in the Secret.
fn authority(namespace: &str) -> Option<CertificateDer<'static>> {
    let secret = cluster().call("GET", &secret_path(namespace), None).body;
    let pem = BASE64_STANDARD.decode(secret["data"]["ca.crt"].as_str()?).unwrap();
    Some(CertificateDer::from_pem_slice(&pem).unwrap())
}

fn secret_path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets/metrics-ca")
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
