//! A Kubernetes control plane: etcd, kube-apiserver, kube-controller-manager, and no node.

mod api;
mod apply;
mod audit;
mod backup;
mod builder;
mod flags;
mod folder;
mod identities;
mod kubeconfig;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};

pub use api::ApiAnswer;
pub use audit::{AuditEvent, AuditPosition};
pub use backup::Backup;
pub use builder::ControlPlaneBuilder;

use api::Api;
use folder::Folder;
use kubeconfig::Kubeconfig;

use super::process::{Process, pause};

/// A running control plane of Kubernetes 1.36 on loopback, stopped when dropped.
///
/// It is the real thing with its default admission, RBAC, ServiceAccount tokens, priority and fairness, garbage collection and an audit
/// log; etcd does not wait for the disk. There is no node: a Pod stays pending unless a test plays the kubelet.
///
/// Take [`ControlPlane::shared`] where tests use namespaces of their own, [`ControlPlane::start`] where one needs the cluster for itself
/// (it takes a few seconds), [`ControlPlane::builder`] for kinds of its own or a folder that stays. Then hand [`kubeconfig`](Self::kubeconfig) to a client, and ask
/// [`audit`](Self::audit) who did what.
#[derive(Debug)]
pub struct ControlPlane {
    // In the order of their end: who asks before who answers, the files last.
    controllers: Process,
    api_server: Mutex<Process>,
    etcd: Mutex<Process>,
    etcd_address: SocketAddr,
    api: Api,
    folder: Folder,
}

impl ControlPlane {
    /// Chooses what differs from an empty cluster in a temporary folder.
    #[must_use]
    pub fn builder() -> ControlPlaneBuilder {
        ControlPlaneBuilder::default()
    }

    /// Starts one with the defaults of [`ControlPlaneBuilder`].
    ///
    /// # Panics
    ///
    /// As [`ControlPlaneBuilder::start`].
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// The one of this process, started by whoever asks first; it ends with the process, and so do its files.
    ///
    /// # Panics
    ///
    /// As [`ControlPlaneBuilder::start`].
    #[track_caller]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The API server's address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.api.address()
    }

    /// The API server's URL, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.api.url()
    }

    /// The root, in PEM, that clients of the API server must trust.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        self.api.root_pem()
    }

    /// A kubeconfig of the cluster's administrator, who may do everything.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        self.api.kubeconfig(&self.api.administrator()).to_string()
    }

    /// A kubeconfig of that user in those groups, known to the cluster or not: the administrator's, impersonating.
    ///
    /// The API server then decides as for that user, and [`AuditEvent::user`] names it. For a ServiceAccount that exists
    /// [`kubeconfig_of`](Self::kubeconfig_of) is closer to life.
    #[must_use]
    pub fn kubeconfig_as(&self, user: &str, groups: &[&str]) -> String {
        let user = Kubeconfig::impersonating(self.api.administrator(), user, groups);
        self.api.kubeconfig(&user).to_string()
    }

    /// A kubeconfig of a ServiceAccount, with a token that the API server issues for a day.
    ///
    /// # Panics
    ///
    /// When the ServiceAccount does not exist, or the API server does not answer.
    #[must_use]
    #[track_caller]
    pub fn kubeconfig_of(&self, namespace: &str, service_account: &str) -> String {
        self.api.kubeconfig(&Kubeconfig::token(&self.token_of(namespace, service_account))).to_string()
    }

    /// A token of a ServiceAccount, as its Pods would have one, for a day.
    ///
    /// # Panics
    ///
    /// As [`kubeconfig_of`](Self::kubeconfig_of).
    #[must_use]
    #[track_caller]
    pub fn token_of(&self, namespace: &str, service_account: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token");
        let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 86_400 } });
        let answer = self.write("POST", &path, &request);
        answer["status"]["token"].as_str().unwrap_or_else(|| panic!("{path} answered without a token")).to_owned()
    }

    /// Reads what is at `path`, such as `/api/v1/namespaces/default`, as the administrator.
    ///
    /// # Panics
    ///
    /// When the API server refuses, or does not answer.
    #[must_use]
    #[track_caller]
    pub fn read(&self, path: &str) -> Value {
        self.call("GET", path, None).success(path)
    }

    /// Reads what is at `path` again and again until it is what is waited for, for two minutes.
    ///
    /// # Errors
    ///
    /// What was there at last, when it never was.
    ///
    /// # Panics
    ///
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn wait_for(&self, path: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value, Value> {
        let mut last = self.read(path);
        for _ in 0..WAIT_TRIES {
            if is_it(&last) {
                return Ok(last);
            }
            pause();
            last = self.read(path);
        }
        Err(last)
    }

    /// Writes to `path` as the administrator, and answers what came back.
    ///
    /// `method` is `POST`, `PUT`, `DELETE`, or `PATCH` for a JSON merge patch.
    ///
    /// # Panics
    ///
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn write(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call(method, path, Some(body)).success(path)
    }

    /// Makes the cluster hold this manifest, of whatever kind, as the administrator (server-side apply), and answers the object.
    ///
    /// What names no namespace goes to `default`, or in none if its kind lives in none.
    ///
    /// # Panics
    ///
    /// When the cluster does not know the kind, or as [`read`](Self::read).
    #[track_caller]
    pub fn apply(&self, manifest: &Value) -> Value {
        self.apply_in("default", manifest)
    }

    /// The same, where what names no namespace goes to `namespace`.
    ///
    /// # Panics
    ///
    /// As [`apply`](Self::apply).
    #[track_caller]
    pub fn apply_in(&self, namespace: &str, manifest: &Value) -> Value {
        let answer = apply::apply(&self.api, manifest, namespace);
        answer.unwrap_or_else(|error| panic!("kube-apiserver: {error}")).success("apply")
    }

    /// One call of the administrator's, whatever it ends in.
    ///
    /// # Panics
    ///
    /// When the API server does not answer, or not in JSON.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> ApiAnswer {
        self.api.call(method, path, body).unwrap_or_else(|error| panic!("kube-apiserver: {method} {path}: {error}"))
    }

    /// Who asked what of the API server, oldest first: every request that was answered before this call, and every watch that began.
    ///
    /// The control plane's own are among them; [`AuditEvent::user`] tells them apart.
    ///
    /// # Panics
    ///
    /// When the API server does not answer.
    #[must_use]
    #[track_caller]
    pub fn audit(&self) -> Vec<AuditEvent> {
        self.audit_since(AuditPosition::default())
    }

    /// The same, without what was answered before [`audit_position`](Self::audit_position) was asked.
    ///
    /// # Panics
    ///
    /// As [`audit`](Self::audit).
    #[must_use]
    #[track_caller]
    pub fn audit_since(&self, position: AuditPosition) -> Vec<AuditEvent> {
        let end = self.audit_position();
        audit::between(&self.folder.audit_log(), position, end).unwrap_or_else(|error| panic!("audit log: {error}"))
    }

    /// Where the audit log ends now.
    ///
    /// # Panics
    ///
    /// As [`audit`](Self::audit).
    #[must_use]
    #[track_caller]
    pub fn audit_position(&self) -> AuditPosition {
        // The log is written in the order of the answers: what precedes this mark is complete.
        let mark = format!("/version?mark={}", audit::next_mark());
        let _ = self.read(&mark);
        audit::position_after(&self.folder.audit_log(), &mark).unwrap_or_else(|error| panic!("audit log: {error}"))
    }

    /// Stops the API server: connections are refused until [`start_api_server`](Self::start_api_server).
    pub fn stop_api_server(&mut self) {
        lock(&self.api_server).stop();
    }

    /// Starts the API server again, on the same address and with everything it held.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[track_caller]
    pub fn start_api_server(&mut self) {
        let api = &self.api;
        lock(&self.api_server).restart(|| api.ready()).unwrap_or_else(|error| panic!("{error}"));
    }

    /// The process ids, of etcd, kube-apiserver, kube-controller-manager.
    #[must_use]
    pub fn ids(&self) -> [u32; 3] {
        [lock(&self.etcd).id(), lock(&self.api_server).id(), self.controllers.id()]
    }

    /// Where everything is that it keeps: data, keys, logs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everything the three servers printed, one after the other.
    #[must_use]
    pub fn log(&self) -> String {
        [lock(&self.etcd).log(), lock(&self.api_server).log(), self.controllers.log()].concat()
    }
}

fn lock(process: &Mutex<Process>) -> MutexGuard<'_, Process> {
    process.lock().unwrap_or_else(PoisonError::into_inner)
}

/// With a pause of ten milliseconds before each.
const WAIT_TRIES: usize = 12_000;
