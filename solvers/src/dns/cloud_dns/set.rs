//! Record sets as Google Cloud DNS writes them.

use serde::{Deserialize, Serialize};

use crate::dns::http_api::{bare, quoted};
use crate::dns01::TxtRecord;

/// A record set, as the service wants it back to the letter.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Set {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    ttl: u64,
    rrdatas: Vec<String>,
}

/// A page of them.
#[derive(Deserialize)]
pub(super) struct Sets {
    #[serde(default)]
    pub(super) rrsets: Vec<Set>,
}

impl Set {
    /// The set that holds this value alone.
    pub(super) fn alone(record: &TxtRecord) -> Self {
        let rrdatas = vec![quoted(&record.value)];
        Self { name: format!("{}.", record.owner), kind: "TXT".to_owned(), ttl: record.ttl.as_secs(), rrdatas }
    }

    pub(super) fn holds(&self, value: &str) -> bool {
        self.rrdatas.iter().any(|it| bare(it) == value)
    }

    /// The same set with one value more.
    pub(super) fn with(&self, value: &str) -> Self {
        let mut set = self.clone();
        set.rrdatas.push(quoted(value));
        set
    }

    /// The same set without a value; `None` when it was the last one.
    pub(super) fn without(&self, value: &str) -> Option<Self> {
        let mut set = self.clone();
        set.rrdatas.retain(|it| bare(it) != value);
        (!set.rrdatas.is_empty()).then_some(set)
    }
}
