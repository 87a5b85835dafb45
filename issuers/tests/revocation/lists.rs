//! Revocation lists.

use acme_core::key::PrivateKey;
use acme_core::protocol::RevocationReason;
use acme_core::{ErrorKind, KeyType};
use certwright_issuers::ca::Revoked;
use certwright_issuers::ca::crl::{RevocationList, Scope};
use certwright_issuers::template::KeyUsages;
use futures_util::FutureExt as _;
use rustls_pki_types::CertificateDer;
use testkit::servers::judges::{Go, Python};

use crate::stage::{Bench, Ca, DAY, kinds, now, serial};

#[test]
fn openssl_believes_the_list_of_every_kind_of_authority() {
    for kind in kinds() {
        let ca = Ca::new(kind);
        let (good, bad) = (ca.leaf(7), ca.leaf(8));
        let bench = Bench::new(&ca);

        let list = list(&[(8, RevocationReason::KeyCompromise)]);
        bench.file("list.crl", &list.sign(&ca.certificate, ca.key.as_ref()).now_or_never().unwrap().unwrap());

        let said = bench.openssl(&["crl", "-inform", "DER", "-in", "list.crl", "-CAfile", "ca.pem", "-noout", "-text"]);
        assert!(said.contains("verify OK"), "{kind}: {said}");
        bench.openssl(&["crl", "-inform", "DER", "-in", "list.crl", "-out", "list.pem"]);
        bench.certificate("good.pem", &good);
        bench.certificate("bad.pem", &bad);
        let verify = |leaf| {
            let at = now().unix_seconds().to_string();
            let options = ["-x509_strict", "-attime", &at, "-CAfile", "ca.pem", "-CRLfile", "list.pem", leaf];
            bench.openssl(&[&["verify", "-crl_check"], &options[..]].concat())
        };
        assert!(verify("good.pem").contains("good.pem: OK"), "{kind}");
        assert!(verify("bad.pem").contains("certificate revoked"), "{kind}");
    }
}

#[test]
fn a_list_says_when_why_and_in_which_order() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let bench = Bench::new(&ca);
    let entries = [
        (0x1_0000, RevocationReason::Superseded),
        (0x80, RevocationReason::Unspecified),
        (0x7f, RevocationReason::CertificateHold),
        (0x81, RevocationReason::RemoveFromCrl),
        (0x7f, RevocationReason::KeyCompromise),
    ];
    let urls = ["http://ca.example/a.crl".to_owned()];

    let list = list(&entries).with_distribution_point(&urls, Scope::Users).unwrap();
    bench.file("list.crl", &list.sign(&ca.certificate, ca.key.as_ref()).now_or_never().unwrap().unwrap());

    let said = bench.openssl(&["crl", "-inform", "DER", "-in", "list.crl", "-noout", "-text"]);
    let positions: Vec<_> =
        ["Serial Number: 7F", "Serial Number: 80", "Serial Number: 010000"].map(|it| said.find(it).unwrap()).into();
    assert!(positions.is_sorted() && said.matches("Serial Number:").count() == 3, "{said}");
    for wanted in [
        "Version 2 (0x1)",
        "Issuer: CN = Example CA",
        "Last Update: Jan  2 03:04:05 2026 GMT",
        "Next Update: Jan  9 03:04:05 2026 GMT",
        "X509v3 CRL Number: \n                18446744073709551615",
        "Certificate Hold",
        "Superseded",
        "Revocation Date: Jan  1 03:04:05 2026 GMT",
        "X509v3 Issuing Distribution Point: critical",
        "URI:http://ca.example/a.crl",
        "Only User Certificates",
        "X509v3 Authority Key Identifier",
    ] {
        assert!(said.contains(wanted), "{wanted:?} is missing: {said}");
    }
    assert!(!said.contains("Unspecified"), "what is unspecified is left out: {said}");
}

#[test]
fn pkilint_and_zlint_find_nothing_in_a_list() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let (pkilint, go) = (Python::start(), Go::start());
    let point = ["http://ca.example/a.crl".to_owned()];
    let entries = [(8, RevocationReason::KeyCompromise), (9, RevocationReason::Unspecified)];
    for list in [
        list(&[]),
        list(&entries),
        list(&entries).with_distribution_point(&point, Scope::Users).unwrap(),
        list(&entries).with_distribution_point(&point, Scope::Authorities).unwrap(),
    ] {
        let signed = list.sign(&ca.certificate, ca.key.as_ref()).now_or_never().unwrap().unwrap();

        assert_eq!(pkilint.lint_crl(&signed), [], "{list:?}");
        assert_eq!(go.lint_crl(&signed, &ca.certificate, &["RFC5280", "Community"]), Ok(Vec::new()), "{list:?}");
        let mut spoiled = signed.to_vec();
        let version = spoiled.windows(3).position(|it| it == [2, 1, 1]).unwrap();
        spoiled[version + 2] = 0;
        assert_ne!(pkilint.lint_crl(&spoiled), [], "a list of version 1 with extensions passes");
        assert!(go.lint_crl(&spoiled, &ca.certificate, &[]).is_err(), "a spoiled list passes");
    }
}

#[test]
fn an_empty_list_has_no_entries_at_all() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let bench = Bench::new(&ca);

    bench.file("list.crl", &list(&[]).sign(&ca.certificate, ca.key.as_ref()).now_or_never().unwrap().unwrap());

    let said = bench.openssl(&["crl", "-inform", "DER", "-in", "list.crl", "-CAfile", "ca.pem", "-noout", "-text"]);
    assert!(said.contains("verify OK") && said.contains("No Revoked Certificates."), "{said}");
}

#[test]
fn a_list_that_nobody_would_believe_is_not_signed() {
    let ca = Ca::new(KeyType::EcdsaP256);
    let other = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let sign = |certificate: &CertificateDer<'static>, key: &PrivateKey| {
        list(&[]).sign(certificate, key).now_or_never().unwrap().unwrap_err()
    };
    let without_usage = Ca::with_usages(KeyUsages::CERT_SIGN);

    for (error, why) in [
        (sign(&ca.certificate, &other), "the key is not that of the authority's certificate"),
        (sign(&ca.leaf(7), &ca.key), "not that of an authority"),
        (sign(&without_usage.certificate, &without_usage.key), "lacks cRLSign"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains(why), "{error}");
    }
    let late = RevocationList::new(1, now(), now()).unwrap_err();
    assert!(late.to_string().contains("it must be later"), "{late}");
    assert!(list(&[]).with_distribution_point(&[], Scope::All).is_err());
    assert!(list(&[]).with_distribution_point(&["no url".to_owned()], Scope::All).is_err());
}

fn list(entries: &[(u64, RevocationReason)]) -> RevocationList {
    let entries: Vec<_> =
        entries.iter().map(|(number, reason)| (serial(*number), Revoked::new(now() - DAY, *reason))).collect();
    let list = RevocationList::new(u64::MAX, now(), now() + DAY * 7).unwrap();
    list.with_revoked(entries.iter().map(|(serial, revoked)| (serial, revoked)))
}
