//! Hetzner Cloud's API of zones and their record sets.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, json};
use crate::SimDns;
use crate::sync::lock;

/// One zone of one project. Changes are actions that run for a while and are answered before; texts are served at once.
pub struct Hetzner {
    token: String,
    zone: String,
    dns: SimDns,
    sets: Mutex<BTreeMap<String, (u64, Vec<String>)>>,
}

impl Hetzner {
    /// A zone that `token` opens; texts are served in `dns`.
    pub fn new(token: &str, zone: &str, dns: SimDns) -> Self {
        Self { token: token.to_owned(), zone: zone.to_owned(), dns, sets: Mutex::default() }
    }

    /// Somebody else writes a text, with a TTL of his own.
    pub fn put_beside(&self, name: &str, ttl: u64, text: &str) {
        self.dns.add_txt(name, text);
        lock(&self.sets).insert(name.to_owned(), (ttl, vec![text.to_owned()]));
    }

    fn act(&self, asked: &Asked, name: &str, action: &str) -> Response<Bytes> {
        let known: &[&str] = if action == "add_records" { &["ttl", "records"] } else { &["records"] };
        let Some((ttl, values)) = asked.object(known).and_then(|it| read(&it)) else {
            return refused(422, "invalid_input", "invalid input in field 'records'");
        };
        let mut sets = lock(&self.sets);
        let held = sets.get(name).cloned();
        match (action, held) {
            // The service's words for that are not written down.
            ("add_records", None) if self.dns.cname(name).is_some() => {
                return refused(422, "invalid_input", "there is a CNAME RRSet of this name");
            }
            ("add_records", held) => {
                let (old, mut texts) = held.unwrap_or((ttl.unwrap_or(3600), Vec::new()));
                if ttl.is_some_and(|it| it != old) {
                    return refused(422, "invalid_input", "the TTL is another one than that of the RRSet");
                }
                if values.iter().any(|it| texts.contains(it)) {
                    return refused(409, "uniqueness_error", "a record with this value is in the RRSet");
                }
                values.iter().for_each(|it| self.dns.add_txt(name, it));
                texts.extend(values);
                sets.insert(name.to_owned(), (old, texts));
            }
            ("remove_records", Some((ttl, mut texts))) if values.iter().all(|it| texts.contains(it)) => {
                values.iter().for_each(|it| self.dns.remove_txt(name, it));
                texts.retain(|it| !values.contains(it));
                if texts.is_empty() {
                    sets.remove(name);
                } else {
                    sets.insert(name.to_owned(), (ttl, texts));
                }
            }
            ("remove_records", Some(_)) => return refused(422, "invalid_input", "no such record in the RRSet"),
            _ => return refused(404, "not_found", "RRSet not found"),
        }
        json(201, &json!({ "action": running(action) }))
    }

    fn show(&self, name: &str, relative: &str) -> Response<Bytes> {
        let sets = lock(&self.sets);
        let Some((ttl, texts)) = sets.get(name) else { return refused(404, "not_found", "RRSet not found") };
        let records: Vec<Value> =
            texts.iter().map(|it| json!({ "value": format!("\"{it}\""), "comment": "" })).collect();
        let set = json!({ "id": format!("{relative}/TXT"), "name": relative, "type": "TXT", "ttl": ttl, "labels": {}, "records": records, "zone": 42 });
        json(200, &json!({ "rrset": set }))
    }
}

impl Service for Hetzner {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        if asked.header("authorization") != Some(&format!("Bearer {}", self.token)) {
            return refused(401, "unauthorized", "the provided token is invalid");
        }
        let segments = asked.segments("/v1").unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let name =
            |relative: &str| if relative == "@" { self.zone.clone() } else { format!("{relative}.{}", self.zone) };
        match (asked.method.clone(), segments.as_slice()) {
            (_, ["zones", zone, ..]) if *zone != self.zone => refused(404, "not_found", "Zone not found"),
            (Method::GET, ["zones", zone]) => {
                json(200, &json!({ "zone": { "id": 42, "name": zone, "mode": "primary" } }))
            }
            (Method::POST, ["zones", _, "rrsets", relative, "TXT", "actions", action]) => {
                self.act(asked, &name(relative), action)
            }
            (Method::GET, ["zones", _, "rrsets", relative, "TXT"]) => self.show(&name(relative), relative),
            (Method::GET, ["actions", _]) => {
                let mut action = running("add_records");
                action["status"] = json!("success");
                json(200, &json!({ "action": action }))
            }
            _ => refused(404, "not_found", "not found"),
        }
    }
}

/// TTL and texts; each text is quoted.
fn read(object: &serde_json::Map<String, Value>) -> Option<(Option<u64>, Vec<String>)> {
    let ttl = match object.get("ttl") {
        None => None,
        Some(ttl) => Some(ttl.as_u64().filter(|it| (60..=2_147_483_647).contains(it))?),
    };
    let bare = |it: &Value| Some(it.get("value")?.as_str()?.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    let values: Vec<String> = object.get("records")?.as_array()?.iter().map(bare).collect::<Option<_>>()?;
    (!values.is_empty()).then_some((ttl, values))
}

fn running(command: &str) -> Value {
    json!({ "id": 1_337, "command": command, "status": "running", "progress": 0, "started": "2026-01-02T03:04:05Z", "finished": null, "resources": [], "error": null })
}

/// A refusal as the service writes it.
pub fn refused(status: u16, code: &str, message: &str) -> Response<Bytes> {
    json(status, &json!({ "error": { "code": code, "message": message, "details": {} } }))
}
