//! How a controller of a test behaves: what its settings are made from, and a text that tells a process of its own.

use std::net::SocketAddr;
use std::time::Duration;

use certwright_kube_adapter::Settings;
use serde::{Deserialize, Serialize};

/// How a controller behaves, where that is not as usual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    /// The namespace that it looks after.
    pub namespace: String,
    /// Whether it approves requests itself.
    pub approver: bool,
    /// The name server that shows what DNS-01 left.
    pub name_server: Option<SocketAddr>,
    /// After what time it tells people what it waits for.
    pub visible_after: Duration,
    /// Under which name it stands for election; `None` acts without one.
    pub candidate: Option<String>,
}

impl Manner {
    /// As usual, in one namespace.
    pub fn new(namespace: &str) -> Self {
        let visible_after = Settings::default().visible_after;
        Self { namespace: namespace.to_owned(), approver: true, name_server: None, visible_after, candidate: None }
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.namespaces = Some(vec![self.namespace.clone()]);
        settings.approver = self.approver;
        settings.visible_after = self.visible_after;
        if let Some(server) = self.name_server {
            settings.acme.dns01_nameservers = vec![server.to_string()];
            settings.acme.dns01_recursive_only = true;
            settings.check_again_after = Duration::from_millis(100);
        }
        settings
    }
}
