//! OpenSSL's command line.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use tempfile::TempDir;

use super::{Trial, text};
use crate::servers::programs::Program;

/// The system's `openssl`. It runs once for each question, some milliseconds.
#[derive(Debug)]
pub struct OpenSsl(PathBuf);

impl OpenSsl {
    /// Finds it.
    ///
    /// # Panics
    /// When it is not installed, with how to do that.
    #[must_use]
    pub fn find() -> Self {
        Self(Program::OpenSsl.find().unwrap_or_else(|error| panic!("{error}")))
    }

    /// The program, ready for arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(&self.0)
    }

    /// Whether `openssl verify -x509_strict` finds a path.
    ///
    /// # Errors
    /// What it said.
    ///
    /// # Panics
    /// When the chain is empty, or the disk is full.
    pub fn verify(&self, trial: &Trial<'_>) -> Result<(), String> {
        let folder = Folder::new();
        let (leaf, between) = trial.chain.split_first().expect("a chain has a leaf");
        let trusted = folder.file("roots.pem", pem(trial.roots));
        let leaf = folder.file("leaf.pem", pem(std::slice::from_ref(leaf)));
        let at = trial.at.unix_seconds().to_string();
        let mut arguments =
            vec!["verify".as_ref(), "-x509_strict".as_ref(), "-no-CApath".as_ref(), "-no-CAstore".as_ref()];
        arguments.extend([OsStr::new("-attime"), at.as_ref(), "-CAfile".as_ref(), trusted.as_os_str()]);
        let untrusted;
        if !between.is_empty() {
            untrusted = folder.file("between.pem", pem(between));
            arguments.extend(["-untrusted".as_ref(), untrusted.as_os_str()]);
        }
        if let Some(name) = trial.server {
            arguments.extend(["-purpose", "sslserver", "-verify_hostname", name].map(OsStr::new));
        }
        arguments.push(leaf.as_os_str());
        self.says_ok(&arguments, "OK")
    }

    /// Whether `openssl req -verify` takes a signing request and its signature.
    ///
    /// # Errors
    /// What it said.
    pub fn check(&self, csr: &CertificateSigningRequestDer<'_>) -> Result<(), String> {
        let folder = Folder::new();
        let file = folder.file("request.der", csr.as_ref());
        let arguments = ["req", "-verify", "-noout", "-inform", "DER", "-in"].map(OsStr::new);
        self.says_ok(&[&arguments[..], &[file.as_os_str()]].concat(), "verify OK")
    }

    /// Runs it, and answers all that it said.
    ///
    /// # Errors
    /// The same, when it failed.
    pub fn run(&self, arguments: &[&OsStr]) -> Result<Vec<u8>, String> {
        let output = self.output(arguments);
        if output.status.success() { Ok(output.stdout) } else { Err(said(&output)) }
    }

    fn says_ok(&self, arguments: &[&OsStr], ok: &str) -> Result<(), String> {
        let output = self.output(arguments);
        let said = said(&output);
        if output.status.success() && said.contains(ok) { Ok(()) } else { Err(said) }
    }

    fn output(&self, arguments: &[&OsStr]) -> Output {
        Command::new(&self.0).args(arguments).output().unwrap_or_else(|error| panic!("openssl did not run: {error}"))
    }
}

/// A folder that is gone after the question.
pub(in crate::servers) struct Folder(TempDir);

impl Folder {
    pub(in crate::servers) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for temporary files"))
    }

    pub(in crate::servers) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(in crate::servers) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("a file in a folder for temporary files");
        path
    }
}

pub(in crate::servers) fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat()
}

fn pem(certificates: &[CertificateDer<'_>]) -> String {
    let one =
        |it: &CertificateDer<'_>| format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines(it));
    certificates.iter().map(one).collect()
}

/// OpenSSL reads no line longer than 76 characters of Base64.
fn lines(der: &[u8]) -> String {
    let encoded = text(der);
    let lines: Vec<_> = encoded.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    lines.join("\n")
}
