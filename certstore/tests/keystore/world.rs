//! Keys with their chains, and the programs that judge what is written of them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use acme_core::client::Chain;
use acme_core::{KeyType, PrivateKey, Secret, Timestamp};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certwright_certstore::keystore::pkcs12::Profile;
use certwright_certstore::keystore::{KeyStore, Seed};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use testkit::servers::judges::{Keytool, OpenSsl};

/// What Java 17 and OpenSSL 3.0 read.
pub(crate) const PROFILES: [Profile; 3] = [Profile::Modern2023, Profile::LegacyDes, Profile::LegacyRc2];
/// What this library and Go read.
pub(crate) const ALL_PROFILES: [Profile; 4] =
    [Profile::Modern2026, Profile::Modern2023, Profile::LegacyDes, Profile::LegacyRc2];
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

/// A key, the chain of its certificate, and the root above.
pub(crate) struct Holder {
    pub(crate) key: PrivateKey,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) root: CertificateDer<'static>,
}

impl Holder {
    /// A chain of `length` certificates below the root.
    pub(crate) fn new(kind: KeyType, length: usize) -> Self {
        let named = |name: String| {
            let mut params = CertificateParams::new(vec![]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let (params, pair) = (named("Root".into()), KeyPair::generate().unwrap());
        let root = params.self_signed(&pair).unwrap().der().clone();
        let mut issuer = Issuer::new(params, pair);
        let mut chain = Vec::new();
        for number in 1..length {
            let (params, pair) = (named(format!("Intermediate {number}")), KeyPair::generate().unwrap());
            chain.insert(0, params.signed_by(&pair, &issuer).unwrap().der().clone());
            issuer = Issuer::new(params, pair);
        }
        let key = PrivateKey::generate(kind).unwrap();
        let pair = KeyPair::try_from(&PrivatePkcs8KeyDer::from(key.to_pkcs8_der().expose().clone())).unwrap();
        let leaf = CertificateParams::new(vec!["example.test".into()]).unwrap();
        chain.insert(0, leaf.signed_by(&pair, &issuer).unwrap().der().clone());
        Self { key, chain, root }
    }

    pub(crate) fn store(&self) -> KeyStore<'_> {
        KeyStore::keyed(self.key.to_pkcs8_der(), &self.chain).unwrap()
    }

    pub(crate) fn pkcs12(&self, profile: Profile, password: &str) -> Vec<u8> {
        let store = self.store().with_alias("the service").with_authorities([&self.root]).unwrap();
        store.to_pkcs12(profile, &secret(password), &seed()).unwrap().expose().clone()
    }

    pub(crate) fn jks(&self, password: &str) -> Vec<u8> {
        let store = self.store().with_authorities([&self.root]).unwrap();
        store.to_jks(&secret(password), NOW, &seed()).unwrap().expose().clone()
    }

    /// The chain in PEM.
    pub(crate) fn pem(&self) -> String {
        issuers::chain::to_pem(&Chain::new(self.chain.clone()))
    }

    /// Leaf, intermediates and root.
    pub(crate) fn all(&self) -> Vec<CertificateDer<'static>> {
        self.chain.iter().chain([&self.root]).cloned().collect()
    }
}

pub(crate) fn secret(password: &str) -> Secret<String> {
    Secret::new(password.to_owned())
}

pub(crate) fn seed() -> Seed {
    Seed::random().unwrap()
}

/// A file that lives as long as the value.
pub(crate) struct File {
    _folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

pub(crate) fn file(content: &[u8]) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystore");
    std::fs::write(&path, content).unwrap();
    File { _folder: folder, path }
}

/// Runs a program and says how it ended.
pub(crate) fn run(mut program: Command, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = program
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// `openssl ARGUMENTS`, which has to succeed.
pub(crate) fn openssl(arguments: &[&str], input: &[u8]) -> String {
    let output = run(OpenSsl::find().command(), arguments, input);
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    // OpenSSL 3.0 prints one octet for each character of a name.
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `keytool ARGUMENTS`, with the password in a file so that it may be anything.
pub(crate) fn keytool(arguments: &[&str], keystore: &Path, password: &str) -> Output {
    let password = file(password.as_bytes());
    let arguments = [
        arguments,
        &["-J-Dfile.encoding=UTF-8", "-J-Duser.language=en", "-J-XX:TieredStopAtLevel=1"],
        &["-keystore", keystore.to_str().unwrap()],
        &["-storepass:file", password.path.to_str().unwrap()],
    ]
    .concat();
    run(Keytool::find().command(), &arguments, b"")
}

/// The certificates of a text, in its order.
pub(crate) fn certificates(text: &str) -> Vec<CertificateDer<'static>> {
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    blocks
        .map(|block| {
            let base64: String = block.split("-----END").next().unwrap().split_whitespace().collect();
            CertificateDer::from(BASE64_STANDARD.decode(base64).unwrap())
        })
        .collect()
}

pub(crate) fn sorted(mut certificates: Vec<CertificateDer<'static>>) -> Vec<CertificateDer<'static>> {
    certificates.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
    certificates
}
