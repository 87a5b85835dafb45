//! A path with all that it takes: its namespace, its servers, the proxy, and a controller behind it.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::servers::{Endpoint, Pebble, Vault};

use crate::kit::acme::Acme;
use crate::kit::manifests::{authority, renew, self_signed_issuer};
use crate::kit::standins::{self, ForeignAuthority};
use crate::kit::{Manner, Operator, Process, Proxy, Space, conditions, eventually, vault};
use crate::paths::Path;

/// A path with all that it takes.
pub(crate) struct Stage {
    pub(crate) path: Path,
    pub(crate) space: Space,
    pub(crate) proxy: Proxy,
    pub(crate) servers: Servers,
    controller: Option<Running>,
    body: Body,
}

/// What a controller lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// A runtime of this process.
    Runtime,
    /// A process of its own.
    Process,
}

/// Who signs, where that is not the controller.
pub(crate) enum Servers {
    Nobody,
    Foreign(ForeignAuthority),
    Acme(Box<Acme>),
    Vault(Vault),
}

/// A controller that runs.
enum Running {
    Runtime(Operator),
    Process(Process),
}

impl Stage {
    /// Everything but a controller.
    pub(crate) fn idle(path: Path) -> Self {
        let space = Space::new("path");
        let proxy = space.proxy();
        let servers = Servers::start(path);
        servers.prepare(path, &space);
        Self { path, space, proxy, servers, controller: None, body: Body::Runtime }
    }

    /// Everything ready, and what was written for that forgotten.
    pub(crate) fn new(path: Path, body: Body) -> Self {
        let mut stage = Self { body, ..Self::idle(path) };
        stage.start();
        if path != Path::External {
            stage.space.await_condition("issuers", "ca", "Ready", "True");
        }
        stage.space.await_quiet(&stage.proxy);
        stage.proxy.forget();
        stage
    }

    /// How a controller of this path behaves.
    pub(crate) fn manner(&self) -> Manner {
        let mut manner = Manner::new(&self.space.namespace);
        manner.approver = !matches!(self.path, Path::Approved | Path::ApprovedNever | Path::Temporary);
        if let Servers::Acme(acme) = &self.servers {
            manner.name_server = Some(acme.bind.address());
        }
        // Slow machines show what quick ones do not, unless it is the wait that is looked at.
        let is_looked_at = matches!(self.path, Path::SlowDns01(_));
        manner.visible_after = Duration::from_secs(if is_looked_at { 2 } else { 60 });
        manner
    }

    /// Starts a controller.
    pub(crate) fn start(&mut self) {
        let manner = self.manner();
        self.controller = Some(match self.body {
            Body::Runtime => Running::Runtime(Operator::start(&self.proxy, manner.settings())),
            Body::Process => Running::Process(Process::start(&self.proxy, &manner)),
        });
    }

    /// Stops the controller, forgets what was written, and starts another.
    pub(crate) fn restart(&mut self) {
        self.controller = None;
        self.proxy.forget();
        self.start();
    }

    /// Is the controller alive, or is somebody still on the way to the API server for it?
    pub(crate) fn is_alive(&self) -> bool {
        let alive = match &self.controller {
            None => false,
            Some(Running::Runtime(operator)) => operator.is_alive(),
            Some(Running::Process(process)) => process.is_alive(),
        };
        alive || !self.proxy.is_idle()
    }

    /// Does what precedes: a renewal has a first certificate, and names that are proven were proven by another. Answers the revision that comes next.
    pub(crate) fn begin(&self, name: &str) -> u64 {
        let mut revision = 1;
        if self.path.is_renewal() {
            self.ask(name, 1);
            self.await_revision(name, 1);
            revision = 2;
        }
        if self.path == Path::Authorized {
            let mut other = self.path.manifest(&format!("{name}-before"));
            other["spec"]["dnsNames"] = json!([format!("{name}.example.test")]);
            self.space.apply(&other);
            self.await_revision(&format!("{name}-before"), 1);
        }
        self.space.await_quiet(&self.proxy);
        self.proxy.forget();
        revision
    }

    /// Asks for a certificate in this revision.
    pub(crate) fn ask(&self, name: &str, revision: u64) {
        match revision {
            1 => drop(self.space.apply(&self.path.manifest(name))),
            _ => renew(&self.space, name),
        }
    }

    /// Does what others do on this path, as far as it can be done now.
    pub(crate) fn help(&self) {
        if !self.manner().approver {
            standins::approve(&self.space);
        }
        if let Servers::Foreign(authority) = &self.servers {
            standins::sign(&self.space, authority);
        }
    }

    /// Is it there, in this revision?
    pub(crate) fn is_done(&self, name: &str, revision: u64) -> Result<Value, String> {
        let resource = if self.path == Path::Bare { "certificaterequests" } else { "certificates" };
        let object = self.space.get(resource, name).ok_or("there is none")?;
        let is = |kind: &str| conditions(&object).iter().any(|it| it["type"] == kind && it["status"] == "True");
        let revised = self.path == Path::Bare || object["status"]["revision"] == revision;
        if is("Ready") && !is("Issuing") && revised { Ok(object) } else { Err(object["status"].to_string()) }
    }

    /// Waits until it is there, and helps.
    pub(crate) fn await_revision(&self, name: &str, revision: u64) {
        eventually(&format!("{name} in revision {revision}"), || {
            self.help();
            let all = |resource: &str| -> String {
                self.space.list(resource).iter().map(|it| it["status"].to_string()).collect()
            };
            self.is_done(name, revision)
                .map_err(|why| format!("{why}; requests: {}; orders: {}", all("certificaterequests"), all("orders")))
        });
    }
}

impl Servers {
    fn start(path: Path) -> Self {
        match path {
            Path::External => Self::Foreign(ForeignAuthority::new()),
            Path::Vault => Self::Vault(vault::start()),
            Path::Dns01(_) | Path::SlowDns01(_) => Self::Acme(Box::new(Acme::start(Pebble::builder()))),
            Path::Authorized => Self::Acme(Box::new(Acme::start(Pebble::builder().authz_reuse(100)))),
            Path::Ca
            | Path::SelfSigned
            | Path::Never
            | Path::Approved
            | Path::ApprovedNever
            | Path::Temporary
            | Path::Bare => Self::Nobody,
        }
    }

    /// Makes the Issuer.
    fn prepare(&self, path: Path, space: &Space) {
        match self {
            Self::Foreign(_) => {}
            Self::Nobody if path == Path::SelfSigned => drop(space.apply(&self_signed_issuer("ca"))),
            Self::Nobody => authority(space),
            Self::Vault(vault) => vault::prepare(vault, space),
            Self::Acme(acme) => {
                let waits = json!({ "waitInsteadOfSelfCheck": "4s" });
                acme.prepare(space, if matches!(path, Path::SlowDns01(_)) { waits } else { json!({}) });
            }
        }
    }

    /// How many orders were made and certificates signed so far, by those who remember it.
    pub(crate) fn made(&self) -> Made {
        match self {
            Self::Nobody | Self::Foreign(_) => Made { orders: 0, certificates: 0 },
            Self::Acme(acme) => Made { orders: acme.orders(), certificates: acme.certificates() },
            Self::Vault(vault) => Made { orders: 0, certificates: vault::signatures(vault) },
        }
    }

    /// How many requests arrived so far that change something there: what only reads may have been on its way.
    pub(crate) fn acts(&self) -> usize {
        match self {
            Self::Nobody | Self::Foreign(_) => 0,
            Self::Acme(acme) => {
                let requests = acme.pebble.requests();
                ACTS.iter().map(|endpoint| requests.count(*endpoint)).sum()
            }
            Self::Vault(vault) => vault::signatures(vault),
        }
    }
}

/// What servers remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) orders: usize,
    pub(crate) certificates: usize,
}

const ACTS: [Endpoint; 4] = [Endpoint::NewAccount, Endpoint::NewOrder, Endpoint::Challenge, Endpoint::Finalize];
