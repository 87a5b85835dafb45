//! pkilint, and Python's cryptography.

use std::collections::BTreeMap;

use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use serde_json::{Value, json};

use super::go::requests;
use super::speaker::Speaker;
use super::{Finding, Trial, findings, text, unreadable, verdict};
use crate::servers::programs::Program;

/// The program of `testkit/servers/pkilint`. It takes most of a second to start.
#[derive(Debug)]
pub struct Python(Speaker);

impl Python {
    /// Starts it.
    ///
    /// # Panics
    /// When its packages are not installed, with how to do that.
    #[must_use]
    pub fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/pkilint/judge.py");
        Self(Speaker::start(Program::Pkilint, &["-I", script]))
    }

    /// Whether cryptography finds a path. It knows the keys of the web only: no Ed25519.
    ///
    /// # Errors
    /// Its reason not to.
    pub fn verify(&self, trial: &Trial<'_>) -> Result<(), String> {
        verdict(&self.0.ask(&trial.question())?)
    }

    /// What pkilint warns of or worse.
    #[must_use]
    pub fn lint(&self, certificate: &CertificateDer<'_>) -> Vec<Finding> {
        self.linted(&json!({ "ask": "lint", "certificate": text(certificate) }))
    }

    /// Whether `certificate` is `issuer`'s: names and key identifiers octet by octet, policies, and the signature.
    #[must_use]
    pub fn lint_pair(&self, issuer: &CertificateDer<'_>, certificate: &CertificateDer<'_>) -> Vec<Finding> {
        self.linted(&json!({ "ask": "lint pair", "issuer": text(issuer), "subject": text(certificate) }))
    }

    /// What pkilint warns of or worse in a revocation list.
    #[must_use]
    pub fn lint_crl(&self, crl: &[u8]) -> Vec<Finding> {
        self.linted(&json!({ "ask": "lint crl", "crl": text(crl) }))
    }

    /// What pkilint warns of or worse in an OCSP response.
    #[must_use]
    pub fn lint_ocsp(&self, ocsp: &[u8]) -> Vec<Finding> {
        self.linted(&json!({ "ask": "lint ocsp", "ocsp": text(ocsp) }))
    }

    /// Whether cryptography takes a signing request and its signature.
    ///
    /// # Errors
    /// Its reason not to.
    pub fn check(&self, csr: &CertificateSigningRequestDer<'_>) -> Result<(), String> {
        verdict(&self.0.ask(&json!({ "ask": "check", "request": text(csr.as_ref()) }))?)
    }

    /// One signing request of each kind that Python programs send.
    pub(in crate::servers) fn requests(&self) -> BTreeMap<String, Vec<u8>> {
        requests(&self.sure(&json!({ "ask": "requests" })))
    }

    fn linted(&self, question: &Value) -> Vec<Finding> {
        self.0.ask(question).map_or_else(unreadable, |it| findings(&it))
    }

    fn sure(&self, question: &Value) -> Value {
        self.0.ask(question).unwrap_or_else(|why| panic!("Python: {why}"))
    }
}
