//! A request to the API server, as the proxy and RBAC see it.

use std::fmt;

use http::{Method, Uri};

/// What is asked of the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which write this is in the life of the proxy, from 1 on; `None` for reads and questions.
    pub write: Option<usize>,
    /// What is done.
    pub verb: Verb,
    /// The resource in the plural, with its subresource: `certificates/status`.
    pub resource: String,
    /// The namespace, where there is one.
    pub namespace: Option<String>,
    /// The object; the body of a POST names it, so there it is empty.
    pub name: String,
    /// The field manager of a write.
    pub manager: Option<String>,
    /// A watch, or a list that is streamed as one.
    pub watches: bool,
    /// A list that is streamed as a watch.
    pub streams: bool,
}

/// What is done, in RBAC's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Patch,
    Delete,
    /// PUT, which nothing of ours ever sends.
    Update,
}

impl Call {
    /// Reads method and path.
    pub fn read(method: &Method, uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let of = |name: &str| query.split('&').find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
        let mut parts = uri.path().split('/').filter(|it| !it.is_empty());
        // "/api/v1/…" and "/apis/GROUP/VERSION/…".
        let depth = if parts.next() == Some("apis") { 2 } else { 1 };
        let mut parts: Vec<&str> = parts.skip(depth).collect();
        let namespace = match parts.as_slice() {
            ["namespaces", namespace, _, ..] => Some((*namespace).to_owned()),
            _ => None,
        };
        if namespace.is_some() {
            parts.drain(..2);
        }
        let name = parts.get(1).copied().unwrap_or_default().to_owned();
        let watches = of("watch").is_some_and(|it| it != "false");
        let verb = match method.as_str() {
            "POST" => Verb::Create,
            "PATCH" => Verb::Patch,
            "DELETE" => Verb::Delete,
            "PUT" => Verb::Update,
            _ if watches => Verb::Watch,
            _ if name.is_empty() => Verb::List,
            _ => Verb::Get,
        };
        let kind = parts.first().copied().unwrap_or_default();
        let resource = match parts.get(2) {
            Some(subresource) => format!("{kind}/{subresource}"),
            None => kind.to_owned(),
        };
        Self {
            write: None,
            verb,
            resource,
            namespace,
            name,
            manager: of("fieldManager").map(str::to_owned),
            watches,
            streams: of("sendInitialEvents") == Some("true"),
        }
    }

    /// Does it change what is stored? Questions that are POSTed (reviews, tokens) do not.
    pub fn writes(&self) -> bool {
        let asks = self.resource.ends_with("reviews") || self.resource.ends_with("/token");
        matches!(self.verb, Verb::Create | Verb::Patch | Verb::Delete | Verb::Update) && !asks
    }

    /// Is it a write of the ledger? Events and Leases are counted apart.
    pub fn counts(&self) -> bool {
        self.writes() && !matches!(self.resource.as_str(), "events" | "leases")
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Update => "update",
        })
    }
}
