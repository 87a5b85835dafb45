//! deSEC's API of domains and their record sets.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, empty, json};
use crate::SimDns;
use crate::sync::lock;

/// One domain of one account.
pub struct Desec {
    token: String,
    domain: String,
    dns: SimDns,
    sets: Mutex<BTreeMap<String, (u64, Vec<String>)>>,
}

impl Desec {
    /// A domain that `token` opens; texts are served in `dns`.
    pub fn new(token: &str, domain: &str, dns: SimDns) -> Self {
        Self { token: token.to_owned(), domain: domain.to_owned(), dns, sets: Mutex::default() }
    }

    /// Somebody else writes a set.
    pub fn put_beside(&self, name: &str, ttl: u64, text: &str) {
        self.dns.add_txt(name, text);
        lock(&self.sets).insert(name.to_owned(), (ttl, vec![text.to_owned()]));
    }

    fn create(&self, asked: &Asked) -> Response<Bytes> {
        // The client that lego has names the domain, too.
        let Some(object) = asked.object(&["domain", "subname", "type", "ttl", "records"]) else {
            return missing_field();
        };
        let subname = object.get("subname").and_then(Value::as_str).unwrap_or_default();
        let ttl = object.get("ttl").and_then(Value::as_u64).unwrap_or_default();
        if ttl < 3600 {
            return refused(400, &json!({ "ttl": ["Ensure this value is greater than or equal to 3600."] }));
        }
        let Some(texts) = texts(object.get("records")).filter(|it| !it.is_empty()) else { return missing_field() };
        if object.get("type").and_then(Value::as_str) != Some("TXT") || subname == "@" || subname.ends_with('.') {
            return missing_field();
        }
        let name = self.name(subname);
        if self.dns.cname(&name).is_some() {
            let what =
                "RRset with conflicting type present: database (CNAME). (No other RRsets are allowed alongside CNAME.)";
            return refused(400, &json!({ "non_field_errors": [what] }));
        }
        let mut sets = lock(&self.sets);
        if sets.contains_key(&name) {
            let what = "Another RRset with the same subdomain and type exists for this domain.";
            return refused(400, &json!({ "non_field_errors": [what] }));
        }
        texts.iter().for_each(|it| self.dns.add_txt(&name, it));
        sets.insert(name, (ttl, texts.clone()));
        json(201, &self.show(subname, ttl, &texts))
    }

    fn set(&self, asked: &Asked, subname: &str) -> Response<Bytes> {
        let subname = if subname == "@" { "" } else { subname };
        let name = self.name(subname);
        let mut sets = lock(&self.sets);
        let Some((ttl, held)) = sets.get(&name).cloned() else { return not_found() };
        match asked.method {
            Method::GET => json(200, &self.show(subname, ttl, &held)),
            Method::PATCH => {
                let Some(wanted) = asked.object(&["records"]).and_then(|it| texts(it.get("records"))) else {
                    return missing_field();
                };
                held.iter().for_each(|it| self.dns.remove_txt(&name, it));
                wanted.iter().for_each(|it| self.dns.add_txt(&name, it));
                if wanted.is_empty() {
                    sets.remove(&name);
                    return empty(204);
                }
                let shown = self.show(subname, ttl, &wanted);
                sets.insert(name, (ttl, wanted));
                json(200, &shown)
            }
            _ => refused(405, &json!({ "detail": "Method not allowed." })),
        }
    }

    fn name(&self, subname: &str) -> String {
        if subname.is_empty() { self.domain.clone() } else { format!("{subname}.{}", self.domain) }
    }

    fn show(&self, subname: &str, ttl: u64, texts: &[String]) -> Value {
        let texts: Vec<String> = texts.iter().map(|it| format!("\"{it}\"")).collect();
        json!({ "domain": self.domain, "subname": subname, "name": format!("{}.", self.name(subname)), "type": "TXT", "ttl": ttl, "records": texts, "created": "2026-01-02T03:04:05Z", "touched": "2026-01-02T03:04:05Z" })
    }
}

impl Service for Desec {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        if asked.header("authorization") != Some(&format!("Token {}", self.token)) {
            return refused(401, &json!({ "detail": "Invalid token." }));
        }
        let segments = asked.segments("/api/v1").unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (asked.method.clone(), segments.as_slice()) {
            (Method::GET, ["domains", ""]) => {
                let asked = asked.parameters(&["owns_qname", "cursor"]).unwrap_or_default();
                let owns = asked
                    .get("owns_qname")
                    .is_none_or(|it| *it == self.domain || it.ends_with(&format!(".{}", self.domain)));
                let domains: Vec<Value> =
                    owns.then(|| json!({ "name": self.domain, "minimum_ttl": 3600 })).into_iter().collect();
                json(200, &json!(domains))
            }
            (_, ["domains", domain, ..]) if *domain != self.domain => not_found(),
            (Method::GET, ["domains", domain, ""]) => json(200, &json!({ "name": domain, "minimum_ttl": 3600 })),
            (Method::POST, ["domains", _, "rrsets", ""]) => self.create(asked),
            (_, ["domains", _, "rrsets", subname, "TXT", ""]) => self.set(asked, subname),
            _ => not_found(),
        }
    }
}

/// Texts, of which each is quoted and none there twice.
fn texts(records: Option<&Value>) -> Option<Vec<String>> {
    let bare = |it: &Value| Some(it.as_str()?.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    let texts: Vec<String> = records?.as_array()?.iter().map(bare).collect::<Option<_>>()?;
    texts.iter().enumerate().all(|(at, it)| !texts[..at].contains(it)).then_some(texts)
}

fn missing_field() -> Response<Bytes> {
    refused(400, &json!({ "records": ["Record content is malformed, or a field is missing."] }))
}

fn not_found() -> Response<Bytes> {
    refused(404, &json!({ "detail": "Not found." }))
}

/// A refusal as the service writes it.
pub fn refused(status: u16, body: &Value) -> Response<Bytes> {
    json(status, body)
}
