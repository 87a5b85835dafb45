//! Akamai's Edge DNS Zone Management API, version 2, behind EdgeGrid.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::hash::sha256;
use acme_core::{Clock, Timestamp};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Response};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Asked, Service, empty, json};
use crate::SimDns;
use crate::sync::lock;

/// The zones of one contract, for one API client. Every signature is checked, and no nonce is taken twice.
pub struct Akamai {
    clock: Arc<dyn Clock>,
    tokens: [String; 3],
    zone: String,
    dns: SimDns,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    sets: BTreeMap<String, (u64, Vec<String>)>,
    nonces: Vec<String>,
}

impl Akamai {
    /// A zone that the API client of client token, access token and secret may write; texts are served in `dns`.
    pub fn new(tokens: [&str; 3], zone: &str, dns: SimDns, clock: Arc<dyn Clock>) -> Self {
        let (tokens, zone) = (tokens.map(ToOwned::to_owned), zone.to_owned());
        Self { clock, tokens, zone, dns, held: Mutex::default() }
    }

    /// Somebody else writes a set.
    pub fn put_beside(&self, name: &str, ttl: u64, text: &str) {
        self.dns.add_txt(name, text);
        lock(&self.held).sets.insert(name.to_owned(), (ttl, vec![text.to_owned()]));
    }

    /// Computed here from Akamai's description, and not by what it judges.
    fn is_signed(&self, asked: &Asked, nonces: &mut Vec<String>) -> Option<()> {
        let given = asked.header("authorization")?;
        let (unsigned, signature) = given.split_once("signature=")?;
        let mut fields = unsigned.strip_prefix("EG1-HMAC-SHA256 ")?.split_terminator(';').map(|it| it.split_once('='));
        let mut field = |name: &str| fields.next().flatten().filter(|(it, _)| *it == name).map(|(_, value)| value);
        let (client, access) = (field("client_token")?, field("access_token")?);
        let (time, nonce) = (field("timestamp")?, field("nonce")?.to_owned());
        let [client_token, access_token, secret] = &self.tokens;
        if client != client_token || access != access_token || nonces.contains(&nonce) {
            return None;
        }
        let bare = time.strip_suffix("+0000")?;
        let (date, clock) = bare.split_once('T')?;
        let there = format!("{}-{}-{}T{clock}Z", date.get(..4)?, date.get(4..6)?, date.get(6..8)?);
        let (there, now) = (Timestamp::parse_rfc3339(&there).ok()?, self.clock.now());
        let is_in_time = now.since(there).max(there.since(now)) <= Duration::from_secs(30);
        let hash = if asked.method == Method::POST && !asked.body.is_empty() {
            BASE64_STANDARD.encode(sha256(&asked.body[..asked.body.len().min(131_072)]))
        } else {
            String::new()
        };
        let query = if asked.query.is_empty() { String::new() } else { format!("?{}", asked.query) };
        let data =
            [asked.method.as_str(), "https", &asked.host, &format!("{}{query}", asked.path), "", &hash, unsigned]
                .join("\t");
        let key = mac(secret.as_bytes(), time);
        nonces.push(nonce);
        (is_in_time && mac(key.as_bytes(), &data) == signature).then_some(())
    }

    /// The set that a body describes.
    fn read(asked: &Asked, name: &str) -> Option<(u64, Vec<String>)> {
        let object = asked.object(&["name", "type", "ttl", "active", "rdata"])?;
        let is_same = object.get("name")?.as_str()?.trim_end_matches('.') == name && object.get("type")? == "TXT";
        let ttl = object.get("ttl")?.as_u64().filter(|it| *it >= 30)?;
        let values =
            object.get("rdata")?.as_array()?.iter().map(|it| it.as_str().map(|it| it.trim_matches('"').to_owned()));
        let values: Vec<String> = values.collect::<Option<_>>()?;
        let is_distinct = values.iter().enumerate().all(|(at, it)| !it.is_empty() && !values[..at].contains(it));
        (is_same && is_distinct && !values.is_empty()).then_some((ttl, values))
    }

    fn show(&self, name: &str, before: &[String], after: &[String]) {
        before.iter().for_each(|it| self.dns.remove_txt(name, it));
        after.iter().for_each(|it| self.dns.add_txt(name, it));
    }
}

impl Service for Akamai {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        let mut held = lock(&self.held);
        if self.is_signed(asked, &mut held.nonces).is_none() {
            return refused(401, "Not authorized", "The signature does not match");
        }
        let segments = asked.segments("/config-dns/v2").unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(|it| it.trim_end_matches('.')).collect();
        if let ["zones", zone] = segments.as_slice()
            && *zone == self.zone
            && asked.method == Method::GET
        {
            return json(200, &json!({ "zone": zone, "type": "PRIMARY", "activationState": "ACTIVE" }));
        }
        let ["zones", zone, "names", name, "types", "TXT"] = segments.as_slice() else {
            return refused(404, "Not Found", "no such resource");
        };
        if *zone != self.zone || !asked.query.is_empty() {
            return refused(404, "Not Found", "The requested zone does not exist in this contract.");
        }
        let known = held.sets.get(*name).cloned();
        let missing = || refused(404, "Record Not Found", "The requested record set was not found.");
        match (asked.method.clone(), known) {
            (Method::GET, Some((ttl, values))) => set(200, name, ttl, &values),
            (Method::DELETE, Some((_, values))) => {
                held.sets.remove(*name);
                self.show(name, &values, &[]);
                empty(204)
            }
            (Method::GET | Method::PUT | Method::DELETE, None) => missing(),
            (Method::POST, Some(_)) => refused(409, "Conflict", "The record set exists."),
            (Method::POST | Method::PUT, known) => {
                let status = if known.is_none() { 201 } else { 200 };
                let Some((ttl, values)) = Self::read(asked, name) else {
                    return refused(400, "Bad Request", "The record set is invalid.");
                };
                // The service's words for that are not written down.
                if self.dns.cname(name).is_some() {
                    return refused(422, "Unprocessable Entity", "There is a CNAME record set of this name.");
                }
                self.show(name, &known.map(|it| it.1).unwrap_or_default(), &values);
                held.sets.insert((*name).to_owned(), (ttl, values.clone()));
                set(status, name, ttl, &values)
            }
            _ => refused(405, "Method Not Allowed", "no such method"),
        }
    }
}

fn set(status: u16, name: &str, ttl: u64, values: &[String]) -> Response<Bytes> {
    let values: Vec<Value> = values.iter().map(|it| json!(format!("\"{it}\""))).collect();
    json(status, &json!({ "name": name, "type": "TXT", "ttl": ttl, "rdata": values }))
}

/// A refusal as the service writes it.
pub fn refused(status: u16, title: &str, detail: &str) -> Response<Bytes> {
    let kind = "https://problems.luna.akamaiapis.net/authoritative-dns/problem";
    let instance = "https://akaa.luna.akamaiapis.net/config-dns/v2/requests/1f8b";
    json(status, &json!({ "type": kind, "title": title, "status": status, "detail": detail, "instance": instance }))
}

fn mac(key: &[u8], message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}
