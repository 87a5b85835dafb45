//! Which key the next certificate gets, without any cryptography.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use acme_core::key::{Encoding, PublicKeyType};
use acme_core::{ErrorKind, KeyType, Retry};
use certwright_certstore::Keys;
use certwright_certstore::policy::rotation::{Existing, Mismatch, NextKey, Wanted, mismatches, next_key};
use rustls_pki_types::SubjectPublicKeyInfoDer;

#[test]
fn a_key_that_fits_has_nothing_against_it() {
    for (key, wanted) in [
        (rsa(2048, 0), Wanted::new(KeyType::Rsa2048)),
        (rsa(2560, 0), Wanted::new(PublicKeyType::Rsa { bits: 2560 })),
        (rsa(8192, 0), Wanted::new(KeyType::Rsa8192)),
        (p256(1), Wanted::new(KeyType::EcdsaP256)),
        (ed25519(), Wanted::new(KeyType::Ed25519)),
    ] {
        assert_eq!(mismatches(&wanted, &Existing::new(&key).unwrap()), []);
    }
}

#[test]
fn algorithm_and_size_are_told_apart() {
    let key = rsa(2048, 0);
    let existing = Existing::new(&key).unwrap();
    for (wanted, mismatch) in [
        (KeyType::EcdsaP256, Mismatch::Algorithm),
        (KeyType::Ed25519, Mismatch::Algorithm),
        (KeyType::Rsa4096, Mismatch::Size),
    ] {
        assert_eq!(mismatches(&Wanted::new(wanted), &existing), [mismatch]);
    }
    let key = p256(1);
    let existing = Existing::new(&key).unwrap();
    assert_eq!(mismatches(&Wanted::new(KeyType::EcdsaP384), &existing), [Mismatch::Size]);
    // As long as P-256 by its bits, and yet another algorithm.
    assert_eq!(mismatches(&Wanted::new(KeyType::Ed25519), &existing), [Mismatch::Algorithm]);
}

#[test]
fn the_size_counts_to_the_bit() {
    let key = rsa(2048, 0);
    let larger = rsa(2560, 0);
    assert_eq!(mismatches(&Wanted::new(KeyType::Rsa2048), &Existing::new(&key).unwrap()), []);
    assert_eq!(mismatches(&Wanted::new(KeyType::Rsa2048), &Existing::new(&larger).unwrap()), [Mismatch::Size]);
}

#[test]
fn a_weak_key_is_never_reused() {
    let key = rsa(1024, 0);
    let existing = Existing::new(&key).unwrap();
    let wanted = Wanted::new(PublicKeyType::Rsa { bits: 1024 });
    assert_eq!(mismatches(&wanted, &existing), [Mismatch::Weak]);
    assert_eq!(next_key(Keys::Reused, &wanted, Some(&existing)).unwrap(), NextKey::New);
}

#[test]
fn encoding_counts_where_the_kind_has_two() {
    for (key, kind, differs) in [
        (rsa(2048, 0), KeyType::Rsa2048, true),
        (p256(1), KeyType::EcdsaP256, true),
        (ed25519(), KeyType::Ed25519, false),
    ] {
        let existing = Existing::new(&key).unwrap().with_encoding(Encoding::Pkcs8);
        let wanted = Wanted::new(kind).with_encoding(Encoding::Traditional);
        let expected: &[Mismatch] = if differs { &[Mismatch::Encoding] } else { &[] };
        assert_eq!(mismatches(&wanted, &existing), expected);
        assert_eq!(mismatches(&Wanted::new(kind), &existing), []);
    }
}

#[test]
fn the_certificate_has_to_be_for_the_key_however_its_parameters_are_written() {
    let (key, other, bare) = (rsa(2048, 0), rsa(2048, 2), without_null(&rsa(2048, 0)));
    let wanted = Wanted::new(KeyType::Rsa2048);
    let beside = |certificate| {
        let existing = Existing::new(&key).unwrap().with_certificate(certificate).unwrap();
        mismatches(&wanted, &existing)
    };
    assert_eq!(beside(&key), []);
    assert_eq!(beside(&bare), []);
    assert_eq!(beside(&other), [Mismatch::Certificate]);
}

#[test]
fn each_policy_decides_for_itself() {
    let key = p256(1);
    let existing = Existing::new(&key).unwrap();
    let (same, other) = (Wanted::new(KeyType::EcdsaP256), Wanted::new(KeyType::Rsa2048));
    for (keys, wanted, next) in [
        (Keys::Fresh, &same, NextKey::New),
        (Keys::Fresh, &other, NextKey::New),
        (Keys::Reused, &same, NextKey::Existing),
        (Keys::Reused, &other, NextKey::New),
        (Keys::Pinned, &same, NextKey::Existing),
    ] {
        assert_eq!(next_key(keys, wanted, Some(&existing)).unwrap(), next, "{keys:?} {wanted:?}");
    }
    for keys in [Keys::Fresh, Keys::Reused, Keys::Pinned] {
        assert_eq!(next_key(keys, &same, None).unwrap(), NextKey::New);
    }

    let error = next_key(Keys::Pinned, &other, Some(&existing)).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
    let said = error.to_string();
    assert!(said.contains("ECDSA P-256") && said.contains("RSA 2048") && said.contains("algorithm"), "{said}");
}

#[test]
fn what_writing_again_or_a_new_certificate_mends_keeps_the_key() {
    let (key, other) = (p256(1), p256(2));
    let existing = Existing::new(&key).unwrap().with_encoding(Encoding::Pkcs8).with_certificate(&other).unwrap();
    let wanted = Wanted::new(KeyType::EcdsaP256).with_encoding(Encoding::Traditional);
    assert_eq!(mismatches(&wanted, &existing), [Mismatch::Encoding, Mismatch::Certificate]);
    assert_eq!(next_key(Keys::Pinned, &wanted, Some(&existing)).unwrap(), NextKey::Existing);
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    match content.len() {
        short @ ..=0x7f => [&[tag, u8::try_from(short).unwrap()], content].concat(),
        0x80..=0xff => [&[tag, 0x81, length[1]], content].concat(),
        _ => [&[tag, 0x82, length[0], length[1]], content].concat(),
    }
}

fn spki(algorithm: &[u8], key: &[u8]) -> SubjectPublicKeyInfoDer<'static> {
    der(0x30, &[der(0x30, algorithm), der(0x03, &[&[0], key].concat())].concat()).into()
}

/// A modulus of this many bits, which nobody needs to factor.
fn rsa(bits: usize, variant: u8) -> SubjectPublicKeyInfoDer<'static> {
    let mut modulus = vec![0xa5; bits / 8];
    modulus[5] ^= variant;
    let key = [der(0x02, &[&[0], &modulus[..]].concat()), der(0x02, &[1, 0, 1])].concat();
    spki(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", &der(0x30, &key))
}

fn without_null(rsa: &SubjectPublicKeyInfoDer<'_>) -> SubjectPublicKeyInfoDer<'static> {
    let key = &rsa[24..];
    spki(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", key)
}

fn p256(variant: u8) -> SubjectPublicKeyInfoDer<'static> {
    let mut point = [7; 65];
    (point[0], point[1]) = (4, variant);
    spki(b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", &point)
}

fn ed25519() -> SubjectPublicKeyInfoDer<'static> {
    spki(b"\x06\x03\x2b\x65\x70", &[9; 32])
}
