//! Linode's API of domains and their records, version 4.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, json};
use crate::SimDns;
use crate::sync::lock;

/// One domain of one account. It takes the same text twice, as two records.
pub struct Linode {
    token: String,
    domain: String,
    dns: SimDns,
    records: Mutex<BTreeMap<u64, (String, String)>>,
}

impl Linode {
    /// A domain that `token` opens; texts are served in `dns`.
    pub fn new(token: &str, domain: &str, dns: SimDns) -> Self {
        Self { token: token.to_owned(), domain: domain.to_owned(), dns, records: Mutex::default() }
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        lock(&self.records).len()
    }

    /// Writes a record as another client would.
    pub fn write(&self, relative: &str, text: &str) -> u64 {
        let mut records = lock(&self.records);
        let id = records.last_key_value().map_or(28_536, |(id, _)| id + 1);
        self.dns.add_txt(&self.name(relative), text);
        records.insert(id, (relative.to_owned(), text.to_owned()));
        id
    }

    fn name(&self, relative: &str) -> String {
        if relative.is_empty() { self.domain.clone() } else { format!("{relative}.{}", self.domain) }
    }

    fn domains(&self, asked: &Asked) -> Response<Bytes> {
        let Some(filter) = filter(asked, &["domain"]) else { return refused(400, "Cannot filter on that field") };
        let is_it = filter.get("domain").is_none_or(|it| *it == json!(self.domain));
        let domains: Vec<Value> = is_it
            .then(|| json!({ "id": DOMAIN, "domain": self.domain, "type": "master", "status": "active" }))
            .into_iter()
            .collect();
        page(asked, &domains)
    }

    fn list(&self, asked: &Asked) -> Response<Bytes> {
        match filter(asked, &["type"]) {
            Some(filter) if filter.get("type").is_none_or(|it| it == "TXT") => {
                let records = lock(&self.records);
                let shown: Vec<Value> = records.iter().map(|(id, (name, text))| show(*id, name, text)).collect();
                page(asked, &shown)
            }
            _ => refused(400, "Cannot filter on that field"),
        }
    }

    fn create(&self, asked: &Asked) -> Response<Bytes> {
        let known = ["type", "name", "target", "priority", "weight", "port", "service", "protocol", "ttl_sec", "tag"];
        let Some(object) = asked.object(&known) else { return refused(400, "Invalid JSON") };
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        let ttl = object.get("ttl_sec").and_then(Value::as_u64).unwrap_or_default();
        let target = text("target");
        if text("type") != "TXT" || target.is_empty() || target.contains('"') || ![0, 300, 3600, 7200].contains(&ttl) {
            return refused(400, "Invalid record");
        }
        // A whole name is taken for a relative one where it ends with the domain.
        let name = text("name");
        let name = name.strip_suffix(&self.domain).map_or(name, |it| it.trim_end_matches('.'));
        if self.dns.cname(&self.name(name)).is_some() {
            return refused(400, "Record conflict - CNAMES must be unique");
        }
        let id = self.write(name, target);
        json(200, &show(id, name, target))
    }

    fn delete(&self, id: &str) -> Response<Bytes> {
        let mut records = lock(&self.records);
        let Some(record) = id.parse().ok().and_then(|id: u64| records.remove(&id)) else {
            return refused(404, "Not found");
        };
        if !records.values().any(|it| *it == record) {
            self.dns.remove_txt(&self.name(&record.0), &record.1);
        }
        json(200, &json!({}))
    }
}

impl Service for Linode {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        if asked.header("authorization") != Some(&format!("Bearer {}", self.token)) {
            return refused(401, "Invalid Token");
        }
        let segments = asked.segments("/v4").unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let domain = DOMAIN.to_string();
        match (asked.method.clone(), segments.as_slice()) {
            (Method::GET, ["domains"]) => self.domains(asked),
            (_, ["domains", id, ..]) if *id != domain => refused(404, "Not found"),
            (Method::GET, ["domains", _, "records"]) => self.list(asked),
            (Method::POST, ["domains", _, "records"]) => self.create(asked),
            (Method::DELETE, ["domains", _, "records", id]) => self.delete(id),
            _ => refused(404, "Not found"),
        }
    }
}

/// The filter of a list, where it is one of `known` fields alone.
fn filter(asked: &Asked, known: &[&str]) -> Option<serde_json::Map<String, Value>> {
    let text = asked.header("x-filter").unwrap_or("{}");
    let Value::Object(filter) = serde_json::from_str(text).ok()? else { return None };
    filter.keys().all(|it| known.contains(&it.as_str())).then_some(filter)
}

fn page(asked: &Asked, all: &[Value]) -> Response<Bytes> {
    let Some(query) = asked.parameters(&["page", "page_size"]) else { return refused(400, "a parameter is not known") };
    let number = |name: &str, default: usize| query.get(name).map_or(Some(default), |it| it.parse().ok());
    let (Some(size @ 25..=500), Some(page @ 1..)) = (number("page_size", 100), number("page", 1)) else {
        return refused(400, "page_size must be between 25 and 500");
    };
    let data: Vec<&Value> = all.iter().skip((page - 1) * size).take(size).collect();
    json(200, &json!({ "data": data, "page": page, "pages": all.len().div_ceil(size).max(1), "results": all.len() }))
}

fn show(id: u64, name: &str, text: &str) -> Value {
    json!({ "id": id, "type": "TXT", "name": name, "target": text, "priority": 0, "weight": 0, "port": 0, "service": null, "protocol": null, "ttl_sec": 300, "tag": null, "created": "2026-01-02T03:04:05", "updated": "2026-01-02T03:04:05" })
}

/// A refusal as the service writes it.
pub fn refused(status: u16, reason: &str) -> Response<Bytes> {
    json(status, &json!({ "errors": [{ "reason": reason }] }))
}

const DOMAIN: u64 = 1_234;
