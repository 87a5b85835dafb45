//! step-ca: the ACME server that many run for names of their own.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::json;
use tempfile::TempDir;

use super::free_port;
use super::http::Tls;
use super::process::{Launch, Process, accepts, with_free_ports};
use super::programs::Program;

/// A running step-ca with one ACME provisioner, stopped when dropped.
///
/// Unlike Pebble it issues its own server certificate, keeps everything in a database, wants authorizations anew each time, and issues for a day.
#[derive(Debug)]
pub struct StepCa {
    process: Process,
    address: SocketAddr,
    root_pem: String,
    http_port: u16,
    tls_port: u16,
    // Last, so that the process is gone before its files.
    _folder: TempDir,
}

impl StepCa {
    /// Starts the server and waits until its directory answers. Its validators ask the DNS server at `dns`.
    ///
    /// # Panics
    ///
    /// When the program is missing (the message says how to get it), or does not start (the message holds its log).
    #[must_use]
    #[track_caller]
    pub fn start(dns: SocketAddr) -> Self {
        with_free_ports(|| Self::try_start(dns))
    }

    fn try_start(dns: SocketAddr) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (http_port, tls_port) = (free_port(), free_port());
        let root_pem = hierarchy(folder.path()).map_err(io::Error::other)?;
        let settings = json!({
            "root": folder.path().join(ROOT),
            "crt": folder.path().join(CERTIFICATE),
            "key": folder.path().join(KEY),
            "address": address,
            "dnsNames": ["localhost", "127.0.0.1"],
            "db": { "type": "badgerv2", "dataSource": folder.path().join("db") },
            "authority": { "provisioners": [{ "type": "ACME", "name": PROVISIONER }] },
        });
        let config = folder.path().join("ca.json");
        fs::write(&config, settings.to_string())?;

        let numbers = [("-http-port", http_port.to_string()), ("-tls-port", tls_port.to_string())];
        let mut arguments = vec!["-config".into(), config.into(), "-resolver".into(), dns.to_string().into()];
        arguments.extend(numbers.into_iter().flat_map(|(name, value)| [name.into(), value.into()]));
        let log = folder.path().join("step-ca.log");
        // It looks for a home of its own.
        let environment = vec![("HOME", folder.path().display().to_string())];
        let tls = Tls::trusting(&root_pem)?;
        let launch = Launch { program: Program::StepCa, arguments, environment, log };
        let process = Process::start(launch, || {
            accepts(address)?;
            tls.call(address, &directory_path(), None)?.ok("the directory").map(drop)
        })?;
        Ok(Self { process, address, root_pem, http_port, tls_port, _folder: folder })
    }

    /// The URL of the directory.
    #[must_use]
    pub fn directory_url(&self) -> String {
        format!("https://{}{}", self.address, directory_path())
    }

    /// The root, in PEM: of the server's own certificate, and of what it issues.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The port that is dialled for HTTP-01.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// The port that is dialled for TLS-ALPN-01.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Everything the server printed.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn directory_path() -> String {
    format!("/acme/{PROVISIONER}/directory")
}

/// Writes a root, and an intermediate with its key, into the folder; answers the root in PEM.
fn hierarchy(folder: &Path) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let authority = |name: &str, below: BasicConstraints| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(below);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    };
    let params = authority("root of a test's step-ca", BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let mut params = authority("intermediate of a test's step-ca", BasicConstraints::Constrained(0));
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let intermediate = params.signed_by(&key, &root)?;
    fs::write(folder.join(ROOT), root.pem())?;
    fs::write(folder.join(CERTIFICATE), intermediate.pem())?;
    fs::write(folder.join(KEY), key.serialize_pem())?;
    Ok(root.pem())
}

const PROVISIONER: &str = "acme";
const ROOT: &str = "root.pem";
const CERTIFICATE: &str = "intermediate.pem";
const KEY: &str = "intermediate.key";
