//! What stands in certificates, and which chains are served.

use std::time::Duration;

use acme_core::client::Chain;
use acme_core::key::{KeyType, PrivateKey};
use acme_core::{Signer as _, Timestamp};
use certwright_issuers::Remark;
use certwright_issuers::ca::{Authority, Ending};
use certwright_issuers::certify::{Application, Terms};
use certwright_issuers::template::{SerialNumber, Usages};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use testkit::servers::judges::{Go, OpenSsl, Python, Trial};

use crate::world::{DAY, KEYS, NOW, authority_usages, below, every_kind, issue, server, subject, whole};

#[test]
fn a_chain_is_served_without_its_root() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let upper = below(&root, KeyType::EcdsaP384);
    let lower = below(&upper, KeyType::EcdsaP256);
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let leaf = |authority: &Authority| {
        issue(authority, &server("www.example.com"), key.public_key(), &Terms::new(), 1).unwrap()
    };

    let direct = leaf(&root);
    assert_eq!(direct.chain.certificates().len(), 1);
    assert_eq!(direct.root.as_ref(), Some(root.certificate()));
    let deep = leaf(&lower);
    assert_eq!(deep.chain.certificates()[1..], [lower.certificate().clone(), upper.certificate().clone()]);
    assert_eq!(deep.root.as_ref(), Some(root.certificate()));
}

#[test]
fn an_authority_may_know_no_root() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let terms = Terms::new().for_authority().with_usages(authority_usages());
    let lone = issue(&root, &subject("Lone"), key.public_key(), &terms, 1).unwrap().chain;
    let authority = Authority::new(lone.clone(), key, NOW).unwrap();
    let key = PrivateKey::generate(KeyType::Ed25519).unwrap();

    let issued = issue(&authority, &server("www.example.com"), key.public_key(), &Terms::new(), 1).unwrap();

    assert_eq!(issued.root, None);
    assert_eq!(issued.chain.certificates()[1..], *lone.certificates());
}

#[test]
fn a_root_whose_own_signature_nobody_verifies_is_a_root_all_the_same() {
    let pem = include_str!("openssl-root.pem");
    let mut root = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().as_ref().to_vec();
    // An algorithm that nobody knows, in both places: such a root is trusted for where it comes from, as one signed with SHA-1 is.
    let ecdsa_with_sha256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let places: Vec<_> = (0..root.len() - 8).filter(|at| root[*at..*at + 8] == ecdsa_with_sha256).collect();
    places.iter().for_each(|at| root[at + 7] = 0x7f);
    assert_eq!(places.len(), 2);
    let root = CertificateDer::from(root);
    let authority = Authority::new(Chain::new(vec![root.clone()]), PrivateKey::from_pem(pem).unwrap(), NOW).unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();

    let issued = issue(&authority, &server("www.example.com"), key.public_key(), &Terms::new(), 1).unwrap();

    assert_eq!((issued.chain.certificates().len(), issued.root), (1, Some(root)));
}

#[test]
fn a_server_certificate_is_taken_by_every_judge_whatever_signs_it() {
    let (go, python, openssl) = (Go::start(), Python::start(), OpenSsl::find());
    for kind in every_kind() {
        for leaf in KEYS.iter().filter(|it| **it != KeyType::Rsa4096) {
            let key = PrivateKey::generate(*leaf).unwrap();
            let terms = Terms::new().with_usages(Usages::parse(["digital signature", "server auth"]).unwrap());
            let issued = issue(&kind.authority, &server("www.example.com"), key.public_key(), &terms, 77).unwrap();
            let trial = Trial::new(issued.chain.certificates(), &kind.roots, NOW).for_server("www.example.com");
            let case = format!("{leaf} by {}", kind.name);

            openssl.verify(&trial).unwrap_or_else(|why| panic!("OpenSSL, {case}: {why}"));
            go.verify(&trial).unwrap_or_else(|why| panic!("Go, {case}: {why}"));
            // Python's cryptography verifies as the web does: no Ed25519, no TeletexString.
            if !case.contains("Ed25519") && kind.name != "OpenSSL's" {
                python.verify(&trial).unwrap_or_else(|why| panic!("Python, {case}: {why}"));
            }
        }
    }
}

#[test]
fn authorities_are_taken_by_every_linter() {
    let (go, python) = (Go::start(), Python::start());
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let below = below(&root, KeyType::EcdsaP384);
    for (authority, issuer) in [(&root, &root), (&below, &root)] {
        let certificate = authority.certificate();
        assert_eq!(go.lint(certificate, &["RFC5280", "RFC5480", "RFC8813", "Community"]), []);
        assert_eq!(python.lint(certificate), []);
        assert_eq!(python.lint_pair(issuer.certificate(), certificate), []);
    }
}

#[test]
fn everything_about_the_authority_stands_in_the_certificate() {
    let urls = |it: &str| vec![it.to_owned()];
    let go = Go::start();
    for kind in every_kind() {
        let authority = kind
            .authority
            .with_crl_distribution_points(&urls("http://ca.example.com/ca.crl"))
            .unwrap()
            .with_information(&urls("http://ocsp.example.com"), &urls("http://ca.example.com/ca.crt"))
            .unwrap();
        let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        let issued = issue(&authority, &server("www.example.com"), key.public_key(), &Terms::new(), 1).unwrap();

        let (written, own) = (go.read(&issued.chain.certificates()[0]), go.read(authority.certificate()));
        assert_eq!(written.text("authority_key_id"), own.text("subject_key_id"));
        assert_eq!(written.text("subject_key_id").len(), 40);
        assert_eq!(written.list("crl"), ["http://ca.example.com/ca.crl"]);
        assert_eq!(written.list("ocsp"), ["http://ocsp.example.com"]);
        assert_eq!(written.list("issuers"), ["http://ca.example.com/ca.crt"]);
        assert_eq!(written.not_before(), NOW - Duration::from_secs(300));
        assert_eq!(written.not_after(), NOW + 90 * DAY);
    }
}

#[test]
fn a_certificate_ends_with_its_authority_and_says_so() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let authority = below(&root, KeyType::EcdsaP256);
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let terms = Terms::new().lasting(400 * DAY);
    let ends = NOW + 365 * DAY;

    let issued = issue(&authority, &server("www.example.com"), key.public_key(), &terms, 1).unwrap();

    assert_eq!(issued.remarks, [Remark::Shortened { asked: NOW + 400 * DAY, granted: ends }]);
    assert_eq!(
        issued.remarks[0].to_string(),
        "the certificate ends with its certificate authority at 2028-06-14T12:00:00Z, earlier than the 2028-07-19T12:00:00Z asked for: \
         renew the authority"
    );
    assert_eq!(not_after(&issued.chain), ends);
    let strict = authority.ending(Ending::Refused);
    let error = issue(&strict, &server("www.example.com"), key.public_key(), &terms, 1).unwrap_err();
    assert!(error.what().contains("longer than its certificate authority (2028-06-14T12:00:00Z)"), "{error}");
    let exact =
        issue(&strict, &server("www.example.com"), key.public_key(), &Terms::new().lasting(365 * DAY), 1).unwrap();
    assert_eq!((exact.remarks, not_after(&exact.chain)), (Vec::new(), ends));
}

#[test]
fn a_certificate_ends_with_the_first_of_its_chain() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let upper = below(&root, KeyType::EcdsaP256);
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    // Its own certificate would last longer than the one above it, had that one not cut it.
    let terms = Terms::new().for_authority().lasting(700 * DAY).with_usages(authority_usages());
    let issued = issue(&upper, &subject("Lower"), key.public_key(), &terms, 1).unwrap();
    let lower = Authority::new(whole(&issued), key, NOW).unwrap();
    assert_eq!(lower.not_after(), NOW + 365 * DAY);
}

#[test]
fn nothing_is_dated_back_before_the_authority() {
    let authority = Authority::ephemeral("Root", NOW).unwrap().dated_back(30 * DAY);
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let issued = issue(&authority, &server("www.example.com"), key.public_key(), &Terms::new(), 1).unwrap();
    let written = Go::start().read(&issued.chain.certificates()[0]);
    assert_eq!(written.not_before(), NOW - Duration::from_secs(300));
}

#[test]
fn a_renewed_and_a_cross_signed_authority_serve_both_chains() {
    let (old, new) = (Authority::ephemeral("Old root", NOW).unwrap(), Authority::ephemeral("New root", NOW).unwrap());
    let pkcs8 = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let terms = Terms::new().for_authority().lasting(365 * DAY).with_usages(authority_usages());
    let by = |root: &Authority, serial| {
        whole(&issue(root, &subject("Crossed"), pkcs8.public_key(), &terms, serial).unwrap())
    };
    let (by_old, by_new) = (by(&old, 1), by(&new, 2));
    let key = PrivateKey::from_pem(pkcs8.to_pem().expose()).unwrap();
    let authority = Authority::new(by_old, key, NOW).unwrap().with_chain(by_new, NOW).unwrap();
    let leaf_key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();

    let issued = issue(&authority, &server("www.example.com"), leaf_key.public_key(), &Terms::new(), 3).unwrap();
    let chains = authority.chains(&issued.chain.certificates()[0]);

    assert_eq!(chains[0].chain, issued.chain);
    assert_eq!(chains.len(), 2);
    let (go, openssl) = (Go::start(), OpenSsl::find());
    for (served, root) in chains.iter().zip([&old, &new]) {
        let roots = [root.certificate().clone()];
        assert_eq!(served.root.as_ref(), roots.first());
        let trial = Trial::new(served.chain.certificates(), &roots, NOW).for_server("www.example.com");
        go.verify(&trial).unwrap();
        openssl.verify(&trial).unwrap();
    }
}

#[test]
fn usages_follow_the_key_unless_they_are_asked_for() {
    let authority = Authority::ephemeral("Root", NOW).unwrap();
    let usages = |kind: KeyType, terms: &Terms| {
        let key = PrivateKey::generate(kind).unwrap();
        let issued = issue(&authority, &server("www.example.com"), key.public_key(), terms, 1).unwrap();
        let (_, parsed) = x509_parser::parse_x509_certificate(&issued.chain.certificates()[0]).unwrap();
        parsed.key_usage().unwrap().unwrap().value.flags
    };
    assert_eq!(usages(KeyType::EcdsaP256, &Terms::new()), 0b1);
    if KEYS.contains(&KeyType::Rsa2048) {
        assert_eq!(usages(KeyType::Rsa2048, &Terms::new()), 0b101);
    }
    let asked = Terms::new().with_usages(Usages::parse(["key agreement"]).unwrap());
    assert_eq!(usages(KeyType::EcdsaP256, &asked), 0b10000);
}

#[test]
fn an_authority_has_the_path_length_that_its_issuer_has_room_for() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    let mut authority = root;
    for (asked, written) in [(Some(2), Some(2)), (None, Some(1)), (Some(7), Some(0))] {
        let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        let constraints = certwright_issuers::template::BasicConstraints::Authority { path_length: asked };
        let draft = subject("Below").with_basic_constraints(constraints);
        let terms = Terms::new().for_authority().with_usages(authority_usages());
        let issued = issue(&authority, &draft, key.public_key(), &terms, 1).unwrap();
        let (_, parsed) = x509_parser::parse_x509_certificate(&issued.chain.certificates()[0]).unwrap();
        assert_eq!(parsed.basic_constraints().unwrap().unwrap().value.path_len_constraint, written);
        authority = Authority::new(whole(&issued), key, NOW).unwrap();
    }
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let error =
        issue(&authority, &subject("Too deep"), key.public_key(), &Terms::new().for_authority(), 1).unwrap_err();
    assert!(error.what().contains("path length 0"), "{error}");
}

#[test]
fn signing_is_a_pure_function() {
    let root = Authority::ephemeral("Root", NOW).unwrap();
    // Ed25519 signs the same thing in the same way.
    let authority = below(&root, KeyType::Ed25519);
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let draft = server("www.example.com");
    let application = Application::new(&draft, key.public_key()).unwrap();
    let sign = || authority.sign_now(&application, &Terms::new(), SerialNumber::from_random([9; 20]), NOW).unwrap();
    assert_eq!(sign().chain, sign().chain);
}

fn not_after(chain: &Chain) -> Timestamp {
    let leaf: &CertificateDer<'_> = chain.leaf().unwrap();
    certwright_issuers::chain::Leaf::read(leaf).unwrap().not_after
}
