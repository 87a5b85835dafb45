//! Key stores of PKCS #12 as go-pkcs12 reads and writes them, the library of cert-manager.

use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};

use super::{Go, octets};
use crate::servers::judges::{all, text};

impl Go {
    /// Opens a key store: one key and its chain.
    ///
    /// # Errors
    /// What go-pkcs12 has against the file or its password.
    pub fn open_keystore(&self, file: &[u8], password: &str) -> Result<Opened, String> {
        let question = json!({ "ask": "open keystore", "keystore": text(file), "password": password });
        let answer = self.0.ask(&question)?;
        Ok(Opened { key: octets(&answer["key"]), certificates: certificates(&answer) })
    }

    /// Opens a truststore: the authorities in it that Java would trust.
    ///
    /// # Errors
    /// What go-pkcs12 has against the file or its password.
    pub fn open_truststore(&self, file: &[u8], password: &str) -> Result<Vec<CertificateDer<'static>>, String> {
        let question = json!({ "ask": "open truststore", "keystore": text(file), "password": password });
        Ok(certificates(&self.0.ask(&question)?))
    }

    /// Writes a key store of a key (PKCS #8, DER) and its chain; `profile` is a name of cert-manager, like `Modern2026`.
    ///
    /// # Panics
    /// When go-pkcs12 does not write it.
    #[must_use]
    pub fn make_keystore(&self, profile: &str, key: &[u8], chain: &[CertificateDer<'_>], password: &str) -> Vec<u8> {
        let answer = self.sure(&json!({
            "ask": "make keystore",
            "profile": profile,
            "key": text(key),
            "chain": all(chain),
            "password": password,
        }));
        octets(&answer["keystore"])
    }

    /// Writes a truststore.
    ///
    /// # Panics
    /// When go-pkcs12 does not write it.
    #[must_use]
    pub fn make_truststore(&self, profile: &str, authorities: &[CertificateDer<'_>], password: &str) -> Vec<u8> {
        let answer = self.sure(&json!({
            "ask": "make truststore",
            "profile": profile,
            "chain": all(authorities),
            "password": password,
        }));
        octets(&answer["keystore"])
    }
}

/// What go-pkcs12 found in a key store.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a key store of Go has no more than these")]
pub struct Opened {
    /// The key, as Go writes PKCS #8.
    pub key: Vec<u8>,
    /// The certificates, the leaf first.
    pub certificates: Vec<CertificateDer<'static>>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("certificates", &self.certificates).finish_non_exhaustive()
    }
}

fn certificates(answer: &Value) -> Vec<CertificateDer<'static>> {
    let found = answer["certificates"].as_array().expect("certificates");
    found.iter().map(|der| CertificateDer::from(octets(der))).collect()
}
