//! What Vultr answers.

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
