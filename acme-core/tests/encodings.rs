//! Private keys in every structure, from and to OpenSSL.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::io::Write as _;
use std::process::{Command, Stdio};

#[cfg(feature = "aws-lc-rs")]
use certwright_acme_core::key::PublicKeyType;
use certwright_acme_core::key::{Encoding, PublicKey};
use certwright_acme_core::{ErrorKind, KeyType, PrivateKey, Secret, Signer as _};

const RSA2048: &str = include_str!("keys/rsa2048-pkcs1.pem");
const RSA2560: &str = include_str!("keys/rsa2560.pem");
const RSA8192: &str = include_str!("keys/rsa8192.pem");
const P521: &str = include_str!("keys/p521.pem");

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests need OpenSSL: install the package `openssl`");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}

/// The structure of the key's own kind as OpenSSL writes it, which refuses the word for Ed25519.
fn traditional(key: &PrivateKey, form: &str, input: &[u8]) -> Vec<u8> {
    let word: &[&str] = if key.key_type() == KeyType::Ed25519 { &[] } else { &["-traditional"] };
    openssl(&[&["pkey", "-outform", form], word].concat(), input)
}

fn keys() -> Vec<PrivateKey> {
    let mut keys = vec![
        PrivateKey::generate(KeyType::EcdsaP256).unwrap(),
        PrivateKey::generate(KeyType::EcdsaP384).unwrap(),
        PrivateKey::generate(KeyType::Ed25519).unwrap(),
        PrivateKey::from_pem(RSA2048).unwrap(),
    ];
    if cfg!(feature = "aws-lc-rs") {
        keys.push(PrivateKey::generate(KeyType::EcdsaP521).unwrap());
        keys.push(PrivateKey::from_pem(P521).unwrap());
        keys.push(PrivateKey::from_pem(RSA2560).unwrap());
        keys.push(PrivateKey::from_pem(RSA8192).unwrap());
    }
    keys
}

#[test]
fn openssl_reads_what_we_write_and_writes_the_same() {
    for key in keys() {
        let public = openssl(&["pkey", "-pubout", "-outform", "DER"], key.to_pem().expose().as_bytes());
        assert_eq!(public, key.public_key().as_ref(), "{key:?}");

        let pem = key.to_pem_as(Encoding::Traditional);
        let theirs = traditional(&key, "PEM", key.to_pem().expose().as_bytes());
        assert_eq!(pem.expose().as_bytes(), theirs, "{key:?}");
        assert_eq!(traditional(&key, "PEM", pem.expose().as_bytes()), theirs, "{key:?}");
        let der = key.to_der_as(Encoding::Traditional);
        assert_eq!(*der.expose(), traditional(&key, "DER", &theirs), "{key:?}");

        assert_eq!(key.to_pem_as(Encoding::Pkcs8).expose(), key.to_pem().expose());
        assert_eq!(key.to_der_as(Encoding::Pkcs8).expose(), key.to_pkcs8_der().expose());
    }
}

#[test]
fn every_structure_is_read_back_as_the_same_key() {
    for key in keys() {
        for encoding in [Encoding::Pkcs8, Encoding::Traditional] {
            let pem = key.to_pem_as(encoding);
            let again = PrivateKey::from_pem(pem.expose()).unwrap();
            assert_eq!(again.public_key(), key.public_key(), "{key:?}");
            assert_eq!(again.key_type(), key.key_type());
            let again = PrivateKey::from_der(key.to_der_as(encoding)).unwrap();
            assert_eq!(again.public_key(), key.public_key(), "{key:?}");
            assert_eq!(again.to_pem_as(encoding).expose(), pem.expose(), "{key:?}");
        }
    }
}

#[test]
fn sec1_becomes_the_pkcs8_that_openssl_makes_of_it() {
    for key in keys() {
        let traditional = key.to_pem_as(Encoding::Traditional);
        let theirs = openssl(&["pkcs8", "-topk8", "-nocrypt"], traditional.expose().as_bytes());
        let ours = PrivateKey::from_pem(traditional.expose()).unwrap().to_pem();
        assert_eq!(ours.expose().as_bytes(), theirs, "{key:?}");
    }
}

#[test]
fn the_encoding_of_a_text_is_told_by_its_first_line() {
    for key in keys() {
        for encoding in [Encoding::Pkcs8, Encoding::Traditional] {
            let pem = key.to_pem_as(encoding);
            let found = Encoding::of_pem(pem.expose()).unwrap();
            let kind = PublicKey::read(key.public_key()).unwrap().kind();
            assert_eq!(found.label(kind), encoding.label(kind));
        }
    }
    assert_eq!(Encoding::of_pem("-----BEGIN CERTIFICATE-----\n"), None);
    for (text, encoding) in [("PKCS1", Encoding::Traditional), ("PKCS8", Encoding::Pkcs8)] {
        assert_eq!(Encoding::parse(text).unwrap(), encoding);
        assert_eq!(encoding.to_string(), text);
    }
    assert_eq!(Encoding::parse("pkcs8").unwrap_err().kind(), ErrorKind::Malformed);
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn the_size_of_an_rsa_key_is_kept_to_the_bit() {
    let key = PrivateKey::from_pem(RSA2560).unwrap();
    assert_eq!(PublicKey::read(key.public_key()).unwrap().kind(), PublicKeyType::Rsa { bits: 2560 });
    assert_eq!(key.key_type(), KeyType::rsa(2560).unwrap());
    assert_eq!(key.key_type().to_string(), "RSA 2560");
}

#[test]
fn sec1_without_its_public_key_is_read_where_the_provider_can_tell_it() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let bare = openssl(&["ec", "-no_public"], key.to_pem().expose().as_bytes());
    let read = PrivateKey::from_pem(std::str::from_utf8(&bare).unwrap());
    if cfg!(feature = "aws-lc-rs") {
        let read = read.unwrap();
        assert_eq!(read.public_key(), key.public_key());
        let whole = key.to_pem_as(Encoding::Traditional);
        assert_eq!(read.to_pem_as(Encoding::Traditional).expose(), whole.expose());
    } else {
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Malformed);
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn rsa_of_8192_bits_signs() {
    let key = PrivateKey::from_pem(RSA8192).unwrap();
    assert_eq!(key.key_type(), KeyType::Rsa8192);
    let signature = key.sign_now(b"message").unwrap();
    assert_eq!(signature.len(), 1024);
    certwright_acme_core::key::verify(key.algorithm(), key.public_key(), b"message", &signature).unwrap();
}

#[cfg(all(feature = "aws-lc-rs", feature = "rsa-sizes"))]
#[test]
fn rsa_keys_of_any_size_are_made_and_openssl_finds_nothing_wrong_with_them() {
    for bits in [2049, 2560, 3000] {
        let kind = KeyType::rsa(bits).unwrap();
        let key = PrivateKey::generate(kind).unwrap();
        assert_eq!(key.key_type(), kind);
        assert_eq!(PublicKey::read(key.public_key()).unwrap().kind(), PublicKeyType::Rsa { bits: bits.into() });
        for encoding in [Encoding::Pkcs8, Encoding::Traditional] {
            let pem = key.to_pem_as(encoding);
            let checked = openssl(&["rsa", "-check", "-noout"], pem.expose().as_bytes());
            assert!(String::from_utf8_lossy(&checked).contains("RSA key ok"), "{bits}");
            assert_eq!(PrivateKey::from_pem(pem.expose()).unwrap().public_key(), key.public_key());
        }
        let signature = key.sign_now(b"message").unwrap();
        certwright_acme_core::key::verify(key.algorithm(), key.public_key(), b"message", &signature).unwrap();
    }
}

#[cfg(all(feature = "aws-lc-rs", not(feature = "rsa-sizes")))]
#[test]
fn rsa_keys_of_any_size_need_a_feature_to_be_made() {
    let error = PrivateKey::generate(KeyType::rsa(2560).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("`rsa-sizes`"), "{error}");
}

#[test]
fn sizes_of_rsa_keys_have_one_name_each() {
    assert_eq!(KeyType::rsa(3072).unwrap(), KeyType::Rsa3072);
    for bits in [0, 1024, 2047, 8193, u16::MAX] {
        assert_eq!(KeyType::rsa(bits).unwrap_err().kind(), ErrorKind::Malformed, "{bits}");
    }
    let kind = KeyType::rsa(2560).unwrap();
    let stored = serde_json::to_string(&kind).unwrap();
    assert_eq!(stored, "{\"RsaOf\":2560}");
    assert_eq!(serde_json::from_str::<KeyType>(&stored).unwrap(), kind);
    assert!(serde_json::from_str::<KeyType>("{\"RsaOf\":2048}").is_err(), "it has a name of its own");
}

#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn rsa_of_unusual_sizes_needs_the_other_provider() {
    for pem in [RSA8192, RSA2560] {
        let error = PrivateKey::from_pem(pem).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("aws-lc-rs"), "{error}");
    }
    assert_eq!(PrivateKey::generate(KeyType::Rsa8192).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn what_cannot_be_taken_says_why() {
    for (pem, kind, says) in [
        (include_str!("keys/rsa2048-exponent-3.pem"), ErrorKind::Refused, "exponent is 3"),
        (include_str!("keys/secp256k1.pem"), ErrorKind::Unsupported, "1.3.132.0.10"),
    ] {
        for arguments in [&["pkey"][..], &["pkey", "-traditional"]] {
            let pem = openssl(arguments, pem.as_bytes());
            let error = PrivateKey::from_pem(std::str::from_utf8(&pem).unwrap()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }
    let nameless = b"\x30\x06\x02\x01\x01\x04\x01\x05";
    let error = PrivateKey::from_der(Secret::new(nameless.to_vec())).unwrap_err();
    assert!(error.to_string().contains("curve"), "{error}");
}

#[test]
fn an_encrypted_key_says_so_in_every_form() {
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let pem = key.to_pem();
    let secret = ["-passout", "pass:secret"];
    let pkcs8 = openssl(&[&["pkcs8", "-topk8"], &secret[..]].concat(), pem.expose().as_bytes());
    let sec1 = openssl(&[&["ec", "-aes128"], &secret[..]].concat(), pem.expose().as_bytes());
    for pem in [pkcs8, sec1] {
        let error = PrivateKey::from_pem(std::str::from_utf8(&pem).unwrap()).unwrap_err();
        assert!(error.to_string().contains("encrypted"), "{error}");
    }
    let der = openssl(&[&["pkcs8", "-topk8", "-outform", "DER"], &secret[..]].concat(), pem.expose().as_bytes());
    for read in [PrivateKey::from_der, PrivateKey::from_pkcs8_der] {
        let error = read(Secret::new(der.clone())).unwrap_err();
        assert!(error.to_string().contains("decrypt"), "{error}");
    }
}
