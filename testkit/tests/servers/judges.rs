//! Foreign judges: they take what is sound, and what is not they refuse.

use std::time::Duration;

use acme_core::Timestamp;
use certwright_testkit::servers::foreign_csrs::{self, ForeignCsr};
use certwright_testkit::servers::judges::{Go, OpenSsl, Python, Trial};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use time::OffsetDateTime;

#[test]
fn a_sound_chain_is_taken_by_every_judge() {
    let (leaf, root) = chain(|_| {});
    let (chain, roots) = ([leaf], [root]);
    let trial = Trial::new(&chain, &roots, NOON).for_server("www.judged.example");

    Go::start().verify(&trial).expect("Go");
    Python::start().verify(&trial).expect("Python");
    OpenSsl::find().verify(&trial).expect("OpenSSL");
}

#[test]
fn a_chain_for_another_time_name_or_root_is_refused_by_every_judge() {
    let (leaf, root) = chain(|_| {});
    let (_, stranger) = chain(|_| {});
    let (chain, roots, strangers) = ([leaf], [root], [stranger]);
    let later = NOON + Duration::from_secs(400 * 86_400);
    let (go, python, openssl) = (Go::start(), Python::start(), OpenSsl::find());
    for (why, trial) in [
        ("expired", Trial::new(&chain, &roots, later).for_server("www.judged.example")),
        ("another name", Trial::new(&chain, &roots, NOON).for_server("other.judged.example")),
        ("another root", Trial::new(&chain, &strangers, NOON).for_server("www.judged.example")),
    ] {
        assert!(go.verify(&trial).is_err(), "Go, {why}");
        assert!(python.verify(&trial).is_err(), "Python, {why}");
        assert!(openssl.verify(&trial).is_err(), "OpenSSL, {why}");
    }
}

#[test]
fn a_flawed_certificate_is_found_by_both_linters() {
    let (sound, root) = chain(|_| {});
    let (flawed, _) = chain(|leaf| leaf.use_authority_key_identifier_extension = false);
    let (go, python) = (Go::start(), Python::start());

    // rcgen writes no subject key identifier into a leaf, which is a warning.
    let warned: Vec<_> = go.lint(&sound, &["RFC5280"]).into_iter().map(|it| (it.lint, it.level)).collect();
    assert_eq!(warned, [("w_ext_subject_key_identifier_missing_sub_cert".to_owned(), "warn".to_owned())]);
    assert_eq!(python.lint_pair(&root, &sound), []);
    let found = go.lint(&flawed, &["RFC5280"]);
    assert!(found.iter().any(|it| it.lint == "e_ext_authority_key_identifier_no_key_identifier"), "{found:?}");
    let found = python.lint(&flawed);
    assert!(found.iter().any(|it| it.lint.contains("authority_key_identifier")), "{found:?}");
    assert_ne!(python.lint_pair(&root, &flawed), []);
}

#[test]
fn foreign_programs_still_make_the_requests_that_are_kept() {
    let labels = |requests: &[ForeignCsr]| requests.iter().map(|it| it.label.clone()).collect::<Vec<_>>();
    let kept = foreign_csrs::kept();
    let made = foreign_csrs::made_now();
    assert_eq!(labels(&kept), labels(&made));

    let (go, openssl) = (Go::start(), OpenSsl::find());
    for request in kept.iter().chain(&made) {
        openssl.check(&request.der).unwrap_or_else(|why| panic!("OpenSSL, {}: {why}", request.label));
        match go.check(&request.der) {
            Err(why) if LOST_ON_GO.contains(&request.label.as_str()) => drop(why),
            verdict => verdict.unwrap_or_else(|why| panic!("Go, {}: {why}", request.label)),
        }
    }
}

#[test]
fn a_request_with_another_signature_is_refused_by_every_judge() {
    let mut der = foreign_csrs::kept().swap_remove(0).der.as_ref().to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    let tampered = CertificateSigningRequestDer::from(der);

    assert!(Go::start().check(&tampered).is_err());
    assert!(Python::start().check(&tampered).is_err());
    assert!(OpenSsl::find().check(&tampered).is_err());
}

fn chain(change: impl FnOnce(&mut CertificateParams)) -> (CertificateDer<'static>, CertificateDer<'static>) {
    let valid = |params: &mut CertificateParams, days: i64| {
        let noon = OffsetDateTime::from_unix_timestamp(NOON.unix_seconds()).expect("a time");
        params.not_before = noon - time::Duration::days(1);
        params.not_after = noon + time::Duration::days(days);
    };
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "Judged Root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut root, 1000);
    let key = KeyPair::generate().expect("a key");
    let certificate = root.self_signed(&key).expect("a root");
    let issuer = Issuer::new(root, key);

    let mut leaf = CertificateParams::new(["www.judged.example".to_owned()]).expect("a name");
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    valid(&mut leaf, 90);
    change(&mut leaf);
    let leaf = leaf.signed_by(&KeyPair::generate().expect("a key"), &issuer).expect("a leaf");
    (leaf.der().clone(), certificate.der().clone())
}

const NOON: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);
/// Signing requests that crypto/x509 does not take.
const LOST_ON_GO: [&str; 1] = ["openssl-rsa-pss-longest-salt"];
