//! Cloudflare's API of zones and DNS records, version 4.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, json};
use crate::SimDns;
use crate::sync::lock;

/// Zones and records of one account. It keeps contents as they were written, and is one about quotes: `"a"` and `a` are the same record.
pub struct Cloudflare {
    dns: SimDns,
    held: Mutex<Held>,
}

struct Held {
    token: String,
    key: Option<(String, String)>,
    zones: BTreeMap<String, String>,
    records: BTreeMap<String, Record>,
    made: u32,
}

struct Record {
    zone: String,
    name: String,
    content: String,
    ttl: u64,
}

impl Cloudflare {
    /// An account whose one API token is `token`; texts are served in `dns`, where aliases are looked for, too.
    pub fn new(token: &str, dns: SimDns) -> Self {
        let held =
            Held { token: token.to_owned(), key: None, zones: BTreeMap::new(), records: BTreeMap::new(), made: 0 };
        Self { dns, held: Mutex::new(held) }
    }

    /// Adds a zone under an id.
    #[must_use]
    pub fn with_zone(self, name: &str, id: &str) -> Self {
        lock(&self.held).zones.insert(id.to_owned(), name.to_owned());
        self
    }

    /// Lets the owner of the account in with a global key.
    #[must_use]
    pub fn with_global_key(self, email: &str, key: &str) -> Self {
        lock(&self.held).key = Some((email.to_owned(), key.to_owned()));
        self
    }

    /// Takes `token` from now on, and no other.
    pub fn rotate(&self, token: &str) {
        token.clone_into(&mut lock(&self.held).token);
    }

    /// Deletes a zone and makes it again under another id.
    pub fn renumber(&self, old: &str, new: &str) {
        let mut held = lock(&self.held);
        if let Some(name) = held.zones.remove(old) {
            held.zones.insert(new.to_owned(), name);
        }
    }

    /// Writes a record as another tool would.
    pub fn write(&self, zone: &str, name: &str, content: &str) {
        let mut held = lock(&self.held);
        self.dns.add_txt(name, content.trim_matches('"'));
        held.insert(Record { zone: zone.to_owned(), name: name.to_owned(), content: content.to_owned(), ttl: 1 });
    }
}

impl Service for Cloudflare {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        let mut held = lock(&self.held);
        if let Some(refusal) = held.stranger(asked) {
            return refusal;
        }
        let Some(segments) = asked.segments("/client/v4") else { return refused(404, 7000, "No route for that URI") };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (asked.method.clone(), segments.as_slice()) {
            (Method::GET, ["zones"]) => held.list_zones(asked),
            (_, ["zones", zone, "dns_records", ..]) if !held.zones.contains_key(*zone) => refused(
                404,
                7003,
                "Could not route to /client/v4/zones/dns_records, perhaps your object identifier is invalid?",
            ),
            (Method::GET, ["zones", zone, "dns_records"]) => held.list(zone, asked),
            (Method::POST, ["zones", zone, "dns_records"]) => held.create(zone, asked, &self.dns),
            (Method::DELETE, ["zones", zone, "dns_records", id]) => held.delete(zone, id, &self.dns),
            _ => refused(405, 10405, "Method not allowed for this authentication scheme"),
        }
    }
}

impl Held {
    fn stranger(&self, asked: &Asked) -> Option<Response<Bytes>> {
        let bearer = asked.header("authorization");
        let key = asked.header("x-auth-key").zip(asked.header("x-auth-email"));
        match (bearer, key, &self.key) {
            (Some(bearer), None, _) => match bearer.strip_prefix("Bearer ") {
                Some(token) if token == self.token => None,
                Some(_) => Some(refused(403, 9109, "Invalid access token")),
                None => Some(refused(400, 6003, "Invalid request headers")),
            },
            (None, Some((key, email)), Some((known_email, known_key))) if key == known_key && email == known_email => {
                None
            }
            (None, Some(_), _) => Some(refused(403, 9103, "Unknown X-Auth-Key or X-Auth-Email")),
            _ => Some(refused(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")),
        }
    }

    fn list_zones(&self, asked: &Asked) -> Response<Bytes> {
        let Some(query) = asked.parameters(&["name", "per_page", "page"]) else { return invalid() };
        let Some(per_page) = page_size(&query, 50) else { return invalid() };
        let zones = self.zones.iter().filter(|(_, name)| query.get("name").is_none_or(|it| it == *name));
        let zones: Vec<Value> =
            zones.take(per_page).map(|(id, name)| json!({ "id": id, "name": name, "status": "active" })).collect();
        done(200, json!(zones))
    }

    fn list(&self, zone: &str, asked: &Asked) -> Response<Bytes> {
        let Some(query) = asked.parameters(&["type", "name", "per_page", "page"]) else { return invalid() };
        let Some(per_page) = page_size(&query, 5_000_000) else { return invalid() };
        let page: usize = query.get("page").map_or(Some(1), |it| it.parse().ok()).unwrap_or(1);
        let fits = |record: &Record| {
            record.zone == zone
                && query.get("name").is_none_or(|it| *it == record.name)
                && query.get("type").is_none_or(|it| it == "TXT")
        };
        let found = self.records.iter().filter(|(_, record)| fits(record));
        let found = found.skip((page - 1) * per_page).take(per_page).map(|(id, record)| record.show(id));
        done(200, found.collect())
    }

    fn create(&mut self, zone: &str, asked: &Asked, dns: &SimDns) -> Response<Bytes> {
        let Some(object) = asked.object(&["type", "name", "content", "ttl", "comment", "proxied"]) else {
            return refused(400, 9207, "Request body is invalid.");
        };
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (name, content) = (text("name"), text("content"));
        let apex = &self.zones[zone];
        if text("type") != "TXT" || content.is_empty() || name.ends_with('.') {
            return refused(400, 9005, "Content for TXT record is invalid.");
        }
        if name != *apex && !name.ends_with(&format!(".{apex}")) {
            return refused(400, 9000, "DNS name is invalid.");
        }
        let Some(ttl) = object.get("ttl").and_then(Value::as_u64).filter(|it| *it == 1 || (60..=86_400).contains(it))
        else {
            return refused(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.");
        };
        if dns.cname(&name).is_some() {
            return refused(400, 81054, "A CNAME record with that host already exists.");
        }
        let value = content.trim_matches('"');
        if self.records.values().any(|it| it.name == name && it.content.trim_matches('"') == value) {
            return refused(400, 81058, "An identical record already exists.");
        }
        dns.add_txt(&name, value);
        let id = self.insert(Record { zone: zone.to_owned(), name, content, ttl });
        done(200, self.records[&id].show(&id))
    }

    fn delete(&mut self, zone: &str, id: &str, dns: &SimDns) -> Response<Bytes> {
        if self.records.get(id).is_none_or(|it| it.zone != zone) {
            return refused(404, 81044, "Record does not exist.");
        }
        if let Some(record) = self.records.remove(id) {
            dns.remove_txt(&record.name, record.content.trim_matches('"'));
        }
        done(200, json!({ "id": id }))
    }

    fn insert(&mut self, record: Record) -> String {
        self.made += 1;
        let id = format!("{:032x}", self.made);
        self.records.insert(id.clone(), record);
        id
    }
}

impl Record {
    fn show(&self, id: &str) -> Value {
        json!({ "id": id, "name": self.name, "type": "TXT", "content": self.content, "ttl": self.ttl, "proxied": false })
    }
}

fn page_size(query: &BTreeMap<String, String>, most: usize) -> Option<usize> {
    let size = query.get("per_page").map_or(Some(20), |it| it.parse().ok())?;
    (5..=most).contains(&size).then_some(size)
}

fn done(status: u16, result: Value) -> Response<Bytes> {
    json(status, &json!({ "success": true, "errors": [], "messages": [], "result": result }))
}

/// A refusal as the service writes it.
pub fn refused(status: u16, code: u32, message: &str) -> Response<Bytes> {
    let errors = json!([{ "code": code, "message": message }]);
    json(status, &json!({ "success": false, "errors": errors, "messages": [], "result": null }))
}

fn invalid() -> Response<Bytes> {
    refused(400, 1004, "Query parameters are invalid.")
}
