//! A DNS service in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use acme_core::DnsName;
use async_trait::async_trait;
use solvers::Error;
use solvers::dns01::{DnsProvider, TxtRecord, Zones};

/// Keeps TXT values in a table; clones share it. Ask it with [`values`](Self::values).
#[derive(Debug, Clone, Default)]
pub struct MemoryDns(Arc<Mutex<BTreeMap<DnsName, BTreeSet<String>>>>);

impl MemoryDns {
    /// An empty service.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The TXT values at `owner`, sorted.
    #[must_use]
    pub fn values(&self, owner: &DnsName) -> Vec<String> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(owner).into_iter().flatten().cloned().collect()
    }
}

#[async_trait]
impl DnsProvider for MemoryDns {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.entry(record.owner.clone()).or_default().insert(record.value.clone());
        Ok(())
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(values) = table.get_mut(&record.owner) {
            values.remove(&record.value);
            if values.is_empty() {
                table.remove(&record.owner);
            }
        }
        Ok(())
    }

    fn zones(&self) -> Zones<'_> {
        Zones::Unneeded
    }
}
