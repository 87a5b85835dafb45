//! What nobody can do without: the provider's own key generation and signatures.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};

use crate::pipeline::{Local, Pipeline};

/// A key, a signature for the request, its check, a signature for the certificate.
pub(crate) const CHECKED: &str = "floor, checked";
/// The same without the check.
pub(crate) const OWN_KEY: &str = "floor, own key";

/// Whether a signing request's signature is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    Yes,
    No,
}

/// The provider's work for one certificate.
pub(crate) fn floor(check: Check) -> Result<impl Pipeline, String> {
    let authority = generate()?;
    let random = SystemRandom::new();
    // As long as a signing request for two names, and the certificate for it.
    let (request, certificate) = (vec![7; 160], vec![7; 420]);
    Ok(Local(move || {
        let key = generate()?;
        let signature = key.sign(&random, &request).map_err(|_| "the provider could not sign")?;
        if check == Check::Yes {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.public_key())
                .verify(&request, signature.as_ref())
                .map_err(|_| "the provider's own signature is wrong")?;
        }
        authority.sign(&random, &certificate).map_err(|_| "the provider could not sign")?;
        Ok(())
    }))
}

fn generate() -> Result<EcdsaKeyPair, String> {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| "the provider could not make a key".to_owned())
}
