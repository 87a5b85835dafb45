//! Record sets as Azure's resource manager writes them.

use std::time::Duration;

use acme_core::DnsName;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Public and private zones are two services with two spellings.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Public,
    Private,
}

struct Words {
    zones: &'static str,
    version: &'static str,
    ttl: &'static str,
    texts: &'static str,
}

impl Kind {
    /// Where the set of `relative` lies in `zone`, below the group.
    pub(super) fn path(self, zone: &DnsName, relative: &str) -> String {
        let Words { zones, version, .. } = self.words();
        format!("{zones}/{zone}/TXT/{relative}?api-version={version}")
    }

    /// Where `zone` itself lies, below the group.
    pub(super) fn zone(self, zone: &DnsName) -> String {
        let Words { zones, version, .. } = self.words();
        format!("{zones}/{zone}?api-version={version}")
    }

    fn words(self) -> Words {
        match self {
            Self::Public => Words { zones: "dnsZones", version: "2018-05-01", ttl: "TTL", texts: "TXTRecords" },
            Self::Private => Words { zones: "privateDnsZones", version: "2024-06-01", ttl: "ttl", texts: "txtRecords" },
        }
    }
}

/// The texts of one name.
#[derive(Deserialize)]
pub(super) struct Set {
    /// Of the set that was read; a new one has none.
    pub(super) etag: Option<String>,
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(alias = "TTL")]
    ttl: u64,
    #[serde(default, rename = "txtRecords", alias = "TXTRecords")]
    texts: Vec<Text>,
    /// Labels of whoever made it.
    metadata: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct Text {
    value: Vec<String>,
}

impl Set {
    /// A set without a text, which is none yet.
    pub(super) fn new(ttl: Duration) -> Self {
        Self { etag: None, properties: Properties { ttl: ttl.as_secs().max(1), texts: Vec::new(), metadata: None } }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.properties.texts.is_empty()
    }

    pub(super) fn holds(&self, value: &str) -> bool {
        self.properties.texts.iter().any(|it| it.value.concat() == value)
    }

    pub(super) fn add(&mut self, value: &str) {
        self.properties.texts.push(Text { value: vec![value.to_owned()] });
    }

    pub(super) fn remove(&mut self, value: &str) {
        self.properties.texts.retain(|it| it.value.concat() != value);
    }

    /// What is written.
    pub(super) fn body(&self, kind: Kind) -> Value {
        let Words { ttl, texts, .. } = kind.words();
        let mut body = json!({ "properties": { ttl: self.properties.ttl, texts: self.properties.texts } });
        if let Some(metadata) = &self.properties.metadata {
            body["properties"]["metadata"] = metadata.clone();
        }
        body
    }

    /// It is written only where it still is what was read, or where there still is none.
    pub(super) fn guard(&self) -> (HeaderName, &str) {
        self.etag.as_deref().map_or((IF_NONE_MATCH, "*"), |etag| (IF_MATCH, etag))
    }
}
