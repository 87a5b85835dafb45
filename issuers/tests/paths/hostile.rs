//! Bags that are made to keep us busy.

use std::time::Instant;

use certwright_issuers::chain::{self, Path};
use certwright_issuers::limits;
use rustls_pki_types::CertificateDer;

use crate::authority::{Authority, key_of, leaf, now};

#[test]
fn a_bag_is_bounded_and_duplicates_do_not_count() {
    let root = Authority::new("Root");
    let (leaf, top, many) = (root.leaf(), root.root(), numbered(&Authority::new("Stranger"), limits::BUNDLE));
    let fitting =
        [std::slice::from_ref(&leaf), &many[..limits::BUNDLE - 2], &many[..500], std::slice::from_ref(&top)].concat();

    assert_eq!(Path::of_key(&fitting, &key_of(&leaf), now()).unwrap().root(), Some(&top));
    let said = Path::of_key(&[&fitting[..], &many[..]].concat(), &key_of(&leaf), now()).unwrap_err().to_string();
    assert!(said.contains("more than 1000 certificates"), "{said}");
}

#[test]
fn authorities_that_only_share_a_name_are_tried_a_few_times_and_no_more() {
    let root = Authority::new("Root").changed(|it| {
        it.use_authority_key_identifier_extension = false;
        it.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(Vec::new());
    });
    let other =
        Authority::new("Root").changed(|it| it.key_identifier_method = root.params.key_identifier_method.clone());
    let many = numbered(&other, limits::SIGNATURES + 1);
    let mut params = leaf("a.example");
    params.use_authority_key_identifier_extension = false;
    let leaf = root.issue(&params, &rcgen::KeyPair::generate().unwrap());

    let root = root.root();

    let found = [&many[..limits::SIGNATURES - 1], &[leaf.clone(), root.clone()]].concat();
    assert_eq!(Path::of_key(&found, &key_of(&leaf), now()).unwrap().root(), Some(&root));
    let said = Path::of_key(&[&many[..], std::slice::from_ref(&leaf)].concat(), &key_of(&leaf), now()).unwrap_err();
    assert!(said.to_string().contains("have the same name and do not fit"), "{said}");
}

#[test]
fn authorities_that_all_signed_each_other_are_gone_through_once() {
    // One key under one name: every certificate is the issuer of every other.
    let root = Authority::new("Root");
    let many: Vec<_> = numbered(&root, 200);
    let leaf = root.leaf();

    let path = Path::of_key(&[&many[..], std::slice::from_ref(&leaf)].concat(), &key_of(&leaf), now()).unwrap();

    assert_eq!(path.chain().certificates(), [leaf]);
    assert!(path.root().is_some());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is measured is the work, as a ratio of two sizes")]
fn a_hostile_megabyte_is_read_in_linear_time() {
    let certificate = chain::to_pem(&acme_core::client::Chain::new(vec![Authority::new("Root").root()]));
    let line = "A".repeat(64) + "\n";
    for piece in [
        certificate.as_str(),
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN X-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN ",
        "-----\n",
        "\n",
        line.as_str(),
    ] {
        let took = |octets: usize| {
            let text = format!("-----BEGIN CERTIFICATE-----\n{}", piece.repeat(octets / piece.len()));
            let began = Instant::now();
            if let Ok(bag) = chain::bundle_from_pem(text.as_bytes()) {
                drop(Path::of_bundle(&bag, now()));
            }
            began.elapsed()
        };
        // Four times, and as much again; squared it were sixteen. A busy machine gets more than one chance.
        let is_linear = (0..50).any(|_| took(1024 * 1024) < took(256 * 1024) * 8);

        assert!(is_linear, "{piece:?} takes longer the more there is of it");
    }
}

/// So many different certificates of one authority.
fn numbered(authority: &Authority, count: usize) -> Vec<CertificateDer<'static>> {
    (0..count)
        .map(|number| {
            let serial = u64::try_from(number).unwrap() + 1;
            authority.changed(|it| it.serial_number = Some(serial.into())).root()
        })
        .collect()
}
