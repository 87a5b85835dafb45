//! What a certificate authority may return, and what is made of it.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::time::Duration;

use acme_core::client::Chain;
use acme_core::{Error, Identifier, Timestamp};
use certwright_issuers::chain::{self, Leaf};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    PublicKeyData as _,
};
use rustls_pki_types::SubjectPublicKeyInfoDer;

#[test]
fn a_sound_chain_tells_its_facts() {
    let ca = Ca::new();
    let key = KeyPair::generate().unwrap();

    let leaf = check(
        &ca.chain(&leaf(&["a.example", "*.b.example", "192.0.2.1"]), &key),
        &key,
        &["a.example", "x.b.example", "192.0.2.1"],
    )
    .unwrap();

    assert_eq!(leaf.issuer, "Example Intermediate");
    assert_eq!(leaf.names, identifiers(&["a.example", "*.b.example", "192.0.2.1"]));
    assert_eq!(leaf.serial, "00a1b2c3");
    assert_eq!(leaf.not_after, now() + DAY);
    assert!(leaf.id.is_some_and(|id| id.as_str().ends_with(".AKGyww")));
    assert_eq!(leaf.spki_sha256, acme_core::hash::sha256(&key.subject_public_key_info()));
}

#[test]
fn another_key_is_refused() {
    let ca = Ca::new();
    let key = KeyPair::generate().unwrap();
    let chain = ca.chain(&leaf(&["a.example"]), &KeyPair::generate().unwrap());

    refused(check(&chain, &key, &["a.example"]), "another key");
}

#[test]
fn a_missing_name_is_refused() {
    let ca = Ca::new();
    let key = KeyPair::generate().unwrap();
    let chain = ca.chain(&leaf(&["a.example", "*.a.example"]), &key);

    refused(check(&chain, &key, &["a.example", "b.example", "c.d.a.example"]), "does not cover b.example and 1 more");
    refused(check(&chain, &key, &["192.0.2.1"]), "192.0.2.1");
}

#[test]
fn a_pre_certificate_is_refused() {
    let ca = Ca::new();
    let key = KeyPair::generate().unwrap();
    let mut params = leaf(&["a.example"]);
    let mut poison = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 3], vec![5, 0]);
    poison.set_criticality(true);
    params.custom_extensions.push(poison);

    refused(check(&ca.chain(&params, &key), &key, &["a.example"]), "pre-certificate");
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    let ca = Ca::new();
    let key = KeyPair::generate().unwrap();
    let mut expired = leaf(&["a.example"]);
    expired.not_after = at(now() - Duration::from_secs(1));
    let mut early = leaf(&["a.example"]);
    early.not_before = at(now() + Duration::from_secs(301));
    let mut skewed = leaf(&["a.example"]);
    skewed.not_before = at(now() + Duration::from_secs(299));

    refused(check(&ca.chain(&expired, &key), &key, &["a.example"]), "expired at");
    refused(check(&ca.chain(&early, &key), &key, &["a.example"]), "clock");
    check(&ca.chain(&skewed, &key), &key, &["a.example"]).unwrap();
}

#[test]
fn a_chain_out_of_order_is_refused() {
    let (ca, other) = (Ca::new(), Ca::new());
    let key = KeyPair::generate().unwrap();
    let sound = ca.chain(&leaf(&["a.example"]), &key);
    let [leaf_der, intermediate, root] = sound.certificates() else { panic!("three certificates") };
    let of = |certificates: &[_]| {
        Chain::new(certificates.iter().map(|it: &&rustls_pki_types::CertificateDer<'static>| (*it).clone()).collect())
    };
    let same_name = other.chain(&leaf(&["a.example"]), &key);

    refused(
        check(&of(&[leaf_der, root]), &key, &["a.example"]),
        "was issued by \"Example Intermediate\", but certificate 2 is \"Example Root\"",
    );
    refused(check(&of(&[leaf_der, &same_name.certificates()[1]]), &key, &["a.example"]), "with another key");
    refused(check(&of(&[leaf_der, leaf_der]), &key, &["a.example"]), "certificate 1");
    refused(check(&of(&[]), &key, &["a.example"]), "empty");
    for cut in [&[leaf_der][..], &[leaf_der, intermediate]] {
        check(&of(cut), &key, &["a.example"]).unwrap();
    }
}

#[test]
fn garbage_is_refused() {
    let ca = Ca::new();
    let key = KeyPair::generate().unwrap();
    let sound = ca.chain(&leaf(&["a.example"]), &key);
    let mut bytes = sound.certificates()[0].to_vec();
    bytes.pop();

    let cut = Chain::new(vec![bytes.into(), sound.certificates()[1].clone()]);

    refused(check(&cut, &key, &["a.example"]), "certificate 1 of the chain is not X.509");
    assert!(Leaf::read(&vec![0x30, 0x03, 1, 2, 3].into()).is_err());
}

#[test]
fn the_preferred_chain_is_the_first_whose_topmost_issuer_matches() {
    let ca = Ca::new();
    let key = KeyPair::generate().unwrap();
    let long = ca.chain(&leaf(&["a.example"]), &key);
    let short = Chain::new(long.certificates()[..1].to_vec());
    let offer = || vec![long.clone(), short.clone()];

    assert_eq!(chain::prefer(offer(), None), Some(long.clone()));
    assert_eq!(chain::prefer(offer(), Some("Example Intermediate")), Some(short.clone()));
    assert_eq!(chain::prefer(offer(), Some("Example Root")), Some(long.clone()));
    assert_eq!(chain::prefer(offer(), Some("Nobody")), Some(long.clone()));
    assert_eq!(chain::prefer(Vec::new(), None), None);
}

#[test]
fn openssl_verifies_the_pem_that_is_written() {
    let ca = Ca::new();
    let key = KeyPair::generate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (all, root) = (folder.path().join("all.pem"), folder.path().join("root.pem"));
    let sound = ca.chain(&leaf(&["a.example"]), &key);
    std::fs::write(&all, chain::to_pem(&sound)).unwrap();
    std::fs::write(&root, chain::to_pem(&Chain::new(sound.certificates()[2..].to_vec()))).unwrap();

    let output = std::process::Command::new("openssl")
        .args(["verify", "-attime", &now().unix_seconds().to_string(), "-CAfile"])
        .arg(&root)
        .arg("-untrusted")
        .arg(&all)
        .arg(&all)
        .output()
        .expect("openssl must be installed");

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

struct Ca {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

impl Ca {
    fn new() -> Self {
        let root = CertifiedIssuer::self_signed(authority("Example Root"), KeyPair::generate().unwrap()).unwrap();
        let intermediate =
            CertifiedIssuer::signed_by(authority("Example Intermediate"), KeyPair::generate().unwrap(), &root).unwrap();
        Self { root, intermediate }
    }

    fn chain(&self, params: &CertificateParams, key: &KeyPair) -> Chain {
        let leaf: Certificate = params.clone().signed_by(key, &self.intermediate).unwrap();
        Chain::new(vec![leaf.der().clone(), self.intermediate.der().clone(), self.root.der().clone()])
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (at(now() - DAY), at(now() + DAY * 365));
    params
}

fn leaf(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(vec![0xa1, 0xb2, 0xc3].into());
    (params.not_before, params.not_after) = (at(now() - DAY), at(now() + DAY));
    params
}

fn check(chain: &Chain, key: &KeyPair, names: &[&str]) -> Result<Leaf, Error> {
    let key: SubjectPublicKeyInfoDer<'_> = key.subject_public_key_info().into();
    chain::check(chain, &key, &identifiers(names), now())
}

fn refused(outcome: Result<Leaf, Error>, why: &str) {
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

fn identifiers(names: &[&str]) -> Vec<Identifier> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_767_323_045)
}

fn at(time: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(time.unix_seconds()).unwrap()
}

const DAY: Duration = Duration::from_secs(24 * 3600);
