//! HashiCorp Vault, for issuing certificates and logging in.

mod builder;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

pub use builder::VaultBuilder;

use super::http::{Question, Tls, ask};
use super::process::{Process, accepts, text};

/// A running Vault, initialised and unsealed, stopped when dropped; everything it holds is in memory.
///
/// Make one with [`Vault::builder`], and set it up over its own API with [`write`](Self::write) and [`read`](Self::read). It has the secrets
/// engine `pki`, the login methods `approle`, `aws`, `cert`, `jwt` and `kubernetes`, and nothing is mounted at first.
#[derive(Debug)]
pub struct Vault {
    process: Process,
    address: SocketAddr,
    tls: Option<Endpoint>,
    root_token: String,
    unseal_key: String,
    audit: PathBuf,
    // Last, so that the process is gone before its files.
    _folder: TempDir,
}

#[derive(Debug)]
struct Endpoint {
    client: Tls,
    root_pem: String,
}

impl Vault {
    /// Chooses what differs from a Vault on plain HTTP.
    #[must_use]
    pub fn builder() -> VaultBuilder {
        VaultBuilder::default()
    }

    /// Starts one with the defaults of [`VaultBuilder`].
    ///
    /// # Panics
    ///
    /// As [`VaultBuilder::start`].
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// The base URL, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The root, in PEM, that a client must trust; `None` on plain HTTP.
    #[must_use]
    pub fn root_pem(&self) -> Option<&str> {
        self.tls.as_ref().map(|tls| tls.root_pem.as_str())
    }

    /// The token that may do everything.
    #[must_use]
    pub fn root_token(&self) -> &str {
        &self.root_token
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Writes `value` at `path`, such as `sys/mounts/pki`, and answers what came back; `Null` for an answer without a body.
    ///
    /// # Panics
    ///
    /// When Vault refuses, or does not answer.
    #[track_caller]
    pub fn write(&self, path: &str, value: &Value) -> Value {
        self.call("POST", path, Some(value)).success(path)
    }

    /// Reads what is at `path`.
    ///
    /// # Panics
    ///
    /// When Vault refuses, or does not answer.
    #[must_use]
    #[track_caller]
    pub fn read(&self, path: &str) -> Value {
        self.call("GET", path, None).success(path)
    }

    /// One call with the root token, whatever it ends in.
    ///
    /// # Panics
    ///
    /// When Vault does not answer, or not in JSON.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> VaultAnswer {
        let path = format!("/v1/{path}");
        let body = body.map(Value::to_string).unwrap_or_default();
        let headers = [("X-Vault-Token", self.root_token.as_str())];
        let question = Question { method, path: &path, headers: &headers, body: &body };
        let answer = match &self.tls {
            Some(tls) => tls.client.ask(self.address, question),
            None => ask(self.address, question),
        };
        let answer = answer.unwrap_or_else(|error| panic!("vault: {method} {path}: {error}"));
        let body = match answer.body.as_str() {
            "" => Value::Null,
            body => serde_json::from_str(body).unwrap_or_else(|error| panic!("vault: {path}: {error} in {body}")),
        };
        VaultAnswer { status: answer.status, body }
    }

    /// Makes a policy of that name, in Vault's own language (HCL or JSON).
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write).
    #[track_caller]
    pub fn policy(&self, name: &str, rules: &str) {
        self.write(&format!("sys/policies/acl/{name}"), &json!({ "policy": rules }));
    }

    /// Seals it: it answers 503 to everything, until [`unseal`](Self::unseal).
    ///
    /// # Panics
    ///
    /// When it does not answer.
    #[track_caller]
    pub fn seal(&self) {
        self.write("sys/seal", &json!({}));
    }

    /// Unseals it with its one key share.
    ///
    /// # Panics
    ///
    /// When it does not answer, or stays sealed.
    #[track_caller]
    pub fn unseal(&self) {
        let status = self.write("sys/unseal", &json!({ "key": self.unseal_key }));
        assert_eq!(status["sealed"], json!(false), "{status}");
    }

    /// What clients asked, oldest first, without what the root token did; from Vault's audit log.
    ///
    /// It is complete for every answer that has arrived. Requests to a sealed Vault, and those for its health, are not audited.
    #[must_use]
    pub fn requests(&self) -> Vec<VaultRequest> {
        text(&self.audit).lines().filter_map(VaultRequest::from_line).collect()
    }

    /// Everything the server printed.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Stops the server before it is dropped: connections are refused from now on.
    pub fn stop(&mut self) {
        self.process.stop();
    }
}

/// What Vault answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VaultAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; `Null` where there is none.
    pub body: Value,
}

impl VaultAnswer {
    #[track_caller]
    fn success(self, path: &str) -> Value {
        assert!((200..300).contains(&self.status), "vault: {path} answered {}: {}", self.status, self.body);
        self.body
    }
}

/// A request in Vault's audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VaultRequest {
    /// Vault's word for what is done: `update`, `read`, `list`, …
    pub operation: String,
    /// The path, without `v1/`.
    pub path: String,
    /// What Vault said against it; `None` for a request that went through.
    pub error: Option<String>,
}

impl VaultRequest {
    fn from_line(line: &str) -> Option<Self> {
        let entry: Value = serde_json::from_str(line).ok()?;
        let word = |value: &Value| value.as_str().map(str::to_owned);
        let is_root = entry["auth"]["policies"].as_array().is_some_and(|policies| policies.contains(&json!("root")));
        if entry["type"] != "response" || is_root {
            return None;
        }
        let request = &entry["request"];
        Some(Self {
            operation: word(&request["operation"])?,
            path: word(&request["path"])?,
            error: word(&entry["error"]),
        })
    }
}

fn ready(address: SocketAddr, secrets: &Path) -> io::Result<()> {
    // The port is open a moment before the file is whole.
    serde_json::from_slice::<Value>(&std::fs::read(secrets)?)?;
    accepts(address)
}
