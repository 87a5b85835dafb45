//! Signing requests, judged by OpenSSL.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::PathBuf;
use std::process::Command;

use acme_core::{Error, ErrorKind, Identifier, SignatureAlgorithm, Signer};
use async_trait::async_trait;
use certwright_issuers::csr;
use futures_util::FutureExt as _;
use rustls_pki_types::{CertificateSigningRequestDer, SubjectPublicKeyInfoDer};

const NAMES: [&str; 5] = ["example.com", "*.example.com", "192.0.2.7", "2001:db8::7", "xn--bcher-kva.example"];

#[test]
fn openssl_accepts_a_request_of_every_key_type() {
    for key in [
        Key::generate(&["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], SignatureAlgorithm::EcdsaP256Sha256),
        Key::generate(&["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], SignatureAlgorithm::EcdsaP384Sha384),
        Key::generate(&["EC", "-pkeyopt", "ec_paramgen_curve:P-521"], SignatureAlgorithm::EcdsaP521Sha512),
        Key::generate(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], SignatureAlgorithm::RsaPkcs1Sha256),
        Key::generate(&["ED25519"], SignatureAlgorithm::Ed25519),
    ] {
        let request = create(&key, &NAMES);

        let shown = key.openssl(&["req", "-inform", "DER", "-verify", "-noout", "-text"], request.as_ref());

        assert!(shown.contains("verify OK"), "{:?}: {shown}", key.algorithm);
        assert!(
            shown.contains(
                "DNS:example.com, DNS:*.example.com, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, DNS:xn--bcher-kva.example"
            ),
            "{shown}"
        );
        assert!(shown.contains("Subject: \n") || shown.contains("Subject:\n"), "{shown}");
    }
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[test]
fn openssl_verifies_requests_that_an_rsa_key_signs_with_each_hash() {
    let key = Key::generate(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], SignatureAlgorithm::RsaPkcs1Sha256);
    let pem = std::fs::read_to_string(&key.path).unwrap();
    for (algorithm, words) in [
        (SignatureAlgorithm::RsaPkcs1Sha256, "sha256WithRSAEncryption"),
        (SignatureAlgorithm::RsaPkcs1Sha384, "sha384WithRSAEncryption"),
        (SignatureAlgorithm::RsaPkcs1Sha512, "sha512WithRSAEncryption"),
    ] {
        let ours = acme_core::PrivateKey::from_pem(&pem).unwrap().signing_with(algorithm).unwrap();
        let request = csr::Draft::new(&identifiers(&NAMES)).unwrap().sign(&ours).now_or_never().unwrap().unwrap();

        let shown = key.openssl(&["req", "-inform", "DER", "-verify", "-noout", "-text"], request.as_ref());

        assert!(shown.contains("verify OK"), "{shown}");
        assert!(shown.contains(&format!("Signature Algorithm: {words}")), "{shown}");
    }
}

#[test]
fn what_was_asked_is_read_back() {
    let key = Key::generate(&["ED25519"], SignatureAlgorithm::Ed25519);

    let asked = csr::read(&create(&key, &NAMES)).unwrap();

    assert_eq!(asked.identifiers, identifiers(&NAMES));
    assert_eq!(asked.public_key, *key.public_key());
    assert_eq!(asked.common_name, None);
}

#[test]
fn a_common_name_is_there_when_asked_for() {
    let key = Key::generate(&["ED25519"], SignatureAlgorithm::Ed25519);
    let name = "example.com".parse().unwrap();

    let request = csr::Draft::new(&identifiers(&NAMES))
        .unwrap()
        .with_common_name(&name)
        .unwrap()
        .sign(&key)
        .now_or_never()
        .unwrap()
        .unwrap();

    assert_eq!(csr::read(&request).unwrap().common_name.as_deref(), Some("example.com"));
    let shown = key.openssl(&["req", "-inform", "DER", "-verify", "-noout", "-subject"], request.as_ref());
    assert!(shown.contains("verify OK") && shown.contains("CN = example.com"), "{shown}");
}

#[test]
fn a_request_of_openssl_is_read() {
    let key = Key::generate(&["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], SignatureAlgorithm::EcdsaP256Sha256);
    let request = key.openssl_bytes(
        &[
            "req",
            "-new",
            "-key",
            key.path.to_str().unwrap(),
            "-outform",
            "DER",
            "-subj",
            "/O=Example/CN=a.example",
            "-addext",
            "subjectAltName=DNS:A.example,IP:192.0.2.1,email:ops@a.example",
        ],
        b"",
    );

    let asked = csr::read(&CertificateSigningRequestDer::from(request)).unwrap();

    assert_eq!(asked.identifiers, identifiers(&["a.example", "192.0.2.1"]));
    assert_eq!(asked.common_name.as_deref(), Some("a.example"));
    assert_eq!(asked.public_key, *key.public_key());
}

#[test]
fn what_cannot_be_asked_for_says_why() {
    let long: Identifier = format!("{}.{}.example", "a".repeat(40), "b".repeat(40)).parse().unwrap();
    let other: Identifier = serde_json::from_str(r#"{"type":"onion","value":"x"}"#).unwrap();

    let empty = csr::Draft::new(&[]).unwrap_err();
    let strange = csr::Draft::new(&[other]).unwrap_err();
    let too_long =
        csr::Draft::new(std::slice::from_ref(&long)).unwrap().with_common_name(long.dns().unwrap()).unwrap_err();

    assert_eq!(empty.kind(), ErrorKind::Malformed);
    assert_eq!(strange.kind(), ErrorKind::Unsupported);
    assert!(too_long.to_string().contains("64 characters"), "{too_long}");
}

#[test]
fn cut_off_and_spoiled_requests_are_refused() {
    let key = Key::generate(&["ED25519"], SignatureAlgorithm::Ed25519);
    let request = create(&key, &NAMES);
    let bytes = request.as_ref();

    for length in 0..bytes.len() {
        assert!(csr::read(&bytes[..length].to_vec().into()).is_err(), "{length} octets");
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(csr::read(&longer.into()).is_err());
    for at in 0..bytes.len() {
        let mut spoiled = bytes.to_vec();
        spoiled[at] ^= 0x20;
        let _ = csr::read(&spoiled.into());
    }
}

fn identifiers(names: &[&str]) -> Vec<Identifier> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn create(key: &Key, names: &[&str]) -> CertificateSigningRequestDer<'static> {
    csr::create(key, &identifiers(names)).now_or_never().unwrap().unwrap()
}

/// A key that OpenSSL made and signs with.
struct Key {
    folder: tempfile::TempDir,
    path: PathBuf,
    public: SubjectPublicKeyInfoDer<'static>,
    algorithm: SignatureAlgorithm,
    digest: Option<&'static str>,
}

impl Key {
    fn generate(kind: &[&str], algorithm: SignatureAlgorithm) -> Self {
        let digest = DIGESTS.iter().find(|(it, _)| *it == algorithm).map(|(_, digest)| *digest);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let mut key = Self { folder, path, public: Vec::new().into(), algorithm, digest };
        let path = key.path.to_str().unwrap().to_owned();
        key.openssl_bytes(&[&["genpkey", "-out", &path, "-algorithm"], kind].concat(), b"");
        key.public = key.openssl_bytes(&["pkey", "-in", &path, "-pubout", "-outform", "DER"], b"").into();
        key
    }

    fn openssl_bytes(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let file = self.folder.path().join("input");
        std::fs::write(&file, input).unwrap();
        let mut command = Command::new("openssl");
        command.args(arguments);
        if !input.is_empty() {
            command.arg("-in").arg(&file);
        }
        let output = command.output().expect("openssl must be installed");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn openssl(&self, arguments: &[&str], input: &[u8]) -> String {
        let file = self.folder.path().join("input");
        std::fs::write(&file, input).unwrap();
        let output =
            Command::new("openssl").args(arguments).arg("-in").arg(&file).output().expect("openssl must be installed");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }
}

#[async_trait]
impl Signer for Key {
    fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        &self.public
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.path.to_str().unwrap();
        let mut arguments = vec!["pkeyutl", "-sign", "-rawin", "-inkey", key];
        if let Some(digest) = self.digest {
            arguments.extend(["-digest", digest]);
        }
        Ok(self.openssl_bytes(&arguments, message))
    }
}

const DIGESTS: [(SignatureAlgorithm, &str); 4] = [
    (SignatureAlgorithm::EcdsaP256Sha256, "sha256"),
    (SignatureAlgorithm::EcdsaP384Sha384, "sha384"),
    (SignatureAlgorithm::EcdsaP521Sha512, "sha512"),
    (SignatureAlgorithm::RsaPkcs1Sha256, "sha256"),
];
