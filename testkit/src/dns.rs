//! The domain name system as a table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// Zones and their records in memory; copies share one table.
///
/// Names are taken in any case, with or without the final dot. Use it as what the model CA asks, and as where a DNS-01 solver's provider writes.
#[derive(Clone, Default)]
pub struct SimDns(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    zones: BTreeMap<String, Vec<String>>,
    txt: BTreeMap<String, Vec<String>>,
    cname: BTreeMap<String, String>,
    failing: BTreeSet<String>,
    changes: u64,
    lookups: u64,
}

/// A record that [`SimDns::records`] shows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DnsRecord {
    /// The apex of a zone.
    Soa,
    /// A name server of a zone.
    Ns(String),
    /// A text.
    Txt(String),
    /// Another name for this name.
    Cname(String),
}

impl SimDns {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a zone served by `name_servers`.
    pub fn add_zone(&self, apex: &str, name_servers: &[&str]) {
        let servers = name_servers.iter().map(|it| normal(it)).collect();
        lock(&self.0).zones.insert(normal(apex), servers);
    }

    /// The apex of the zone that holds `name`: the closest one above it.
    pub fn zone_of(&self, name: &str) -> Option<String> {
        let table = lock(&self.0);
        let name = normal(name);
        let mut rest = name.as_str();
        loop {
            if table.zones.contains_key(rest) {
                return Some(rest.to_owned());
            }
            rest = rest.split_once('.')?.1;
        }
    }

    /// The name servers of the zone at `apex`; empty when there is no such zone.
    pub fn name_servers(&self, apex: &str) -> Vec<String> {
        lock(&self.0).zones.get(&normal(apex)).cloned().unwrap_or_default()
    }

    /// Adds one text to those at `name`; a text that is there already stays once.
    pub fn add_txt(&self, name: &str, value: &str) {
        let mut table = lock(&self.0);
        table.changes += 1;
        let values = table.txt.entry(normal(name)).or_default();
        if !values.iter().any(|it| it == value) {
            values.push(value.to_owned());
        }
    }

    /// Removes one text at `name`; others stay.
    pub fn remove_txt(&self, name: &str, value: &str) {
        let mut table = lock(&self.0);
        table.changes += 1;
        let name = normal(name);
        if let Some(values) = table.txt.get_mut(&name) {
            values.retain(|it| it != value);
            if values.is_empty() {
                table.txt.remove(&name);
            }
        }
    }

    /// Makes `name` another name for `target`.
    pub fn add_cname(&self, name: &str, target: &str) {
        lock(&self.0).cname.insert(normal(name), normal(target));
    }

    /// Takes the other name at `name` away.
    pub fn remove_cname(&self, name: &str) {
        lock(&self.0).cname.remove(&normal(name));
    }

    /// The target of the other name at `name`.
    pub fn cname(&self, name: &str) -> Option<String> {
        lock(&self.0).cname.get(&normal(name)).cloned()
    }

    /// Makes every lookup at `name` fail, as SERVFAIL does, until [`heal`](Self::heal).
    pub fn fail(&self, name: &str) {
        lock(&self.0).failing.insert(normal(name));
    }

    /// Ends what [`fail`](Self::fail) began.
    pub fn heal(&self, name: &str) {
        lock(&self.0).failing.remove(&normal(name));
    }

    /// The texts at `name`, other names followed; `None` when a lookup on the way fails or the other names go in a circle.
    pub fn lookup_txt(&self, name: &str) -> Option<Vec<String>> {
        let mut table = lock(&self.0);
        let mut name = normal(name);
        for _ in 0..CNAMES {
            table.lookups += 1;
            if table.failing.contains(&name) {
                return None;
            }
            match table.cname.get(&name) {
                Some(target) => name = target.clone(),
                None => return Some(table.txt.get(&name).cloned().unwrap_or_default()),
            }
        }
        None
    }

    /// What stands at `name` itself, other names not followed.
    pub fn records(&self, name: &str) -> Vec<DnsRecord> {
        let table = lock(&self.0);
        let name = normal(name);
        let mut records = Vec::new();
        if let Some(servers) = table.zones.get(&name) {
            records.push(DnsRecord::Soa);
            records.extend(servers.iter().cloned().map(DnsRecord::Ns));
        }
        if let Some(target) = table.cname.get(&name) {
            records.push(DnsRecord::Cname(target.clone()));
        }
        if let Some(values) = table.txt.get(&name) {
            records.extend(values.iter().cloned().map(DnsRecord::Txt));
        }
        records
    }

    /// Every name that holds texts: what a test finds left over.
    pub fn names_with_txt(&self) -> Vec<String> {
        lock(&self.0).txt.keys().cloned().collect()
    }

    /// How often texts were added or removed.
    pub fn changes(&self) -> u64 {
        lock(&self.0).changes
    }

    /// How many names were looked up.
    pub fn lookups(&self) -> u64 {
        lock(&self.0).lookups
    }
}

fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

const CNAMES: usize = 8;
