//! Gandi's LiveDNS API, version 5.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, empty, json};
use crate::SimDns;
use crate::sync::lock;

/// One zone, for one personal access token.
pub struct Gandi {
    token: String,
    zone: String,
    dns: SimDns,
    sets: Mutex<BTreeMap<String, (u64, Vec<String>)>>,
}

impl Gandi {
    /// A zone that `token` opens; texts are served in `dns`.
    pub fn new(token: &str, zone: &str, dns: SimDns) -> Self {
        Self { token: token.to_owned(), zone: zone.to_owned(), dns, sets: Mutex::default() }
    }

    /// Somebody else writes a set.
    pub fn put_beside(&self, name: &str, ttl: u64, text: &str) {
        self.dns.add_txt(name, text);
        lock(&self.sets).insert(name.to_owned(), (ttl, vec![text.to_owned()]));
    }

    fn read(asked: &Asked) -> Option<(u64, Vec<String>)> {
        let object = asked.object(&["rrset_ttl", "rrset_values"])?;
        let ttl = object.get("rrset_ttl")?.as_u64().filter(|it| (300..=2_592_000).contains(it))?;
        let values =
            object.get("rrset_values")?.as_array()?.iter().map(|it| Some(it.as_str()?.trim_matches('"').to_owned()));
        let values: Vec<String> = values.collect::<Option<_>>()?;
        let is_distinct = values.iter().enumerate().all(|(at, it)| !it.is_empty() && !values[..at].contains(it));
        (is_distinct && !values.is_empty()).then_some((ttl, values))
    }
}

impl Service for Gandi {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        if asked.header("authorization") != Some(&format!("Bearer {}", self.token)) {
            return refused(
                401,
                "The server could not verify that you authorized to access the document you requested.",
            );
        }
        let segments = asked.segments("/v5/livedns").unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if asked.method == Method::GET && segments == ["domains", &self.zone] {
            return json(200, &json!({ "fqdn": self.zone, "automatic_snapshots": false }));
        }
        let ["domains", zone, "records", relative, "TXT"] = segments.as_slice() else {
            return refused(404, "The resource could not be found.");
        };
        if *zone != self.zone {
            return refused(403, "Access was denied to this resource.");
        }
        if !asked.query.is_empty() || relative.ends_with('.') {
            return refused(400, "The request is invalid.");
        }
        let name = if *relative == "@" { self.zone.clone() } else { format!("{relative}.{}", self.zone) };
        let mut sets = lock(&self.sets);
        let known = sets.get(&name).cloned();
        match (asked.method.clone(), known) {
            (Method::GET, Some((ttl, values))) => {
                let values: Vec<Value> = values.iter().map(|it| json!(format!("\"{it}\""))).collect();
                let href = format!("https://api.gandi.net{}", asked.path);
                json(
                    200,
                    &json!({ "rrset_name": relative, "rrset_type": "TXT", "rrset_ttl": ttl, "rrset_values": values, "rrset_href": href }),
                )
            }
            (Method::GET | Method::DELETE, None) => refused(404, "Can't find the DNS record in the zone."),
            (Method::POST, Some(_)) => refused(409, "A DNS Record already exists with same value"),
            (Method::PUT | Method::POST, known) => {
                let Some((ttl, values)) = Self::read(asked) else { return refused(400, "rrset_values is invalid.") };
                // The service's words for that are not written down.
                if self.dns.cname(&name).is_some() {
                    return refused(409, "A CNAME record exists with that name.");
                }
                known.iter().flat_map(|it| &it.1).for_each(|it| self.dns.remove_txt(&name, it));
                values.iter().for_each(|it| self.dns.add_txt(&name, it));
                sets.insert(name, (ttl, values));
                json(201, &json!({ "message": "DNS Record Created" }))
            }
            (Method::DELETE, Some((_, values))) => {
                values.iter().for_each(|it| self.dns.remove_txt(&name, it));
                sets.remove(&name);
                empty(204)
            }
            _ => refused(405, "The method is not allowed for this resource."),
        }
    }
}

/// A refusal as the service writes it.
pub fn refused(status: u16, message: &str) -> Response<Bytes> {
    json(status, &json!({ "object": "HTTPError", "cause": "…", "code": status, "message": message }))
}
