//! Azure DNS behind the resource manager, with Microsoft Entra and a machine's metadata service in front of it.

mod identity;

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, empty, json};
use crate::SimDns;
use crate::sync::lock;

/// One zone of one resource group, and who may change it.
pub struct Azure {
    zone: Zone,
    dns: SimDns,
    held: Mutex<Held>,
}

struct Zone {
    name: String,
    is_private: bool,
}

#[derive(Default)]
struct Held {
    sets: BTreeMap<String, Set>,
    secret: String,
    assertion: String,
    tokens: Vec<String>,
    count: usize,
}

struct Set {
    etag: String,
    ttl: u64,
    texts: Vec<Vec<String>>,
    metadata: Value,
}

impl Azure {
    /// The tenant.
    pub const TENANT: &str = "72f988bf-0000-0000-0000-2d7cd011db47";
    /// The client id of the app registration, and of the machine's identity.
    pub const CLIENT: &str = "1ba1bf0f-0000-0000-0000-8d5c2d3ab9a1";
    /// The subscription.
    pub const SUBSCRIPTION: &str = "8e1f1b1a-0000-0000-0000-cd1f0a2f0001";
    /// The resource group.
    pub const GROUP: &str = "web";

    /// A public zone. A client with `secret` may change it, a workload with the token `assertion`, and this machine. Texts are served in `dns`.
    pub fn new(secret: &str, assertion: &str, zone: &str, dns: SimDns) -> Self {
        let held = Held { secret: secret.to_owned(), assertion: assertion.to_owned(), ..Held::default() };
        Self { zone: Zone { name: zone.to_owned(), is_private: false }, dns, held: Mutex::new(held) }
    }

    /// The zone is a private one.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.zone.is_private = true;
        self
    }

    /// Takes `secret` from now on, and no token that was given before.
    pub fn rotate(&self, secret: &str) {
        let mut held = lock(&self.held);
        held.secret = secret.to_owned();
        held.tokens.clear();
    }

    /// Somebody else writes a text, with a label of his own on the set.
    pub fn put_beside(&self, name: &str, text: &str) {
        let mut held = lock(&self.held);
        held.count += 1;
        let etag = held.count.to_string();
        let texts = vec![vec![text.to_owned()]];
        let set = Set { etag, ttl: 3600, texts, metadata: json!({ "owner": "them" }) };
        self.dns.add_txt(name, text);
        held.sets.insert(name.to_owned(), set);
    }

    /// The labels on the set at `name`.
    pub fn metadata(&self, name: &str) -> Value {
        lock(&self.held).sets.get(name).map(|it| it.metadata.clone()).unwrap_or_default()
    }

    fn shows_zone(&self, asked: &Asked, group: &str, zone: &[&str; 2]) -> Response<Bytes> {
        let (zones, version) =
            if self.zone.is_private { ("privateDnsZones", "2024-06-01") } else { ("dnsZones", "2018-05-01") };
        let asked_version = asked.parameters(&["api-version"]).and_then(|it| it.get("api-version").cloned());
        if asked.method != Method::GET || asked_version.as_deref() != Some(version) {
            return unroutable();
        }
        if !group.eq_ignore_ascii_case(Self::GROUP) || *zone != [zones, &self.zone.name] {
            let [service, name] = zone;
            let what = format!(
                "The Resource 'Microsoft.Network/{service}/{name}' under resource group '{group}' was not found."
            );
            return refused(404, "ResourceNotFound", &what);
        }
        json(
            200,
            &json!({ "name": self.zone.name, "type": format!("Microsoft.Network/{}", zones.to_lowercase()), "properties": {} }),
        )
    }

    fn records(&self, asked: &Asked, zone: &[&str], kind: &str, relative: &str) -> Response<Bytes> {
        let [subscription, group, service, name] = zone else { return unroutable() };
        if *subscription != Self::SUBSCRIPTION {
            return refused(
                404,
                "SubscriptionNotFound",
                &format!("The subscription '{subscription}' could not be found."),
            );
        }
        if !group.eq_ignore_ascii_case(Self::GROUP) {
            return refused(404, "ResourceGroupNotFound", &format!("Resource group '{group}' could not be found."));
        }
        let (zones, version) =
            if self.zone.is_private { ("privateDnsZones", "2024-06-01") } else { ("dnsZones", "2018-05-01") };
        let asked_version = asked.parameters(&["api-version"]).and_then(|it| it.get("api-version").cloned());
        if *service != zones || *name != self.zone.name {
            let what = format!(
                "The Resource 'Microsoft.Network/{service}/{name}' under resource group '{group}' was not found."
            );
            return refused(404, "ResourceNotFound", &what);
        }
        if asked_version.as_deref() != Some(version) || kind != "TXT" || relative.is_empty() || relative.ends_with('.')
        {
            return told(400, "BadRequest", "The request was incorrectly formatted.");
        }
        let full = if relative == "@" { self.zone.name.clone() } else { format!("{relative}.{}", self.zone.name) };
        let mut held = lock(&self.held);
        let found = held.sets.get(&full);
        if !guard_holds(asked, found) {
            return told(412, "PreconditionFailed", "The condition set in the request is not satisfied.");
        }
        match asked.method {
            Method::GET => match found {
                Some(set) => json(200, &self.show(relative, set)),
                None => told(
                    404,
                    "NotFound",
                    &format!(
                        "The resource record '{relative}' does not exist in resource group '{group}' of subscription '{subscription}'."
                    ),
                ),
            },
            Method::PUT => {
                let Some((ttl, texts, metadata)) = self.read(asked) else {
                    return told(400, "BadRequest", "The properties of the record set are invalid.");
                };
                if self.dns.cname(&full).is_some() {
                    let why = "The record could not be created because a CNAME record with the same name already exists in this zone.";
                    return told(409, "Conflict", why);
                }
                let status = if found.is_some() { 200 } else { 201 };
                self.forget(&full, &held);
                texts.iter().for_each(|it| self.dns.add_txt(&full, &it.concat()));
                held.count += 1;
                let set = Set { etag: format!("{:08x}-etag", held.count), ttl, texts, metadata };
                let shown = self.show(relative, &set);
                held.sets.insert(full, set);
                json(status, &shown)
            }
            Method::DELETE => {
                self.forget(&full, &held);
                if held.sets.remove(&full).is_some() { empty(200) } else { empty(204) }
            }
            _ => unroutable(),
        }
    }

    fn forget(&self, name: &str, held: &Held) {
        let texts = held.sets.get(name).into_iter().flat_map(|it| &it.texts);
        texts.for_each(|it| self.dns.remove_txt(name, &it.concat()));
    }

    /// TTL, texts and labels of a set that is written; both kinds of zones have their own spelling.
    fn read(&self, asked: &Asked) -> Option<(u64, Vec<Vec<String>>, Value)> {
        // Microsoft's own client names the set in the body, too.
        let object = asked.object(&["etag", "name", "properties"])?;
        let properties = object.get("properties")?.as_object()?;
        let (ttl, texts) = if self.zone.is_private { ("ttl", "txtRecords") } else { ("TTL", "TXTRecords") };
        if !properties.keys().all(|it| [ttl, texts, "metadata"].contains(&it.as_str())) {
            return None;
        }
        let ttl = properties.get(ttl)?.as_u64().filter(|it| (1..=2_147_483_647).contains(it))?;
        let read = |it: &Value| -> Option<Vec<String>> {
            let strings = it.get("value")?.as_array()?.iter().map(|it| Some(it.as_str()?.to_owned()));
            strings.collect::<Option<Vec<String>>>().filter(|it| it.iter().all(|it| (1..=255).contains(&it.len())))
        };
        let texts: Vec<Vec<String>> = properties.get(texts)?.as_array()?.iter().map(read).collect::<Option<_>>()?;
        let is_distinct = texts.iter().enumerate().all(|(at, it)| !it.is_empty() && !texts[..at].contains(it));
        let metadata = properties.get("metadata").cloned().unwrap_or_default();
        (is_distinct && !texts.is_empty()).then_some((ttl, texts, metadata))
    }

    fn show(&self, relative: &str, set: &Set) -> Value {
        let texts: Vec<Value> = set.texts.iter().map(|it| json!({ "value": it })).collect();
        let name = &self.zone.name;
        let properties = if self.zone.is_private {
            json!({ "ttl": set.ttl, "fqdn": format!("{relative}.{name}."), "isAutoRegistered": false, "txtRecords": texts, "metadata": set.metadata })
        } else {
            json!({ "TTL": set.ttl, "fqdn": format!("{relative}.{name}."), "provisioningState": "Succeeded", "targetResource": {}, "TXTRecords": texts, "metadata": set.metadata })
        };
        json!({ "id": "/subscriptions/…", "name": relative, "type": "Microsoft.Network/dnszones/TXT", "etag": set.etag, "properties": properties })
    }
}

impl Service for Azure {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        let segments = asked.segments("/").unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            [tenant, "v2.0", ".well-known", "openid-configuration"] => identity::configuration(asked, tenant),
            [tenant, "oauth2", "v2.0", "token"] => self.log_in(asked, tenant),
            ["metadata", "identity", "oauth2", "token"] => self.metadata_token(asked),
            _ if !self.lets_in(asked) => refused(
                401,
                "ExpiredAuthenticationToken",
                "The access token expiry UTC time is earlier than current UTC time.",
            ),
            ["providers", "Microsoft.ResourceGraph", "resources"] => self.graph(),
            [
                "subscriptions",
                Self::SUBSCRIPTION,
                "resourceGroups",
                group,
                "providers",
                "Microsoft.Network",
                zones,
                zone,
            ] => self.shows_zone(asked, group, &[zones, zone]),
            [
                "subscriptions",
                subscription,
                "resourceGroups",
                group,
                "providers",
                "Microsoft.Network",
                zones,
                zone,
                kind,
                relative,
            ] => self.records(asked, &[subscription, group, zones, zone], kind, relative),
            _ => unroutable(),
        }
    }
}

/// `If-Match` and `If-None-Match: *`.
fn guard_holds(asked: &Asked, found: Option<&Set>) -> bool {
    let is_it = asked.header("if-match").is_none_or(|etag| found.is_some_and(|set| etag == "*" || set.etag == etag));
    let is_free = asked.header("if-none-match").is_none_or(|it| it == "*" && found.is_none());
    is_it && is_free
}

fn unroutable() -> Response<Bytes> {
    refused(404, "NoRegisteredProviderFound", "The requested resource type is not known.")
}

/// A refusal as the service of zones writes it, behind the resource manager.
fn told(status: u16, code: &str, message: &str) -> Response<Bytes> {
    json(status, &json!({ "code": code, "message": message }))
}

/// A refusal as the resource manager writes it.
pub fn refused(status: u16, code: &str, message: &str) -> Response<Bytes> {
    json(status, &json!({ "error": { "code": code, "message": message } }))
}
