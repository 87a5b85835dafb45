//! Private keys by the provider of this build; the files beside it are OpenSSL's.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use base64::Engine as _;
use certwright_acme_core::jose::Jwk;
use certwright_acme_core::key::verify;
use certwright_acme_core::{ErrorKind, KeyType, PrivateKey, Secret, SignatureAlgorithm, Signer as _};
use rustls_pki_types::SubjectPublicKeyInfoDer;

const P256_SEC1: &str = include_str!("keys/p256-sec1.pem");
const P384: &str = include_str!("keys/p384.pem");
const P521: &str = include_str!("keys/p521.pem");
const ED25519: &str = include_str!("keys/ed25519.pem");
const RSA2048_PKCS1: &str = include_str!("keys/rsa2048-pkcs1.pem");
const RSA1024: &str = include_str!("keys/rsa1024.pem");
const ENCRYPTED: &str = include_str!("keys/encrypted.pem");

#[cfg(feature = "aws-lc-rs")]
const GENERATED: &[KeyType] =
    &[KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::EcdsaP521, KeyType::Rsa2048, KeyType::Ed25519];
#[cfg(not(feature = "aws-lc-rs"))]
const GENERATED: &[KeyType] = &[KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Ed25519];

fn signs_what_its_public_key_verifies(key: &PrivateKey) {
    let signature = key.sign_now(b"message").unwrap();
    verify(key.algorithm(), key.public_key(), b"message", &signature).unwrap();
    for (message, signature) in
        [(&b"massage"[..], signature.clone()), (b"message", vec![0; signature.len()]), (b"message", vec![])]
    {
        let error = verify(key.algorithm(), key.public_key(), message, &signature).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
}

#[test]
fn a_generated_key_is_read_back_from_both_forms() {
    for kind in GENERATED {
        let key = PrivateKey::generate(*kind).unwrap();
        signs_what_its_public_key_verifies(&key);
        assert_eq!(key.key_type(), *kind);

        let pem = key.to_pem();
        assert!(pem.expose().starts_with("-----BEGIN PRIVATE KEY-----\nM"));
        assert!(pem.expose().lines().all(|line| line.len() <= 64));
        let copy = Secret::new(key.to_pkcs8_der().expose().clone());
        for again in [PrivateKey::from_pem(pem.expose()).unwrap(), PrivateKey::from_pkcs8_der(copy).unwrap()] {
            assert_eq!(again.key_type(), *kind);
            assert_eq!(again.public_key(), key.public_key());
            signs_what_its_public_key_verifies(&again);
        }
    }
}

#[test]
fn an_rsa_key_signs_with_the_hash_asked_for() {
    use SignatureAlgorithm::{RsaPkcs1Sha256, RsaPkcs1Sha384, RsaPkcs1Sha512};
    for algorithm in [RsaPkcs1Sha256, RsaPkcs1Sha384, RsaPkcs1Sha512] {
        let key = PrivateKey::from_pem(RSA2048_PKCS1).unwrap().signing_with(algorithm).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        signs_what_its_public_key_verifies(&key);
        let signature = key.sign_now(b"message").unwrap();
        for other in [RsaPkcs1Sha256, RsaPkcs1Sha384, RsaPkcs1Sha512] {
            assert_eq!(verify(other, key.public_key(), b"message", &signature).is_ok(), other == algorithm);
        }
    }
}

#[test]
fn a_key_does_not_sign_with_another_types_algorithm() {
    for (pem, algorithm, what) in [
        (P384, SignatureAlgorithm::EcdsaP256Sha256, "a key of type ECDSA P-384 cannot sign with ES256: take ES384"),
        (ED25519, SignatureAlgorithm::RsaPkcs1Sha512, "a key of type Ed25519 cannot sign with RS512: take EdDSA"),
        (RSA2048_PKCS1, SignatureAlgorithm::Ed25519, "a key of type RSA 2048 cannot sign with EdDSA: take RS256"),
    ] {
        let error = PrivateKey::from_pem(pem).unwrap().signing_with(algorithm).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert_eq!(error.to_string(), what);
    }
}

#[test]
fn cert_managers_words_for_signatures_fit_their_keys() {
    use ErrorKind::{Malformed, Unsupported};
    for (word, kind, read) in [
        ("SHA256WithRSA", KeyType::Rsa2048, Ok(SignatureAlgorithm::RsaPkcs1Sha256)),
        ("SHA384WithRSA", KeyType::Rsa3072, Ok(SignatureAlgorithm::RsaPkcs1Sha384)),
        ("SHA512WithRSA", KeyType::Rsa8192, Ok(SignatureAlgorithm::RsaPkcs1Sha512)),
        ("ECDSAWithSHA256", KeyType::EcdsaP256, Ok(SignatureAlgorithm::EcdsaP256Sha256)),
        ("ECDSAWithSHA512", KeyType::EcdsaP521, Ok(SignatureAlgorithm::EcdsaP521Sha512)),
        ("PureEd25519", KeyType::Ed25519, Ok(SignatureAlgorithm::Ed25519)),
        ("ECDSAWithSHA384", KeyType::EcdsaP256, Err(Unsupported)),
        ("SHA256WithRSA", KeyType::EcdsaP256, Err(Malformed)),
        ("sha256", KeyType::Rsa2048, Err(Malformed)),
    ] {
        assert_eq!(SignatureAlgorithm::for_request(word, kind).map_err(|error| error.kind()), read, "{word}, {kind}");
    }
}

#[test]
fn keys_of_openssl_are_read_in_every_envelope() {
    for (pem, kind) in [
        (P256_SEC1, KeyType::EcdsaP256),
        (P384, KeyType::EcdsaP384),
        (ED25519, KeyType::Ed25519),
        (RSA2048_PKCS1, KeyType::Rsa2048),
        #[cfg(feature = "aws-lc-rs")]
        (P521, KeyType::EcdsaP521),
    ] {
        let key = PrivateKey::from_pem(pem).unwrap();
        assert_eq!(key.key_type(), kind);
        signs_what_its_public_key_verifies(&key);
        assert!(Jwk::from_spki(key.public_key()).is_ok());
    }
}

#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn what_ring_lacks_says_which_provider_has_it() {
    for kind in [KeyType::EcdsaP521, KeyType::Rsa2048, KeyType::Rsa4096] {
        let error = PrivateKey::generate(kind).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("aws-lc-rs"), "{error}");
    }
    let error = PrivateKey::from_pem(P521).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_short_rsa_key_is_refused() {
    let error = PrivateKey::from_pem(RSA1024).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("2048"), "{error}");
}

#[test]
fn what_is_no_key_says_so() {
    let encrypted = PrivateKey::from_pem(ENCRYPTED).unwrap_err();
    assert!(encrypted.to_string().contains("encrypted"), "{encrypted}");
    for pem in ["", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"] {
        let error = PrivateKey::from_pem(pem).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }
    let mut cut_off = PrivateKey::from_pem(P384).unwrap().to_pkcs8_der().expose().clone();
    cut_off.pop();
    assert!(PrivateKey::from_pkcs8_der(Secret::new(cut_off)).is_err());
}

#[test]
fn debug_shows_the_type_alone() {
    let key = PrivateKey::from_pem(P384).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(ECDSA P-384)");
}

#[test]
fn a_key_verifies_its_own_algorithm_alone() {
    let key = PrivateKey::from_pem(P384).unwrap();
    let signature = key.sign_now(b"message").unwrap();
    let error = verify(SignatureAlgorithm::EcdsaP256Sha256, key.public_key(), b"message", &signature).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[test]
fn the_signature_of_rfc_7515_is_verified() {
    // Appendix A.3, its two numbers in DER.
    let bytes = |text| base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let prefix = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    let spki = [
        prefix.to_vec(),
        bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    ]
    .concat();
    let numbers = bytes("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    let (r, s) = numbers.split_at(32);
    let signature = [&[0x30, 0x45, 0x02, 0x20], r, &[0x02, 0x21, 0x00], s].concat();
    verify(
        SignatureAlgorithm::EcdsaP256Sha256,
        &SubjectPublicKeyInfoDer::from(spki),
        b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        &signature,
    )
    .unwrap();
}
