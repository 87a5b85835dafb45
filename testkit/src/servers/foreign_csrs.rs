//! Signing requests that foreign programs make: OpenSSL, Go, Python's cryptography, Java's keytool.
//!
//! [`kept`] reads those that lie in `testkit/csr`: the same bytes for every run. [`made_now`] asks the programs for new ones, which
//! takes some seconds; the two have the same labels. `cargo run -p certwright-testkit --features servers --example foreign_csrs` writes the folder anew.

mod java;
mod openssl;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;

use super::judges::{Go, Python};

/// One signing request, and who made it.
#[derive(Clone, Debug)]
pub struct ForeignCsr {
    /// The program and what is special: `openssl-p384-sha256`.
    pub label: String,
    /// The request.
    pub der: CertificateSigningRequestDer<'static>,
}

/// The signing requests that lie in `testkit/csr`, in the order of their labels.
///
/// # Panics
/// When one cannot be read.
#[must_use]
pub fn kept() -> Vec<ForeignCsr> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder()).expect("testkit/csr").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let read = |path: &PathBuf| ForeignCsr {
        label: path.file_stem().expect("a name").to_string_lossy().into_owned(),
        der: CertificateSigningRequestDer::from_pem_file(path).expect("a signing request in PEM"),
    };
    files.iter().map(read).collect()
}

/// One new signing request of each kind that each program makes, in the order of their labels.
///
/// # Panics
/// When a program is missing or fails, with what it said.
#[must_use]
pub fn made_now() -> Vec<ForeignCsr> {
    std::thread::scope(|threads| {
        let java = threads.spawn(java::requests);
        let makers = [
            ("go", Go::start().requests()),
            ("python", Python::start().requests()),
            ("openssl", openssl::requests()),
            ("java", java.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        ];
        let mut made: Vec<_> = makers.into_iter().flat_map(|(maker, requests)| labelled(maker, requests)).collect();
        made.sort_by(|a, b| a.label.cmp(&b.label));
        made
    })
}

/// Where [`kept`] reads.
#[must_use]
pub fn folder() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/csr").into()
}

fn labelled(maker: &str, requests: BTreeMap<String, Vec<u8>>) -> impl Iterator<Item = ForeignCsr> {
    requests.into_iter().map(move |(kind, der)| ForeignCsr { label: format!("{maker}-{kind}"), der: der.into() })
}
