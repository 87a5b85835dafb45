//! An authority, and a folder in which OpenSSL asks and judges.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use acme_core::key::PrivateKey;
use acme_core::protocol::RevocationReason;
use acme_core::{KeyType, Signer, Timestamp};
use certwright_issuers::ca::ocsp::Responder;
use certwright_issuers::ca::{Register, Revoked};
use certwright_issuers::name::{AttributeType, DistinguishedName};
use certwright_issuers::template::{
    BasicConstraints, Draft, Extensions, KeyIdentifier, KeyUsages, SerialNumber, Usages, Validity,
};
use futures_util::FutureExt as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

/// An authority with the name "Example CA".
pub(crate) struct Ca {
    name: &'static str,
    pub(crate) key: Arc<PrivateKey>,
    pub(crate) certificate: CertificateDer<'static>,
}

impl Ca {
    pub(crate) fn new(kind: KeyType) -> Self {
        Self::named("Example CA", kind, KeyUsages::CERT_SIGN | KeyUsages::CRL_SIGN)
    }

    pub(crate) fn with_usages(usages: KeyUsages) -> Self {
        Self::named("Example CA", KeyType::EcdsaP256, usages)
    }

    pub(crate) fn named(name: &'static str, kind: KeyType, usages: KeyUsages) -> Self {
        let key = Arc::new(PrivateKey::generate(kind).unwrap());
        let mut ca = Self { name, key, certificate: Vec::new().into() };
        let authority = BasicConstraints::Authority { path_length: None };
        ca.certificate = ca.draft(1, name, ca.key.public_key(), &Usages::of_key(usages), authority);
        ca
    }

    pub(crate) fn leaf(&self, number: u64) -> CertificateDer<'static> {
        let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        let usages = Usages::of_key(KeyUsages::DIGITAL_SIGNATURE);
        self.certify(number, "a.example", key.public_key(), &usages)
    }

    pub(crate) fn certify(
        &self,
        number: u64,
        name: &str,
        key: &SubjectPublicKeyInfoDer<'static>,
        usages: &Usages,
    ) -> CertificateDer<'static> {
        self.draft(number, name, key, usages, BasicConstraints::EndEntity)
    }

    pub(crate) fn draft(
        &self,
        number: u64,
        name: &str,
        key: &SubjectPublicKeyInfoDer<'static>,
        usages: &Usages,
        constraints: BasicConstraints,
    ) -> CertificateDer<'static> {
        let named = |name: &str| DistinguishedName::new().with(AttributeType::COMMON_NAME, name).unwrap().to_raw();
        let own = KeyIdentifier::of_key(self.key.public_key()).unwrap();
        let mut extensions = Extensions::new().with(constraints.to_extension()).with(own.to_authority_extension());
        for extension in usages.to_extensions() {
            extensions = extensions.with(extension);
        }
        extensions = extensions.with(KeyIdentifier::of_key(key).unwrap().to_subject_extension());
        let validity = Validity { not_before: now() - DAY, not_after: now() + DAY * 10_000 };
        Draft::new(&named(self.name), &named(name), key, serial(number), validity)
            .with_extensions(extensions)
            .sign(self.key.as_ref())
            .now_or_never()
            .unwrap()
            .unwrap()
    }

    pub(crate) fn signer(&self) -> Arc<dyn Signer> {
        self.key.clone()
    }
}

/// A folder in which OpenSSL works; `ca.pem` is in it.
pub(crate) struct Bench(tempfile::TempDir);

impl Bench {
    pub(crate) fn new(ca: &Ca) -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        bench.certificate("ca.pem", &ca.certificate);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn certificate(&self, name: &str, certificate: &CertificateDer<'static>) {
        let chain = acme_core::client::Chain::new(vec![certificate.clone()]);
        self.file(name, certwright_issuers::chain::to_pem(&chain).as_bytes());
    }

    pub(crate) fn openssl(&self, arguments: &[&str]) -> String {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .expect("openssl must be installed");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    pub(crate) fn request(&self, hash: &str, serials: &[u64], nonce: &str) -> Vec<u8> {
        let serials: Vec<_> = serials.iter().map(ToString::to_string).collect();
        let mut arguments = vec!["ocsp", hash, nonce, "-issuer", "ca.pem", "-reqout", "request.der"];
        serials.iter().for_each(|it| arguments.extend(["-serial", it]));
        self.openssl(&arguments);
        self.read("request.der")
    }

    /// What OpenSSL says today of the answer to its own question with a nonce: 7 is good, 8 revoked, all others unknown.
    #[expect(
        clippy::disallowed_methods,
        reason = "OpenSSL holds answers against its own clock, and cannot be told another time"
    )]
    pub(crate) fn ask(&self, hash: &str, responder: &Responder, serials: &[u64]) -> String {
        let request = self.request(hash, serials, "-nonce");
        self.file("answer.der", &answer_at(responder, &request, std::time::SystemTime::now().into()));
        let trust = ["-issuer", "ca.pem", "-CAfile", "ca.pem", "-verify_other", "ca.pem", "-respin", "answer.der"];
        // The nonce is that of the request; the statuses are shown for serial numbers alone.
        let verified = self.openssl(&[&["ocsp", "-reqin", "request.der", "-resp_text"], &trust[..]].concat());
        let numbers: Vec<_> = serials.iter().map(ToString::to_string).collect();
        let asked: Vec<_> = numbers.iter().flat_map(|it| ["-serial", it.as_str()]).collect();
        let shown = self.openssl(&[&["ocsp", hash, "-no_nonce"], &trust[..], &asked].concat());
        format!("{verified}{shown}")
    }
}

/// Answers that 7 is good, 8 revoked and all others unknown.
pub(crate) fn answer(responder: &Responder, request: &[u8]) -> Vec<u8> {
    answer_at(responder, request, now())
}

fn answer_at(responder: &Responder, request: &[u8], now: Timestamp) -> Vec<u8> {
    let mut register = Register::new();
    register.issued(serial(7));
    register.revoke(serial(8), Revoked::new(self::now() - DAY, RevocationReason::KeyCompromise));
    responder.answer(request, &register, now).now_or_never().unwrap()
}

/// Those that the provider of this build can make.
pub(crate) fn kinds() -> impl Iterator<Item = KeyType> {
    let all = [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::EcdsaP521, KeyType::Rsa2048, KeyType::Ed25519];
    all.into_iter().filter(|kind| cfg!(feature = "aws-lc-rs") || !matches!(kind, KeyType::EcdsaP521 | KeyType::Rsa2048))
}

pub(crate) fn serial(number: u64) -> SerialNumber {
    SerialNumber::from_octets(&number.to_be_bytes()).unwrap()
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_767_323_045)
}

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);
