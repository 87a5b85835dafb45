//! Go's crypto/x509, zlint, and go-pkcs12.

mod keystores;

use std::collections::BTreeMap;

use acme_core::Timestamp;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use serde_json::{Value, json};

use super::speaker::Speaker;
use super::{Finding, Trial, findings, text, unreadable, verdict};
use crate::servers::programs::Program;

pub use self::keystores::Opened;

/// The program of `testkit/servers/judge`.
#[derive(Debug)]
pub struct Go(Speaker);

impl Go {
    /// Starts it.
    ///
    /// # Panics
    /// When it is not built, with how to build it.
    #[must_use]
    pub fn start() -> Self {
        Self(Speaker::start(Program::Judge, &[]))
    }

    /// Whether crypto/x509 finds a path.
    ///
    /// # Errors
    /// Its reason not to.
    pub fn verify(&self, trial: &Trial<'_>) -> Result<(), String> {
        verdict(&self.0.ask(&trial.question())?)
    }

    /// What zlint warns of or worse, among the lints of `sources`: `RFC5280`, `Community`, `CABF_BR`, …; all without any.
    #[must_use]
    pub fn lint(&self, certificate: &CertificateDer<'_>, sources: &[&str]) -> Vec<Finding> {
        let question = json!({ "ask": "lint", "certificate": text(certificate), "sources": sources });
        self.0.ask(&question).map_or_else(unreadable, |it| findings(&it))
    }

    /// What zlint finds in a revocation list that `issuer` signed.
    ///
    /// # Errors
    /// What crypto/x509 has against the list or its signature.
    pub fn lint_crl(&self, crl: &[u8], issuer: &CertificateDer<'_>, sources: &[&str]) -> Result<Vec<Finding>, String> {
        let question = json!({ "ask": "lint crl", "crl": text(crl), "issuer": text(issuer), "sources": sources });
        Ok(findings(&self.0.ask(&question)?))
    }

    /// What zlint finds in an OCSP response of `issuer` about `certificate`.
    ///
    /// # Errors
    /// What Go's x/crypto/ocsp has against the response or its signature.
    pub fn lint_ocsp(
        &self,
        ocsp: &[u8],
        certificate: &CertificateDer<'_>,
        issuer: &CertificateDer<'_>,
        sources: &[&str],
    ) -> Result<Vec<Finding>, String> {
        let question = json!({
            "ask": "lint ocsp",
            "ocsp": text(ocsp),
            "certificate": text(certificate),
            "issuer": text(issuer),
            "sources": sources,
        });
        Ok(findings(&self.0.ask(&question)?))
    }

    /// Whether crypto/x509 takes a signing request and its signature.
    ///
    /// # Errors
    /// Its reason not to.
    pub fn check(&self, csr: &CertificateSigningRequestDer<'_>) -> Result<(), String> {
        verdict(&self.0.ask(&json!({ "ask": "check", "request": text(csr.as_ref()) }))?)
    }

    /// What crypto/x509 sees in a certificate.
    ///
    /// # Panics
    /// When it cannot read the certificate.
    #[must_use]
    pub fn read(&self, certificate: &CertificateDer<'_>) -> Reading {
        Reading(self.sure(&json!({ "ask": "read", "certificate": text(certificate) })))
    }

    /// One signing request of each kind that Go programs send.
    pub(in crate::servers) fn requests(&self) -> BTreeMap<String, Vec<u8>> {
        requests(&self.sure(&json!({ "ask": "requests" })))
    }

    fn sure(&self, question: &Value) -> Value {
        self.0.ask(question).unwrap_or_else(|why| panic!("Go: {why}"))
    }
}

/// A certificate as crypto/x509 sees it.
#[derive(Clone, Debug)]
pub struct Reading(Value);

impl Reading {
    /// The subject, as it stands in the certificate.
    #[must_use]
    pub fn subject(&self) -> Vec<u8> {
        self.octets("subject")
    }

    /// The issuer, as it stands in the certificate.
    #[must_use]
    pub fn issuer(&self) -> Vec<u8> {
        self.octets("issuer")
    }

    /// The public key (SubjectPublicKeyInfo), as it stands in the certificate.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.octets("public_key")
    }

    /// The first instant of its validity.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.instant("not_before")
    }

    /// The last instant of its validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.instant("not_after")
    }

    /// A text: `serial`, `subject_key_id`, `authority_key_id` (hexadecimal), `signature`.
    ///
    /// # Panics
    /// When there is no such text.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_else(|| panic!("Go says nothing of {field}"))
    }

    /// A list of texts: `dns_names`, `ip_addresses`, `email_addresses`, `uris`, `crl`, `ocsp`, `issuers`.
    #[must_use]
    pub fn list(&self, field: &str) -> Vec<&str> {
        self.0[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn octets(&self, field: &str) -> Vec<u8> {
        octets(&self.0[field])
    }

    fn instant(&self, field: &str) -> Timestamp {
        Timestamp::from_unix_seconds(self.0[field].as_i64().expect("seconds"))
    }
}

pub(super) fn requests(answer: &Value) -> BTreeMap<String, Vec<u8>> {
    let made = answer["requests"].as_object().expect("requests by kind");
    made.iter().map(|(kind, der)| (kind.clone(), octets(der))).collect()
}

fn octets(value: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(value.as_str().expect("a text")).expect("Base64")
}
