//! DigitalOcean's API of domain records, version 2.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, empty, json};
use crate::SimDns;
use crate::sync::lock;

/// The domains of one account. It takes the same text twice, as two records.
pub struct DigitalOcean {
    token: String,
    dns: SimDns,
    domains: BTreeSet<String>,
    records: Mutex<BTreeMap<u64, Record>>,
}

struct Record {
    domain: String,
    name: String,
    data: String,
    ttl: u64,
}

impl DigitalOcean {
    /// An account that `token` opens, with its domains; texts are served in `dns`.
    pub fn new(token: &str, domains: &[&str], dns: SimDns) -> Self {
        let domains = domains.iter().map(|it| (*it).to_owned()).collect();
        Self { token: token.to_owned(), dns, domains, records: Mutex::default() }
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        lock(&self.records).len()
    }

    /// Writes a record as another client would.
    pub fn write(&self, domain: &str, name: &str, data: &str) {
        let record = Record { domain: domain.to_owned(), name: name.to_owned(), data: data.to_owned(), ttl: 1800 };
        self.insert(record);
    }

    fn insert(&self, record: Record) -> u64 {
        let mut records = lock(&self.records);
        self.dns.add_txt(&record.name, &record.data);
        let id = records.last_key_value().map_or(3_352_892, |(id, _)| id + 1);
        records.insert(id, record);
        id
    }

    fn list(&self, domain: &str, asked: &Asked) -> Response<Bytes> {
        let number = |query: &BTreeMap<String, String>, name: &str, default: usize| {
            query.get(name).map_or(Some(default), |it| it.parse().ok())
        };
        let query = asked.parameters(&["type", "name", "per_page", "page"]);
        let sizes = query.as_ref().and_then(|it| number(it, "per_page", 20).zip(number(it, "page", 1)));
        let (Some(query), Some((per_page @ 1..=200, page @ 1..))) = (query, sizes) else {
            return refused(422, "unprocessable_entity", "A parameter is invalid.");
        };
        let records = lock(&self.records);
        let found: Vec<Value> = records
            .iter()
            .filter(|(_, it)| it.domain == domain)
            .filter(|(_, it)| query.get("name").is_none_or(|name| *name == it.name))
            .map(|(id, it)| it.show(*id))
            .collect();
        let total = found.len();
        let shown: Vec<Value> = found.into_iter().skip((page - 1) * per_page).take(per_page).collect();
        let pages = if page * per_page < total { json!({ "next": "…" }) } else { json!({}) };
        json(200, &json!({ "domain_records": shown, "links": { "pages": pages }, "meta": { "total": total } }))
    }

    fn create(&self, domain: &str, asked: &Asked) -> Response<Bytes> {
        let known = ["type", "name", "data", "priority", "port", "ttl", "weight", "flags", "tag"];
        let object = asked.object(&known).filter(|it| it.get("type").and_then(Value::as_str) == Some("TXT"));
        let Some(object) = object else { return refused(422, "unprocessable_entity", "Type is invalid.") };
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = text("name");
        // A name with a final dot is a full one, any other lies in the zone.
        let full = match name.strip_suffix('.') {
            Some(full) => full.to_owned(),
            None if name == "@" => domain.to_owned(),
            None => format!("{name}.{domain}"),
        };
        let ttl = object.get("ttl").map_or(Some(1800), Value::as_u64).filter(|it| *it >= 30);
        let (Some(ttl), true) = (ttl, full == domain || full.ends_with(&format!(".{domain}"))) else {
            return refused(422, "unprocessable_entity", "Name or TTL is invalid.");
        };
        if self.dns.cname(&full).is_some() {
            return refused(422, "unprocessable_entity", "CNAME records cannot share a name with other records");
        }
        let data = text("data");
        if data.is_empty() || data.contains('"') {
            return refused(422, "unprocessable_entity", "Data needs to be text without quotes.");
        }
        let id = self.insert(Record { domain: domain.to_owned(), name: full, data: data.to_owned(), ttl });
        json(201, &json!({ "domain_record": lock(&self.records)[&id].show(id) }))
    }

    fn delete(&self, domain: &str, id: &str) -> Response<Bytes> {
        let mut records = lock(&self.records);
        let id = id.parse().ok().filter(|id| records.get(id).is_some_and(|it: &Record| it.domain == domain));
        let Some(record) = id.and_then(|id| records.remove(&id)) else { return missing() };
        if !records.values().any(|it| it.name == record.name && it.data == record.data) {
            self.dns.remove_txt(&record.name, &record.data);
        }
        empty(204)
    }
}

impl Service for DigitalOcean {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        if asked.header("authorization") != Some(&format!("Bearer {}", self.token)) {
            return refused(401, "unauthorized", "Unable to authenticate you");
        }
        let Some(segments) = asked.segments("/v2") else { return missing() };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (asked.method.clone(), segments.as_slice()) {
            (_, ["domains", domain, "records", ..]) if !self.domains.contains(*domain) => missing(),
            (Method::GET, ["domains", domain, "records"]) => self.list(domain, asked),
            (Method::POST, ["domains", domain, "records"]) => self.create(domain, asked),
            (Method::DELETE, ["domains", domain, "records", id]) => self.delete(domain, id),
            _ => missing(),
        }
    }
}

impl Record {
    fn show(&self, id: u64) -> Value {
        let relative = self.name.strip_suffix(&self.domain).unwrap_or(&self.name).trim_end_matches('.');
        let relative = if relative.is_empty() { "@" } else { relative };
        json!({ "id": id, "type": "TXT", "name": relative, "data": self.data, "priority": null, "port": null, "ttl": self.ttl, "weight": null, "flags": null, "tag": null })
    }
}

fn missing() -> Response<Bytes> {
    refused(404, "not_found", "The resource you were accessing could not be found.")
}

/// A refusal as the service writes it.
pub fn refused(status: u16, id: &str, message: &str) -> Response<Bytes> {
    json(status, &json!({ "id": id, "message": message, "request_id": "4d9d8375-3c56-4925-a3e7-eb137fed17e9" }))
}
