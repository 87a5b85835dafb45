//! Pebble, Let's Encrypt's ACME server for tests.

mod builder;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

pub use builder::{CaKey, PebbleBuilder};

use super::http::Tls;
use super::process::{Process, accepts};
use super::requests::Requests;

/// A running Pebble, stopped when dropped.
///
/// Make one with [`Pebble::builder`]. It forgets everything when it stops: [`restart`](Self::restart) is a CA that lost its accounts and orders.
#[derive(Debug)]
pub struct Pebble {
    process: Process,
    address: SocketAddr,
    management: SocketAddr,
    root_pem: String,
    tls: Tls,
    http_port: u16,
    tls_port: u16,
    root_file: PathBuf,
    asked_before: Requests,
    // Last, so that the process is gone before its files.
    _folder: TempDir,
}

impl Pebble {
    /// Chooses what differs from a CA that is quick, predictable and validates for real.
    #[must_use]
    pub fn builder() -> PebbleBuilder {
        PebbleBuilder::default()
    }

    /// Starts one with the defaults of [`PebbleBuilder`].
    ///
    /// # Panics
    ///
    /// As [`PebbleBuilder::start`].
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// The URL of the directory.
    #[must_use]
    pub fn directory_url(&self) -> String {
        format!("https://{}/dir", self.address)
    }

    /// The root, in PEM, that a client must trust to talk to the directory; not the root of what is issued.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// A file with [`root_pem`](Self::root_pem), for programs that want one; it lives as long as the server.
    #[must_use]
    pub fn root_file(&self) -> &Path {
        &self.root_file
    }

    /// The base URL of the management interface, without a final slash.
    #[must_use]
    pub fn management_url(&self) -> String {
        format!("https://{}", self.management)
    }

    /// The port that the validator dials for HTTP-01.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// The port that the validator dials for TLS-ALPN-01.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The root, in PEM, of the chain with that number (0 is the default chain) that leaves are issued under.
    ///
    /// # Panics
    ///
    /// When there is no such chain, or the server does not answer.
    #[must_use]
    #[track_caller]
    pub fn issuance_root_pem(&self, chain: usize) -> String {
        self.manage(&format!("/roots/{chain}"), None)
    }

    /// What the CA thinks of a certificate, as the JSON object of its management interface: `Status` is `Valid` or
    /// `Revoked`, then with `Reason` and `RevokedAt`. The serial is in hexadecimal digits without separators.
    ///
    /// # Panics
    ///
    /// When the CA does not know the serial, or does not answer.
    #[must_use]
    #[track_caller]
    pub fn certificate_status(&self, serial: &str) -> Value {
        let body = self.manage(&format!("/cert-status-by-serial/{serial}"), None);
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"))
    }

    /// Sets what renewal information answers for a certificate of this CA, word for word: it may be malformed.
    ///
    /// # Panics
    ///
    /// When the CA did not issue that certificate, or does not answer.
    #[track_caller]
    pub fn set_renewal_info(&self, certificate_pem: &str, response: &str) {
        let body = json!({ "certificate": certificate_pem, "ariResponse": response }).to_string();
        self.manage("/set-renewal-info/", Some(&body));
    }

    /// What clients asked since the server was started or restarted: complete for every answer that has arrived.
    #[must_use]
    pub fn requests(&self) -> Requests {
        Requests::from_pebble_log(&self.log()).since(&self.asked_before)
    }

    /// Everything the server printed.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Stops the server and starts it on the same ports with the same endpoint certificate: accounts, orders,
    /// certificates and the roots it issues under are new. [`requests`](Self::requests) begins anew.
    ///
    /// # Panics
    ///
    /// When it does not start again.
    #[track_caller]
    pub fn restart(&mut self) {
        let (address, management, tls) = (self.address, self.management, self.tls.clone());
        self.process.restart(|| ready(&tls, address, management)).unwrap_or_else(|error| panic!("{error}"));
        self.asked_before = Requests::from_pebble_log(&self.log());
    }

    /// Stops the server before it is dropped: connections are refused from now on, until [`restart`](Self::restart).
    pub fn stop(&mut self) {
        self.process.stop();
    }

    #[track_caller]
    fn manage(&self, path: &str, body: Option<&str>) -> String {
        let answer = self.tls.call(self.management, path, body).and_then(|answer| answer.ok(path));
        answer.unwrap_or_else(|error| panic!("pebble's management: {error}"))
    }
}

fn ready(tls: &Tls, address: SocketAddr, management: SocketAddr) -> io::Result<()> {
    accepts(management)?;
    accepts(address)?;
    tls.call(address, "/dir", None)?.ok("/dir").map(drop)
}
