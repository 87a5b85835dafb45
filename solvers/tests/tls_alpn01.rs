//! TLS-ALPN-01, judged by what Boulder asks of a certificate.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use acme_core::Identifier;
use acme_core::protocol::{ChallengeType, KeyAuthorization, Url};
use certwright_solvers::tls_alpn01::{PROTOCOL, Responder, TlsAlpn01};
use certwright_solvers::{Answers, Presentation, Solver as _};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, ServerConnection, SignatureScheme};
use testkit::conformance;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

#[tokio::test]
async fn a_validator_sees_a_certificate_that_boulder_takes() {
    for (identifier, server_name) in [
        ("Example.com", "example.com"),
        ("127.0.0.1", "1.0.0.127.in-addr.arpa"),
        ("2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
    ] {
        let answers = Answers::new();
        let challenge = challenge(identifier, "token");
        TlsAlpn01::new(answers.clone()).present(&challenge).await.unwrap();
        let seen = handshake(&answers, server_name, &[PROTOCOL]).unwrap();
        assert_eq!(seen.protocol.as_deref(), Some(PROTOCOL));
        judge(&seen.certificate, &challenge);
        judge_by_openssl(&seen.certificate);
    }
}

#[tokio::test]
async fn nobody_but_a_validator_completes_a_handshake() {
    let answers = Answers::new();
    let solver = TlsAlpn01::new(answers.clone());
    let challenge = challenge("example.com", "token");
    solver.present(&challenge).await.unwrap();
    for (name, protocols) in [
        ("example.com", &[][..]),
        ("example.com", &[b"h2".as_slice()]),
        ("example.com", &[b"h2".as_slice(), PROTOCOL]),
        ("example.org", &[PROTOCOL]),
    ] {
        assert!(handshake(&answers, name, protocols).is_err(), "{name} {protocols:?}");
    }
    solver.clean_up(&challenge).await.unwrap();
    assert!(handshake(&answers, "example.com", &[PROTOCOL]).is_err());
}

#[tokio::test]
async fn two_orders_for_one_name_are_answered_one_after_the_other() {
    let answers = Answers::new();
    let solver = TlsAlpn01::new(answers.clone());
    let (first, second) = (challenge("example.com", "first"), challenge("example.com", "second"));
    solver.present(&first).await.unwrap();
    solver.present(&second).await.unwrap();
    judge(&handshake(&answers, "example.com", &[PROTOCOL]).unwrap().certificate, &second);
    solver.clean_up(&second).await.unwrap();
    judge(&handshake(&answers, "example.com", &[PROTOCOL]).unwrap().certificate, &first);
}

#[tokio::test]
async fn the_contract_of_solvers_is_kept() {
    let answers = Answers::new();
    let identifier = Identifier::parse("example.com").unwrap();
    conformance::solver(|| TlsAlpn01::new(answers.clone()), &identifier).await.unwrap();
    assert!(answers.is_empty());
}

/// Boulder's rules (RFC 8737 section 3): self-signed, one name and no other, the digest, critical.
fn judge(certificate: &CertificateDer<'_>, challenge: &Presentation) {
    let (rest, parsed) = X509Certificate::from_der(certificate).unwrap();
    assert!(rest.is_empty());
    assert_eq!(parsed.subject().as_raw(), parsed.issuer().as_raw());
    let names = parsed.subject_alternative_name().unwrap().unwrap();
    let expected = if let Identifier::Ip(address) = &challenge.identifier {
        match address {
            IpAddr::V4(address) => octets(0x87, &address.octets()),
            IpAddr::V6(address) => octets(0x87, &address.octets()),
        }
    } else {
        octets(0x82, challenge.identifier.to_string().as_bytes())
    };
    let san = parsed.extensions().iter().find(|it| it.oid.to_id_string() == "2.5.29.17").unwrap();
    assert_eq!(san.value, octets(0x30, &expected));
    assert_eq!(names.value.general_names.len(), 1);
    assert!(matches!(names.value.general_names[0], GeneralName::DNSName(_) | GeneralName::IPAddress(_)));

    let mut digests = parsed.extensions().iter().filter(|it| it.oid.to_id_string() == "1.3.6.1.5.5.7.1.31");
    let digest = digests.next().unwrap();
    assert!(digests.next().is_none());
    assert!(digest.critical);
    assert_eq!(digest.value, octets(0x04, &challenge.key_authorization().unwrap().digest()));
}

/// The signature is its own key's, and the extension is understood by name.
fn judge_by_openssl(certificate: &CertificateDer<'_>) {
    let folder = tempfile::tempdir().unwrap();
    let (der, pem) = (folder.path().join("it.der"), folder.path().join("it.pem"));
    std::fs::write(&der, certificate).unwrap();
    let openssl = |arguments: &[&str], file: &Path| {
        let output = Command::new("openssl").args(arguments).arg(file).output();
        let output = output.expect("openssl is missing: run apt-get install openssl");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (of, to) = (der.to_str().unwrap(), pem.to_str().unwrap());
    let text = openssl(&["x509", "-inform", "DER", "-in", of, "-text", "-out"], &pem);
    assert!(text.is_empty(), "{text}");
    let text = std::fs::read_to_string(&pem).unwrap();
    assert!(text.contains("1.3.6.1.5.5.7.1.31: critical"), "{text}");
    openssl(&["verify", "-ignore_critical", "-check_ss_sig", "-CAfile", to], &pem);
}

fn octets(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = vec![tag, u8::try_from(content.len()).unwrap()];
    der.extend_from_slice(content);
    der
}

struct Seen {
    certificate: CertificateDer<'static>,
    protocol: Option<Vec<u8>>,
}

/// A handshake in memory, as a validator makes it: the certificate is looked at, not trusted.
fn handshake(answers: &Answers, name: &str, protocols: &[&[u8]]) -> io::Result<Seen> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let witness = Arc::new(Witness { provider: provider.clone(), seen: Mutex::default() });
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(witness.clone())
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let responder = Arc::new(Responder::new(answers.clone(), provider));
    let mut server = ServerConnection::new(responder.server_config().unwrap()).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire)?;
        }
        server.read_tls(&mut wire.as_slice())?;
        server.process_new_packets().map_err(io::Error::other)?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire)?;
        }
        client.read_tls(&mut wire.as_slice())?;
        client.process_new_packets().map_err(io::Error::other)?;
    }
    let certificate = witness.seen.lock().unwrap().take().unwrap();
    let protocol = client.alpn_protocol().map(<[u8]>::to_vec);
    Ok(Seen { certificate, protocol })
}

/// Notes the certificate, and checks that the server holds its key.
#[derive(Debug)]
struct Witness {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap() = Some(end_entity.clone().into_owned());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("only TLS 1.3 is expected".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // By the bare key: the general check refuses the critical extension, as it must.
        let (_, parsed) = X509Certificate::from_der(cert).unwrap();
        let key = SubjectPublicKeyInfoDer::from(parsed.public_key().raw);
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature_with_raw_key(message, &key, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn challenge(name: &str, token: &str) -> Presentation {
    Presentation::new(
        Identifier::parse(name).unwrap(),
        ChallengeType::TlsAlpn01,
        KeyAuthorization::new(token, "thumbprint").unwrap(),
        Url::parse("https://ca.test/acct/1").unwrap(),
    )
}
