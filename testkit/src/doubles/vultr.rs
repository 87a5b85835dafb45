//! Vultr's API of domains and their records, version 2.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, empty, json};
use crate::SimDns;
use crate::sync::lock;

/// One domain of one account. It takes the same text twice, as two records.
pub struct Vultr {
    key: String,
    domain: String,
    dns: SimDns,
    records: Mutex<BTreeMap<String, (String, String, u64)>>,
}

impl Vultr {
    /// A domain that the API key `key` opens; texts are served in `dns`.
    pub fn new(key: &str, domain: &str, dns: SimDns) -> Self {
        Self { key: key.to_owned(), domain: domain.to_owned(), dns, records: Mutex::default() }
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        lock(&self.records).len()
    }

    /// Writes a record as another client would, with a TTL in seconds.
    pub fn write(&self, relative: &str, text: &str, ttl: u64) -> String {
        let mut records = lock(&self.records);
        let number = records.last_key_value().map_or(0, |(id, _)| number_of(id) + 1);
        let id = format!("cb676a46-66fd-4dfb-b839-{number:012}");
        self.dns.add_txt(&self.name(relative), text);
        records.insert(id.clone(), (relative.to_owned(), text.to_owned(), ttl));
        id
    }

    fn name(&self, relative: &str) -> String {
        if relative.is_empty() { self.domain.clone() } else { format!("{relative}.{}", self.domain) }
    }

    fn list(&self, asked: &Asked) -> Response<Bytes> {
        let mut all =
            vec![json!({ "id": "a", "type": "NS", "name": "", "data": "ns1.vultr.com", "priority": 0, "ttl": 300 })];
        all.extend(lock(&self.records).iter().map(|(id, (name, text, ttl))| show(id, name, text, *ttl)));
        page(asked, "records", &all)
    }

    fn create(&self, asked: &Asked) -> Response<Bytes> {
        let known = ["type", "name", "data", "ttl", "priority"];
        let Some(object) = asked.object(&known) else { return refused(400, "Invalid JSON") };
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let (Some("TXT"), Some(name), Some(data)) = (text("type"), text("name"), text("data")) else {
            return refused(400, "Invalid record");
        };
        // Text stands in quotes, and a name without its domain.
        let data = data.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        let Some(data) = data.filter(|it| !it.is_empty() && !it.contains('"')) else {
            return refused(400, "Invalid data");
        };
        if name.ends_with('.') || name == self.domain || name.ends_with(&format!(".{}", self.domain)) {
            return refused(400, "Invalid name");
        }
        // The service's words for that are not written down.
        if self.dns.cname(&self.name(name)).is_some() {
            return refused(400, "Unable to add record: there is a CNAME of this name");
        }
        let ttl = object.get("ttl").map_or(Some(300), Value::as_u64);
        let Some(ttl @ 120..) = ttl else { return refused(400, "Invalid TTL") };
        if lock(&self.records).values().any(|it| it.0 == name && it.2 != ttl) {
            return refused(400, "A record of this name has another TTL");
        }
        let id = self.write(name, data, ttl);
        json(201, &json!({ "record": show(&id, name, data, ttl) }))
    }

    fn delete(&self, id: &str) -> Response<Bytes> {
        let mut records = lock(&self.records);
        let Some(record) = records.remove(id) else { return refused(404, "Invalid record") };
        if !records.values().any(|it| (&it.0, &it.1) == (&record.0, &record.1)) {
            self.dns.remove_txt(&self.name(&record.0), &record.1);
        }
        empty(204)
    }
}

impl Service for Vultr {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        if asked.header("authorization") != Some(&format!("Bearer {}", self.key)) {
            return refused(401, "Invalid API token.");
        }
        let segments = asked.segments("/v2").unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (asked.method.clone(), segments.as_slice()) {
            (Method::GET, ["domains"]) => {
                let domain = json!({ "domain": self.domain, "date_created": "2026-01-02T03:04:05+00:00", "dns_sec": "disabled" });
                page(asked, "domains", &[domain])
            }
            (_, ["domains", domain, ..]) if *domain != self.domain => refused(404, "Invalid domain"),
            (Method::GET, ["domains", _, "records"]) => self.list(asked),
            (Method::POST, ["domains", _, "records"]) => self.create(asked),
            (Method::DELETE, ["domains", _, "records", id]) => self.delete(id),
            _ => refused(404, "Invalid resource"),
        }
    }
}

/// One page; a cursor says where the next one begins.
fn page(asked: &Asked, what: &str, all: &[Value]) -> Response<Bytes> {
    let query = asked.parameters(&["per_page", "cursor"]);
    let sizes = query.and_then(|query| {
        let per_page = query.get("per_page").map_or(Some(100), |it| it.parse().ok())?;
        let start = match query.get("cursor").map_or("", String::as_str) {
            "" => 0,
            cursor => cursor.strip_prefix("next:")?.parse().ok()?,
        };
        Some((per_page, start))
    });
    let Some((per_page @ 1..=500, start)) = sizes else { return refused(400, "Invalid cursor or per_page") };
    let shown: Vec<&Value> = all.iter().skip(start).take(per_page).collect();
    let next = if start + per_page < all.len() { format!("next:{}", start + per_page) } else { String::new() };
    json(200, &json!({ what: shown, "meta": { "total": all.len(), "links": { "next": next, "prev": "" } } }))
}

fn show(id: &str, name: &str, text: &str, ttl: u64) -> Value {
    json!({ "id": id, "type": "TXT", "name": name, "data": format!("\"{text}\""), "priority": 0, "ttl": ttl })
}

fn number_of(id: &str) -> u64 {
    id.rsplit('-').next().and_then(|it| it.parse().ok()).unwrap_or_default()
}

/// A refusal as the service writes it.
pub fn refused(status: u16, error: &str) -> Response<Bytes> {
    json(status, &json!({ "error": error, "status": status }))
}
