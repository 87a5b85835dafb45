//! What Vultr answers.

use acme_core::DnsName;
use serde::Deserialize;

use crate::dns::http_api::bare;

#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) records: Vec<Record>,
    #[serde(default)]
    pub(super) meta: Meta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    pub(super) links: Links,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Links {
    pub(super) next: String,
}

#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) record: Record,
}

#[derive(Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) data: String,
    #[serde(default)]
    pub(super) ttl: u64,
}

impl Record {
    /// Names in answers are relative to the zone, and empty at its apex.
    pub(super) fn owner_in(&self, zone: &DnsName) -> Option<DnsName> {
        let owner = if self.name.is_empty() { zone.to_string() } else { format!("{}.{zone}", self.name) };
        DnsName::parse(&owner).ok()
    }

    /// The text without the quotes in which it is written.
    pub(super) fn text(&self) -> &str {
        bare(&self.data)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Complaint {
    pub(super) error: String,
}
