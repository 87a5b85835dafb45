//! The control plane's settings and start.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Mutex;

use serde_json::Value;

use super::ControlPlane;
use super::api::Api;
use super::flags::{self, Addresses};
use super::folder::Folder;
use super::identities::Identities;
use crate::servers::free_port;
use crate::servers::http::{Tls, call};
use crate::servers::process::{Launch, Process, accepts, with_free_ports};
use crate::servers::programs::Program;

/// The control plane's settings, before it runs.
#[derive(Clone, Debug, Default)]
pub struct ControlPlaneBuilder {
    folder: Option<PathBuf>,
    port: Option<u16>,
    crds: Vec<Value>,
    admission_plugins: Vec<String>,
}

impl ControlPlaneBuilder {
    /// Keeps everything in that folder, which is made if need be and stays; a cluster that is there goes on, with the same kubeconfig if the
    /// [`port`](Self::port) is the same.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Has the API server listen on that port of 127.0.0.1, instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Creates these CustomResourceDefinitions before the controllers start, which then collect such garbage from the first moment on;
    /// a kind that comes later is known to them half a minute after.
    #[must_use]
    pub fn crds(mut self, crds: impl IntoIterator<Item = Value>) -> Self {
        self.crds.extend(crds);
        self
    }

    /// Turns on an admission plugin beside the default ones, such as `OwnerReferencesPermissionEnforcement`.
    #[must_use]
    pub fn admission_plugin(mut self, name: &str) -> Self {
        self.admission_plugins.push(name.to_owned());
        self
    }

    /// Starts the three servers, one after the other, and waits until each is ready.
    ///
    /// # Panics
    ///
    /// When the program is missing (the message says how to get it), a server does not start (the message holds its log), or a definition is
    /// refused.
    #[must_use]
    #[track_caller]
    pub fn start(&self) -> ControlPlane {
        with_free_ports(|| self.try_start())
    }

    fn try_start(&self) -> io::Result<ControlPlane> {
        let folder = match &self.folder {
            Some(path) => Folder::given(path)?,
            None => Folder::temporary()?,
        };
        let known = Identities::in_folder(folder.path())?;
        let addresses = Addresses {
            etcd: loopback(free_port()),
            etcd_peers: loopback(free_port()),
            api_server: loopback(self.port.unwrap_or_else(free_port)),
            controllers: loopback(free_port()),
        };
        let launch = |arguments: Vec<OsString>| {
            let log = folder.join(&format!("{}.log", arguments[0].display()));
            Launch { program: Program::ControlPlane, arguments, environment: Vec::new(), log }
        };

        let etcd = Process::start(launch(flags::etcd(&folder, addresses)), || {
            call(addresses.etcd, "/health", None)?.ok("/health").map(drop)
        })?;
        let api = Api::new(addresses.api_server, &known.root_pem, known.administrator.clone())?;
        let api_server =
            Process::start(launch(flags::api_server(&folder, addresses, &known, &self.admission_plugins)?), || {
                accepts(addresses.api_server)?;
                api.ready()
            })?;
        for crd in &self.crds {
            install(&api, crd)?;
        }
        let tls = Tls::trusting(&known.root_pem)?;
        let controllers = Process::start(launch(flags::controllers(&folder, addresses, &known)?), || {
            tls.call(addresses.controllers, "/healthz", None)?.ok("/healthz")?;
            api.inhabited()
        })?;
        let (api_server, etcd) = (Mutex::new(api_server), Mutex::new(etcd));
        Ok(ControlPlane { controllers, api_server, etcd, etcd_address: addresses.etcd, api, folder })
    }
}

/// Creates a definition, or leaves one of its name as it is, and waits until its kind is served.
fn install(api: &Api, crd: &Value) -> io::Result<()> {
    let answer = api.call("POST", CRDS, Some(crd))?;
    let name = crd["metadata"]["name"].as_str().unwrap_or_default();
    if !matches!(answer.status, 201 | 409) {
        return Err(io::Error::other(format!("definition {name:?} was answered {}: {}", answer.status, answer.body)));
    }
    for _ in 0..SERVED_TRIES {
        let answer = api.call("GET", &format!("{CRDS}/{name}"), None)?;
        let conditions = answer.body["status"]["conditions"].as_array();
        let served = |it: &Value| it["type"] == "Established" && it["status"] == "True";
        if conditions.is_some_and(|conditions| conditions.iter().any(served)) {
            return Ok(());
        }
        crate::servers::process::pause();
    }
    Err(io::Error::other(format!("definition {name:?} is not established")))
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// A definition is served within a second; the rest is for a machine that stands still.
const SERVED_TRIES: usize = 3000;
