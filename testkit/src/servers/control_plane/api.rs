//! How the administrator talks to the API server.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;

use super::identities::Identity;
use super::kubeconfig::Kubeconfig;
use crate::servers::http::{Question, Tls};

/// The API server, as its administrator sees it.
#[derive(Debug)]
pub(super) struct Api {
    address: SocketAddr,
    root_pem: String,
    administrator: Identity,
    client: Tls,
}

impl Api {
    pub(super) fn new(address: SocketAddr, root_pem: &str, administrator: Identity) -> io::Result<Self> {
        let client = Tls::identified(root_pem, &administrator.certificate_pem, &administrator.key_pem)?;
        Ok(Self { address, root_pem: root_pem.to_owned(), administrator, client })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(super) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// How a kubeconfig says that it is the administrator's.
    pub(super) fn administrator(&self) -> Value {
        Kubeconfig::certificate(&self.administrator)
    }

    pub(super) fn kubeconfig(&self, user: &Value) -> Kubeconfig {
        Kubeconfig::new(&self.url(), &self.root_pem, user)
    }

    pub(super) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<ApiAnswer> {
        let content_type = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        self.send(method, path, content_type, body)
    }

    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Option<&Value>,
    ) -> io::Result<ApiAnswer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let headers = [("Content-Type", content_type), ("Accept", "application/json")];
        let answer = self.client.ask(self.address, Question { method, path, headers: &headers, body: &body })?;
        let body = match answer.body.as_str() {
            "" => Value::Null,
            // Health is told in one word.
            body => serde_json::from_str(body).unwrap_or_else(|_| body.into()),
        };
        Ok(ApiAnswer { status: answer.status, body })
    }

    /// Whether the API server has started whole, built-in roles included.
    pub(super) fn ready(&self) -> io::Result<()> {
        self.expect_ok("/readyz")
    }

    /// Whether what the controllers make in a fresh cluster is there.
    pub(super) fn inhabited(&self) -> io::Result<()> {
        self.expect_ok("/api/v1/namespaces/default/serviceaccounts/default")
    }

    fn expect_ok(&self, path: &str) -> io::Result<()> {
        match self.call("GET", path, None)? {
            ApiAnswer { status: 200, .. } => Ok(()),
            ApiAnswer { status, body } => Err(io::Error::other(format!("{path} answered {status}: {body}"))),
        }
    }
}

/// What the API server answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ApiAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; `Null` where there is none, a string where it is not JSON.
    pub body: Value,
}

impl ApiAnswer {
    #[track_caller]
    pub(super) fn success(self, path: &str) -> Value {
        assert!((200..300).contains(&self.status), "kube-apiserver: {path} answered {}: {}", self.status, self.body);
        self.body
    }
}
