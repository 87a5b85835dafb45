//! Knot DNS, an authoritative server with updates: what BIND is not alone in.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tempfile::TempDir;

use super::bind::texts;
use super::free_port;
use super::process::{Launch, Process, accepts, answers_dns, with_free_ports};
use super::programs::Program;
use super::zone::{TsigKey, Zone};

/// A running `knotd`, stopped when dropped.
///
/// It is an authority only, and refuses questions about other zones. Where its rules do not allow an update, it says so as it does of an unknown key (NOTAUTH
/// with BADKEY).
#[derive(Debug)]
pub struct Knot {
    process: Process,
    address: SocketAddr,
    // Last, so that the process is gone before its files.
    _folder: TempDir,
}

impl Knot {
    /// Starts a server with these zones and waits until it answers.
    ///
    /// # Panics
    ///
    /// When `knotd` is missing (the message says how to get it), or does not start (the message holds its log); and for a zone with an
    /// [`update_policy`](Zone::update_policy), which speaks BIND's words.
    #[must_use]
    #[track_caller]
    pub fn start(zones: &[Zone]) -> Self {
        with_free_ports(|| Self::try_start(zones))
    }

    /// Where it answers, over UDP and TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The values of the TXT records that the owner has now, sorted, with the strings of one record joined.
    ///
    /// # Panics
    ///
    /// When `dig` is missing or gets no answer.
    #[must_use]
    #[track_caller]
    pub fn txt(&self, owner: &str) -> Vec<String> {
        texts(self.address, owner)
    }

    /// Everything the server printed.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    fn try_start(zones: &[Zone]) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (ip, port, place) = (address.ip(), address.port(), folder.path().display());
        let mut config = format!(
            "server:\n  listen: {ip}@{port}\n  rundir: {place}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
             control:\n  listen: {place}/knot.sock\n\
             database:\n  storage: {place}/db\n  journal-db-max-size: 16M\n\
             log:\n  - target: stderr\n    any: info\n"
        );
        let keys: Vec<&TsigKey> = zones.iter().flat_map(|zone| &zone.keys).collect();
        if !keys.is_empty() {
            config.push_str("key:\n");
            keys.iter().for_each(|key| config.push_str(&key.knot_clause()));
        }
        config.push_str("acl:\n");
        for (number, zone) in zones.iter().enumerate() {
            config.push_str(&zone.rules(&number.to_string()));
        }
        config.push_str("zone:\n");
        for (number, zone) in zones.iter().enumerate() {
            let file = folder.path().join(format!("{number}.db"));
            fs::write(&file, zone.file())?;
            config.push_str(&zone.knot_clause(&file.display().to_string(), &number.to_string()));
        }
        fs::create_dir(folder.path().join("db"))?;
        let file = folder.path().join("knot.conf");
        fs::write(&file, config)?;
        let launch = Launch {
            program: Program::Knot,
            arguments: vec!["-c".into(), file.into()],
            environment: Vec::new(),
            log: folder.path().join("knotd.log"),
        };
        let process = Process::start(launch, || accepts(address).and_then(|()| answers_dns(address)))?;
        Ok(Self { process, address, _folder: folder })
    }
}
