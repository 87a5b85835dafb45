//! Authorities of every kind of key, and what is issued from them.

use std::time::Duration;

use acme_core::client::Chain;
use acme_core::key::{KeyType, PrivateKey};
use acme_core::{Identifier, Signer as _, Timestamp};
use certwright_issuers::ca::Authority;
use certwright_issuers::certify::{Application, Terms};
use certwright_issuers::csr;
use certwright_issuers::name::{AttributeType, DistinguishedName};
use certwright_issuers::template::{SerialNumber, Usages};
use certwright_issuers::{Error, Issued};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

/// 2027-06-15T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_813_060_800);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An authority, and the roots that people trust.
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) authority: Authority,
    pub(crate) roots: Vec<CertificateDer<'static>>,
}

/// The kinds of key that the provider of this build makes.
pub(crate) const KEYS: &[KeyType] = if cfg!(feature = "aws-lc-rs") {
    &[KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::EcdsaP521, KeyType::Rsa2048, KeyType::Rsa4096, KeyType::Ed25519]
} else {
    &[KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Ed25519]
};

/// Below a root of P-256: an authority of each kind of key. And one whose certificate OpenSSL made.
pub(crate) fn every_kind() -> Vec<Kind> {
    let root = Authority::ephemeral("Root of every kind", NOW).unwrap();
    let kind = |kind: &KeyType| Kind {
        name: kind.to_string(),
        authority: below(&root, *kind),
        roots: vec![root.certificate().clone()],
    };
    let mut kinds: Vec<_> = KEYS.iter().map(kind).collect();
    kinds.push(openssl());
    kinds
}

/// An authority with a key of this kind, whose certificate `parent` issued for a year.
pub(crate) fn below(parent: &Authority, kind: KeyType) -> Authority {
    let key = PrivateKey::generate(kind).unwrap();
    let terms = Terms::new().for_authority().lasting(365 * DAY).with_usages(authority_usages());
    let issued = issue(parent, &subject(&format!("Authority of {kind}")), key.public_key(), &terms, 7).unwrap();
    Authority::new(whole(&issued), key, NOW).unwrap()
}

/// The chain with its root.
pub(crate) fn whole(issued: &Issued) -> Chain {
    Chain::new(issued.chain.certificates().iter().chain(&issued.root).cloned().collect())
}

pub(crate) fn authority_usages() -> Usages {
    Usages::parse(["cert sign", "crl sign", "digital signature"]).unwrap()
}

/// A request without names, for a common name.
pub(crate) fn subject(common_name: &str) -> csr::Draft {
    let name = DistinguishedName::new().with(AttributeType::COMMON_NAME, common_name).unwrap();
    csr::Draft::of(Vec::new(), &name).unwrap()
}

/// A request for a server.
pub(crate) fn server(name: &str) -> csr::Draft {
    csr::Draft::new(&[name.parse::<Identifier>().unwrap()]).unwrap()
}

pub(crate) fn issue(
    authority: &Authority,
    draft: &csr::Draft,
    key: &SubjectPublicKeyInfoDer<'_>,
    terms: &Terms,
    serial: u8,
) -> Result<Issued, Error> {
    authority.sign_now(&Application::new(draft, key)?, terms, SerialNumber::from_octets(&[serial])?, NOW)
}

/// A root that OpenSSL made: repeated domain components and units, TeletexStrings, a key identifier of SHA-1, P-384 with SHA-256.
fn openssl() -> Kind {
    let pem = include_str!("openssl-root.pem");
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let key = PrivateKey::from_pem(pem).unwrap();
    let authority = Authority::new(Chain::new(vec![certificate.clone()]), key, NOW).unwrap();
    Kind { name: "OpenSSL's".to_owned(), authority, roots: vec![certificate] }
}
