//! Foreign judges of certificates: Go's crypto/x509 and zlint, pkilint and Python's cryptography, OpenSSL; of key stores, Java's keytool
//! and go-pkcs12.
//!
//! A judge is started once and asked as often as a test likes; each ends with the process that started it. Go's and Python's programs
//! are built by `testkit/servers/build.sh`, OpenSSL is the system's.
//!
//! ```no_run
//! use certwright_testkit::servers::judges::{Go, OpenSsl, Python, Trial};
//!
//! # fn judge(chain: Vec<rustls_pki_types::CertificateDer<'static>>, root: rustls_pki_types::CertificateDer<'static>, now: acme_core::Timestamp) {
//! let trial = Trial::new(&chain, std::slice::from_ref(&root), now).for_server("www.example.com");
//! OpenSsl::find().verify(&trial).unwrap();
//! let go = Go::start();
//! go.verify(&trial).unwrap();
//! assert_eq!(go.lint(&chain[0], &["RFC5280"]), []);
//! assert_eq!(Python::start().lint(&chain[0]), []);
//! # }
//! ```

mod go;
mod keytool;
mod openssl;
mod python;
mod speaker;

use acme_core::Timestamp;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};

pub use go::{Go, Opened, Reading};
pub use keytool::Keytool;
pub use openssl::OpenSsl;
pub(in crate::servers) use openssl::{Folder, said};
pub use python::Python;
pub(in crate::servers) use speaker::Speaker;

/// A chain before a judge: is there a path from its leaf to one of the roots?
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    chain: &'a [CertificateDer<'a>],
    roots: &'a [CertificateDer<'a>],
    at: Timestamp,
    server: Option<&'a str>,
}

impl<'a> Trial<'a> {
    /// The leaf first, then what may stand between it and a root.
    #[must_use]
    pub fn new(chain: &'a [CertificateDer<'a>], roots: &'a [CertificateDer<'a>], at: Timestamp) -> Self {
        Self { chain, roots, at, server: None }
    }

    /// The leaf is a server's, and covers `name`.
    #[must_use]
    pub fn for_server(mut self, name: &'a str) -> Self {
        self.server = Some(name);
        self
    }

    fn question(&self) -> Value {
        json!({
            "ask": "verify",
            "chain": all(self.chain),
            "roots": all(self.roots),
            "at": self.at.unix_seconds(),
            "name": self.server.unwrap_or_default(),
            "usages": [if self.server.is_some() { "server auth" } else { "any" }],
        })
    }
}

/// What a linter warns of, or worse; `unreadable` when it could not read what it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The lint's own name.
    pub lint: String,
    /// How bad it is, in the linter's word: `warn`, `error`, …
    pub level: String,
    /// What exactly it found; often nothing.
    pub detail: String,
}

fn findings(answer: &Value) -> Vec<Finding> {
    let text = |found: &Value, field: &str| found[field].as_str().unwrap_or_default().to_owned();
    let found = answer["findings"].as_array().expect("a linter answers with findings");
    found
        .iter()
        .map(|it| Finding { lint: text(it, "lint"), level: text(it, "level"), detail: text(it, "detail") })
        .collect()
}

/// What a linter finds in what it cannot read.
fn unreadable(why: String) -> Vec<Finding> {
    vec![Finding { lint: "unreadable".to_owned(), level: "fatal".to_owned(), detail: why }]
}

fn verdict(answer: &Value) -> Result<(), String> {
    match answer["refused"].as_str() {
        None => Ok(()),
        Some(why) => Err(why.to_owned()),
    }
}

fn text(der: &[u8]) -> String {
    BASE64_STANDARD.encode(der)
}

fn all(certificates: &[CertificateDer<'_>]) -> Vec<String> {
    certificates.iter().map(|it| text(it)).collect()
}
