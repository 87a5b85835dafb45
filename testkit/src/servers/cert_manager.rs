//! cert-manager's own controller: what it makes of our objects is the judgement that counts.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tempfile::TempDir;

use super::free_port;
use super::process::{Launch, Process, accepts, with_free_ports};
use super::programs::Program;

/// cert-manager's controller in a process of its own, killed when dropped.
///
/// It has the flags that its release ships, but takes no Lease: who starts one ends the other controller first. Its webhook and its CA injector do not run.
#[derive(Debug)]
pub struct CertManager {
    process: Process,
    // Last, so that the process is gone before its files.
    _folder: TempDir,
}

impl CertManager {
    /// Starts it on the cluster of a kubeconfig, whose user the audit log names; `flags` come after its own and are cert-manager's.
    ///
    /// It runs when this returns, and may still be reading the cluster.
    ///
    /// # Panics
    ///
    /// When the program is missing (the message says how to get it), or does not start (the message holds its log).
    #[must_use]
    #[track_caller]
    pub fn start(kubeconfig: &str, flags: &[&str]) -> Self {
        with_free_ports(|| Self::try_start(kubeconfig, flags))
    }

    fn try_start(kubeconfig: &str, flags: &[&str]) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let file = folder.path().join("kubeconfig");
        fs::write(&file, kubeconfig)?;
        let mut arguments = vec!["--kubeconfig".into(), file.into(), "--leader-elect=false".into()];
        arguments.push(format!("--metrics-listen-address={address}").into());
        arguments.extend(flags.iter().map(Into::into));
        let log = folder.path().join("cert-manager.log");
        let launch = Launch { program: Program::CertManager, arguments, environment: Vec::new(), log };
        let process = Process::start(launch, || accepts(address))?;
        Ok(Self { process, _folder: folder })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Everything it printed.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Kills it, as a node that fails does.
    pub fn stop(&mut self) {
        self.process.stop();
    }
}
