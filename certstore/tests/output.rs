//! The files that other programs read, to the byte.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use acme_core::client::Chain;
use acme_core::key::Encoding;
use acme_core::{KeyType, PrivateKey};
use certwright_certstore::output::Output;
use rustls_pki_types::CertificateDer;

/// Nobody looks into it.
fn certificate(content: u8) -> CertificateDer<'static> {
    vec![0x30, 3, 2, 1, content].into()
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeyType::EcdsaP256).unwrap()
}

#[test]
fn the_chain_stands_leaf_first_and_the_root_by_itself() {
    let (key, chain, root) = (key(), Chain::new(vec![certificate(1), certificate(2)]), certificate(3));
    let output = Output::new(&key, &chain).with_root(&root);
    assert_eq!(
        output.chain_pem(),
        "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nMAMCAQI=\n-----END CERTIFICATE-----\n"
    );
    assert_eq!(output.root_pem().unwrap(), "-----BEGIN CERTIFICATE-----\nMAMCAQM=\n-----END CERTIFICATE-----\n");
    assert_eq!(Output::new(&key, &chain).root_pem(), None);
}

#[test]
fn the_key_is_the_same_structure_in_pem_and_der_and_comes_first_where_both_are() {
    let (key, chain) = (key(), Chain::new(vec![certificate(1)]));
    for (encoding, label) in [(Encoding::Pkcs8, "PRIVATE KEY"), (Encoding::Traditional, "EC PRIVATE KEY")] {
        let output = Output::new(&key, &chain).with_encoding(encoding);
        let pem = output.key_pem();
        assert!(pem.expose().starts_with(&format!("-----BEGIN {label}-----\n")));
        assert_eq!(output.key_der().expose(), key.to_der_as(encoding).expose());

        let combined = output.combined_pem();
        assert_eq!(*combined.expose(), format!("{}\n{}", pem.expose(), output.chain_pem()));
        assert!(combined.expose().contains(&format!("-----END {label}-----\n\n-----BEGIN CERTIFICATE-----\n")));
    }
}

#[test]
fn debug_shows_no_key() {
    let (key, chain) = (key(), Chain::new(vec![certificate(1)]));
    let shown = format!("{:?}", Output::new(&key, &chain));
    assert!(shown.contains("PrivateKey(ECDSA P-256)") && !shown.contains("BEGIN"), "{shown}");
}
