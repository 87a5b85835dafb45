//! Signatures in every way that X.509 knows; the requests beside it are OpenSSL's.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use certwright_acme_core::key::{PublicKey, PublicKeyType, verify_x509};
use certwright_acme_core::{Error, ErrorKind, KeyType, PrivateKey, Signer as _};
use rustls_pki_types::SubjectPublicKeyInfoDer;

const REQUESTS: &str = include_str!("keys/requests.pem");

/// What ring lacks of what OpenSSL signed.
const NOT_BY_RING: &[&str] = &["P-256 SHA512", "P-384 SHA512", "P-521 SHA256", "P-521 SHA384", "P-521 SHA512"];

const GOOD: &[&str] = &[
    "RSA PKCS1 SHA256",
    "RSA PKCS1 SHA384",
    "RSA PKCS1 SHA512",
    "RSA PSS SHA256",
    "RSA PSS SHA384",
    "RSA PSS SHA512",
    "PSS key SHA256",
    "PSS key for SHA384",
    "RSA PSS longest salt",
    "RSA PSS no salt",
    "RSA PSS SHA384 salt 20",
    "RSA PSS SHA512 longest salt",
    "RSA 2049 PSS longest salt",
    "RSA 2055 PSS longest salt",
    "RSA 3072 PSS longest salt",
    "RSA 8192 PSS longest salt",
    "PSS key for SHA384 longest salt",
    "RSA exponent 3",
    "P-256 SHA256",
    "P-256 SHA384",
    "P-256 SHA512",
    "P-384 SHA256",
    "P-384 SHA384",
    "P-384 SHA512",
    "P-521 SHA256",
    "P-521 SHA384",
    "P-521 SHA512",
    "Ed25519",
];

const REFUSED: &[(&str, ErrorKind, &str)] = &[
    ("RSA PKCS1 SHA1", ErrorKind::Refused, "1.2.840.113549.1.1.5"),
    ("RSA PKCS1 MD5", ErrorKind::Refused, "1.2.840.113549.1.1.4"),
    ("RSA PSS SHA1", ErrorKind::Refused, "SHA-1"),
    ("P-256 SHA1", ErrorKind::Refused, "1.2.840.10045.4.1"),
    ("RSA 1024", ErrorKind::Refused, "1024 bits"),
    ("RSA PKCS1 SHA224", ErrorKind::Unsupported, "1.2.840.113549.1.1.14"),
    ("RSA PSS SHA224", ErrorKind::Unsupported, "2.16.840.1.101.3.4.2.4"),
    ("RSA PSS other mask", ErrorKind::Unsupported, "mask"),
    ("P-256 SHA224", ErrorKind::Unsupported, "1.2.840.10045.4.3.1"),
    ("P-256 SHA3-256", ErrorKind::Unsupported, "2.16.840.1.101.3.4.3.10"),
    ("secp256k1", ErrorKind::Unsupported, "1.3.132.0.10"),
    ("explicit curve", ErrorKind::Unsupported, "without a name"),
    ("Ed448", ErrorKind::Unsupported, "1.3.101.113"),
];

/// A signing request, taken apart.
struct Request {
    info: Vec<u8>,
    key: SubjectPublicKeyInfoDer<'static>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

impl Request {
    fn named(name: &str) -> Self {
        let (_, rest) = REQUESTS.split_once(&format!("# {name}\n")).unwrap();
        let (pem, _) = rest.split_once("-----END").unwrap();
        let der = BASE64_STANDARD.decode(pem.lines().skip(1).collect::<String>()).unwrap();
        let (parts, rest) = value(&der);
        assert_eq!(rest, b"");
        let (_, rest) = value(parts);
        let info = &parts[..parts.len() - rest.len()];
        let (_, signature) = value(rest);
        let algorithm = &rest[..rest.len() - signature.len()];
        let (_, fields) = value(value(info).0);
        let (_, fields) = value(fields);
        let (_, after) = value(fields);
        Self {
            info: info.to_vec(),
            key: fields[..fields.len() - after.len()].to_vec().into(),
            algorithm: algorithm.to_vec(),
            signature: value(signature).0[1..].to_vec(),
        }
    }

    fn verify(&self) -> Result<(), Error> {
        verify_x509(&self.algorithm, &self.key, &self.info, &self.signature)
    }
}

/// The content of the first value of DER, and what follows it.
fn value(der: &[u8]) -> (&[u8], &[u8]) {
    let (header, length) = match der[1] {
        short @ ..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(der[2])),
        _ => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
    };
    der[header..].split_at(length)
}

#[test]
fn what_openssl_signed_is_verified_with_every_curve_and_hash() {
    for name in GOOD {
        let mut request = Request::named(name);
        if cfg!(not(feature = "aws-lc-rs")) && NOT_BY_RING.contains(name) {
            let error = request.verify().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
            assert!(error.to_string().contains("aws-lc-rs"), "{name}: {error}");
            continue;
        }
        request.verify().unwrap_or_else(|error| panic!("{name}: {error}"));

        request.info[10] ^= 1;
        let error = request.verify().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{name}: {error}");
        request.info[10] ^= 1;
        *request.signature.last_mut().unwrap() ^= 1;
        assert_eq!(request.verify().unwrap_err().kind(), ErrorKind::Refused, "{name}");
        request.signature.clear();
        assert_eq!(request.verify().unwrap_err().kind(), ErrorKind::Refused, "{name}");
    }
}

#[test]
fn a_salt_of_another_length_than_was_said_is_refused() {
    for (signed, said) in [
        ("RSA PSS longest salt", "RSA PSS no salt"),
        ("RSA PSS no salt", "RSA PSS longest salt"),
        ("RSA PSS SHA256", "RSA PSS no salt"),
        ("RSA PSS no salt", "RSA PSS SHA256"),
    ] {
        let mut request = Request::named(signed);
        request.algorithm = Request::named(said).algorithm;
        assert_eq!(request.verify().unwrap_err().kind(), ErrorKind::Refused, "{signed} as {said}");
    }
}

#[test]
fn no_changed_bit_of_a_salted_signature_is_taken() {
    let mut request = Request::named("RSA PSS longest salt");
    for at in (0..request.signature.len()).step_by(7) {
        request.signature[at] ^= 1 << (at % 8);
        assert_eq!(request.verify().unwrap_err().kind(), ErrorKind::Refused, "octet {at}");
        request.signature[at] ^= 1 << (at % 8);
    }
    request.signature.insert(0, 0);
    assert_eq!(request.verify().unwrap_err().kind(), ErrorKind::Refused);
    request.signature = vec![0xff; 256];
    assert_eq!(request.verify().unwrap_err().kind(), ErrorKind::Refused, "not below the modulus");
}

#[test]
fn an_exponent_that_costs_its_verifier_time_is_not_tried() {
    let der = |tag: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    };
    let mut request = Request::named("RSA PSS longest salt");
    let modulus = &request.key[request.key.len() - 5 - 257..request.key.len() - 5];
    let key = der(0x30, &[der(0x02, modulus), der(0x02, &[0x7f; 256])].concat());
    let bits = der(0x03, &[&[0], &key[..]].concat());
    request.key = der(0x30, &[&request.key[4..19], &bits].concat()).into();
    assert_eq!(PublicKey::read(&request.key).unwrap().kind(), PublicKeyType::Rsa { bits: 2048 });
    assert_eq!(request.verify().unwrap_err().kind(), ErrorKind::Refused);
    assert!(PublicKey::read(&request.key).unwrap().refuse_weak().unwrap_err().to_string().contains("33 bits"));
}

#[test]
fn broken_and_unknown_algorithms_are_named() {
    for (name, kind, says) in REFUSED {
        let error = Request::named(name).verify().unwrap_err();
        assert_eq!(error.kind(), *kind, "{name}: {error}");
        assert!(error.to_string().contains(says), "{name}: {error}");
    }
}

#[test]
fn a_key_verifies_what_it_can_have_signed_alone() {
    for (key, algorithm) in [
        ("P-256 SHA256", "RSA PKCS1 SHA256"),
        ("RSA PKCS1 SHA256", "P-256 SHA256"),
        ("Ed25519", "P-256 SHA256"),
        ("P-384 SHA384", "Ed25519"),
        ("PSS key SHA256", "RSA PKCS1 SHA256"),
        ("PSS key for SHA384", "RSA PSS SHA256"),
        ("PSS key for SHA384", "RSA PSS SHA384 salt 20"),
    ] {
        let mut request = Request::named(key);
        request.algorithm = Request::named(algorithm).algorithm;
        let error = request.verify().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{key} with {algorithm}: {error}");
    }
}

#[test]
fn an_algorithm_that_is_cut_off_or_padded_is_malformed() {
    for name in ["P-256 SHA256", "RSA PKCS1 SHA256", "RSA PSS SHA256", "Ed25519"] {
        let sound = Request::named(name);
        for end in 0..sound.algorithm.len() {
            let error = verify_x509(&sound.algorithm[..end], &sound.key, &sound.info, &sound.signature).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{name} up to {end}");
        }
        let longer = [&sound.algorithm[..], &[0]].concat();
        assert!(verify_x509(&longer, &sound.key, &sound.info, &sound.signature).is_err());
    }
    let key = Request::named("P-256 SHA256").key;
    let null = b"\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00";
    assert_eq!(verify_x509(null, &key, b"", b"").unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn the_name_in_x509_is_that_of_openssl() {
    for (name, kind) in
        [("P-256 SHA256", KeyType::EcdsaP256), ("P-384 SHA384", KeyType::EcdsaP384), ("Ed25519", KeyType::Ed25519)]
    {
        let key = PrivateKey::generate(kind).unwrap();
        assert_eq!(key.algorithm().x509(), Request::named(name).algorithm);
        let signature = key.sign_now(b"message").unwrap();
        verify_x509(key.algorithm().x509(), key.public_key(), b"message", &signature).unwrap();
    }
    for (hash, algorithm) in [
        ("SHA256", certwright_acme_core::SignatureAlgorithm::RsaPkcs1Sha256),
        ("SHA384", certwright_acme_core::SignatureAlgorithm::RsaPkcs1Sha384),
        ("SHA512", certwright_acme_core::SignatureAlgorithm::RsaPkcs1Sha512),
    ] {
        assert_eq!(algorithm.x509(), Request::named(&format!("RSA PKCS1 {hash}")).algorithm);
    }
    assert_eq!(
        certwright_acme_core::SignatureAlgorithm::EcdsaP521Sha512.x509(),
        Request::named("P-521 SHA512").algorithm
    );
}

#[test]
fn a_public_key_tells_its_type_and_size() {
    for (name, kind, text) in [
        ("RSA PKCS1 SHA256", PublicKeyType::Rsa { bits: 2048 }, "RSA 2048"),
        ("RSA 1024", PublicKeyType::Rsa { bits: 1024 }, "RSA 1024"),
        ("PSS key SHA256", PublicKeyType::Rsa { bits: 2048 }, "RSA 2048"),
        ("P-256 SHA256", PublicKeyType::EcdsaP256, "ECDSA P-256"),
        ("P-384 SHA256", PublicKeyType::EcdsaP384, "ECDSA P-384"),
        ("P-521 SHA256", PublicKeyType::EcdsaP521, "ECDSA P-521"),
        ("Ed25519", PublicKeyType::Ed25519, "Ed25519"),
    ] {
        let request = Request::named(name);
        let key = PublicKey::read(&request.key).unwrap();
        assert_eq!(key.kind(), kind);
        assert_eq!(key.kind().to_string(), text);
        assert!(request.key.ends_with(key.octets()));
    }
}

#[test]
fn weak_keys_are_refused_with_what_is_wrong() {
    for (name, says) in [("RSA 1024", "1024 bits"), ("RSA exponent 3", "exponent is 3")] {
        let request = Request::named(name);
        let error = PublicKey::read(&request.key).unwrap().refuse_weak().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains(says), "{error}");
    }
    for name in ["RSA PKCS1 SHA256", "PSS key SHA256", "P-256 SHA256", "Ed25519"] {
        PublicKey::read(&Request::named(name).key).unwrap().refuse_weak().unwrap();
    }
    let sound = Request::named("RSA PKCS1 SHA256").key;
    let changed = |from_end: usize, octets: &[u8]| {
        let mut der = sound.to_vec();
        let at = der.len() - from_end;
        der[at..at + octets.len()].copy_from_slice(octets);
        let der = SubjectPublicKeyInfoDer::from(der);
        PublicKey::read(&der).unwrap().refuse_weak().unwrap_err().to_string()
    };
    assert!(changed(3, &[1, 0, 2]).contains("exponent is 65538"));
    assert!(changed(6, &[0]).contains("modulus"));
}

#[test]
fn the_same_rsa_key_is_equal_with_and_without_null() {
    let with = Request::named("RSA PKCS1 SHA256").key;
    let (content, _) = value(&with);
    let (_, key) = value(content);
    let name = b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    let length = u16::try_from(name.len() + key.len()).unwrap().to_be_bytes();
    let without = SubjectPublicKeyInfoDer::from([&[0x30, 0x82], &length[..], name, key].concat());
    assert_ne!(with, without);
    assert_eq!(PublicKey::read(&with).unwrap(), PublicKey::read(&without).unwrap());

    let others = ["RSA exponent 3", "PSS key SHA256", "P-256 SHA256"].map(|name| Request::named(name).key);
    for other in &others {
        assert_ne!(PublicKey::read(&with).unwrap(), PublicKey::read(other).unwrap());
    }
}

#[test]
fn what_is_no_public_key_says_why() {
    let sound = Request::named("P-256 SHA256").key;
    let compressed = {
        let mut der = sound.to_vec();
        der[26] = 2;
        der
    };
    for der in [vec![], sound[..sound.len() - 1].to_vec(), [&sound[..], &[0]].concat(), compressed] {
        let error = PublicKey::read(&der.into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
    let mut off_the_curve = Request::named("P-256 SHA256");
    let mut der = off_the_curve.key.to_vec();
    *der.last_mut().unwrap() ^= 1;
    off_the_curve.key = der.into();
    assert_eq!(off_the_curve.verify().unwrap_err().kind(), ErrorKind::Refused);
}
