//! Bags without a path: each says why, and the judges agree that there is none.

use acme_core::client::Chain;
use acme_core::{ErrorKind, limits};
use certwright_issuers::chain::{self, Path};
use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose};
use rustls_pki_types::CertificateDer;

use crate::authority::{Authority, by_openssl, judged, key_of, now};

#[test]
fn an_issuer_that_is_no_authority_is_named() {
    let (root, middle) = (Authority::new("Root"), Authority::new("Middle"));
    for (is_ca, usages, why) in [
        (IsCa::ExplicitNoCa, vec![], "\"Middle\" is not a certificate authority"),
        (IsCa::NoCa, vec![], "\"Middle\" is not a certificate authority"),
        (
            IsCa::Ca(BasicConstraints::Unconstrained),
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign],
            "\"Middle\" must not sign certificates: its key usage lacks keyCertSign",
        ),
    ] {
        let faulty = middle.changed(|it| {
            it.is_ca = is_ca;
            it.key_usages = usages;
        });
        let parts = [middle.leaf(), root.certify(&faulty), root.root()];

        broken(&parts, why);
    }
}

#[test]
fn a_path_length_is_kept_to() {
    let root = Authority::new("Root");
    let (high, middle, low) = (Authority::new("High"), Authority::new("Middle"), Authority::new("Low"));
    let bounded = high.changed(|it| it.is_ca = IsCa::Ca(BasicConstraints::Constrained(1)));
    let parts = [low.leaf(), middle.certify(&low), high.certify(&middle), root.certify(&bounded), root.root()];
    broken(&parts, "\"High\" allows 1 certificate authorities below it, and there are 2");

    // One that only renews a key of its own name does not count.
    let renewed = Authority { params: middle.params.clone(), key: low.key };
    let parts = [renewed.leaf(), middle.certify(&renewed), high.certify(&middle), root.certify(&bounded), root.root()];
    assert_eq!(Path::of_key(&parts, &key_of(&parts[0]), now()).unwrap().chain().certificates(), &parts[..4]);
    // rustls-webpki tries a wrong key of that name, and gives up.
    by_openssl(&parts[..4], &parts[4]).unwrap();
}

#[test]
fn a_forged_signature_is_not_believed() {
    let (root, middle) = (Authority::new("Root"), Authority::new("Middle"));
    let mut forged = root.certify(&middle).to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let parts = [middle.leaf(), forged.into(), root.root()];

    broken(&parts, "\"Middle\" was not signed by \"Root\"");
}

#[test]
fn a_circle_has_no_lowest_certificate() {
    let (one, other) = (Authority::new("One"), Authority::new("Other"));
    let circle = [one.certify(&other), other.certify(&one)];

    refused(Path::of_bundle(&circle, now()), "issue each other in a circle");
    let leaf = one.leaf();
    let bag = [&circle[..], std::slice::from_ref(&leaf)].concat();
    assert_eq!(
        Path::of_bundle(&bag, now()).unwrap().chain().certificates(),
        [leaf, circle[1].clone(), circle[0].clone()]
    );
}

#[test]
fn two_leaves_are_told_apart_by_their_key_alone() {
    let root = Authority::new("Root");
    let bag = [root.leaf(), root.root(), root.leaf()];

    refused(Path::of_bundle(&bag, now()), "2 certificates of it");
    refused(
        Path::of_key(&bag, &key_of(&Authority::new("x").root()), now()),
        "none of its 3 certificates is for the key",
    );
    assert_eq!(Path::of_key(&bag, &key_of(&bag[2]), now()).unwrap().chain().certificates(), &bag[2..]);
}

#[test]
fn what_is_no_certificate_is_refused() {
    let root = Authority::new("Root").root();
    let cut: CertificateDer<'static> = root[..root.len() - 1].to_vec().into();

    refused(Path::of_bundle(&[root, cut], now()), "certificate 2 of it is not X.509");
    refused(Path::of_bundle(&[], now()), "it is empty");
}

#[test]
fn a_path_that_is_too_long_is_refused() {
    let authorities: Vec<_> = (0..limits::CHAIN).map(|number| Authority::new(&format!("Authority {number}"))).collect();
    let mut bag: Vec<_> = authorities.windows(2).map(|pair| pair[0].certify(&pair[1])).collect();
    bag.push(authorities.last().unwrap().leaf());

    assert_eq!(bag.len(), limits::CHAIN);
    refused(Path::of_bundle(&bag, now()), "longer than 32 certificates");
    assert_eq!(Path::of_bundle(&bag[1..], now()).unwrap().chain().certificates().len(), limits::CHAIN - 1);
}

#[test]
fn a_chain_whose_signatures_do_not_fit_is_refused() {
    let (root, middle) = (Authority::new("Root"), Authority::new("Middle"));
    let mut forged = middle.leaf().to_vec();
    let name = forged.windows(9).position(|it| it == b"a.example").unwrap();
    forged[name] = b'b';
    let chain = Chain::new(vec![forged.into(), root.certify(&middle)]);
    let key = key_of(&chain.certificates()[0]);

    let said = chain::check(&chain, &key, &[], now()).unwrap_err().to_string();

    assert!(said.contains("certificate 1 of the chain was not signed by certificate 2, \"Middle\""), "{said}");
}

#[track_caller]
fn broken(parts: &[CertificateDer<'static>], why: &str) {
    let (root, chain) = parts.split_last().unwrap();
    refused(Path::of_key(parts, &key_of(&parts[0]), now()), why);
    // rustls-webpki passes over the key usage of authorities.
    let finds = if why.contains("key usage") { by_openssl(chain, root).is_ok() } else { judged(chain, root) };
    assert!(!finds, "the judges find a path");
    let whole = Chain::new(parts.to_vec());
    let said = chain::check(&whole, &key_of(&parts[0]), &[], now()).unwrap_err().to_string();
    assert!(said.starts_with("the certificate that was returned is of no use: certificate "), "{said}");
}

#[track_caller]
fn refused(outcome: Result<Path, acme_core::Error>, why: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains(why), "{error}");
}
