//! Vault's settings and start.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Endpoint, Vault, ready};
use crate::servers::endpoint::EndpointFiles;
use crate::servers::free_port;
use crate::servers::http::Tls;
use crate::servers::process::{Launch, Process, with_free_ports};
use crate::servers::programs::Program;

/// Vault's settings, before it runs.
#[derive(Clone, Debug, Default)]
pub struct VaultBuilder {
    listener: Listener,
}

#[derive(Clone, Copy, Debug, Default)]
enum Listener {
    #[default]
    Http,
    Https,
}

impl VaultBuilder {
    /// Answers on HTTPS, with a certificate for loopback under a fresh root, and asks clients for a certificate of theirs.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.listener = Listener::Https;
        self
    }

    /// Starts the server and waits until it is unsealed and answers.
    ///
    /// # Panics
    ///
    /// When the program is missing (the message says how to get it), or does not start (the message holds its log).
    #[must_use]
    #[track_caller]
    pub fn start(&self) -> Vault {
        let vault = with_free_ports(|| self.try_start());
        let options = json!({ "file_path": vault.audit, "mode": "0600" });
        vault.write("sys/audit/file", &json!({ "type": "file", "options": options }));
        vault
    }

    fn try_start(&self) -> io::Result<Vault> {
        let folder = TempDir::new()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let secrets = folder.path().join("secrets.json");
        let mut arguments = vec!["-address".into(), address.to_string().into()];
        arguments.extend(["-secrets".into(), secrets.clone().into()]);
        let tls = match self.listener {
            Listener::Http => None,
            Listener::Https => {
                let files = EndpointFiles::create(folder.path())?;
                arguments.extend(["-tls-cert".into(), files.certificate.into()]);
                arguments.extend(["-tls-key".into(), files.key.into()]);
                Some(Endpoint { client: Tls::trusting(&files.root_pem)?, root_pem: files.root_pem })
            }
        };
        let log = folder.path().join("vault.log");
        let launch = Launch { program: Program::Vault, arguments, environment: Vec::new(), log };
        let process = Process::start(launch, || ready(address, &secrets))?;
        let opened: Value = serde_json::from_slice(&fs::read(&secrets)?)?;
        let word = |name: &str| {
            let word = opened[name].as_str().map(str::to_owned);
            word.ok_or_else(|| io::Error::other(format!("vault wrote no {name}: {opened}")))
        };
        let (root_token, unseal_key) = (word("root_token")?, word("unseal_key")?);
        let audit = folder.path().join("audit.log");
        Ok(Vault { process, address, tls, root_token, unseal_key, audit, _folder: folder })
    }
}
