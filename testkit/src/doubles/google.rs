//! Google Cloud DNS, with Google's token endpoints and a metadata server in front of it.

mod identity;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use acme_core::Clock;
use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, json};
use crate::SimDns;
use crate::sync::lock;

/// The managed zones of one project, and who may change them.
pub struct Google {
    key: Vec<u8>,
    clock: Arc<dyn Clock>,
    /// Of each its id, its apex and its visibility.
    zones: Vec<[String; 3]>,
    dns: SimDns,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    sets: BTreeMap<String, Set>,
    tokens: Vec<String>,
    /// Good for standing in for a service account, and for nothing else.
    federated: Vec<String>,
    issued: u64,
    changes: u64,
}

#[derive(Clone, PartialEq, Eq)]
struct Set {
    ttl: u64,
    data: Vec<String>,
}

impl Google {
    /// The project.
    pub const PROJECT: &str = "web-1234";
    /// The service account.
    pub const EMAIL: &str = "solver@web-1234.iam.gserviceaccount.com";
    /// A workload identity pool's provider.
    pub const AUDIENCE: &str =
        "//iam.googleapis.com/projects/1234/locations/global/workloadIdentityPools/pool/providers/cluster";
    /// The token of another platform that the pool trusts.
    pub const SUBJECT_TOKEN: &str = "eyJ.TOP-SECRET.theirs";
    /// The id of its key.
    pub const KEY_ID: &str = "3f6d";

    /// A public zone `example-org` for `zone`, beside a private one of the same name. A service account with the RSA key whose public half is `key` (a
    /// SubjectPublicKeyInfo) may change it, and the workload that asks the metadata server. Texts are served in `dns`.
    pub fn new(key: &[u8], zone: &str, dns: SimDns, clock: Arc<dyn Clock>) -> Self {
        let zones = [["inside", zone, "private"], ["example-org", zone, "public"]];
        let zones = zones.map(|it| it.map(ToOwned::to_owned)).into();
        Self { key: key.to_owned(), clock, zones, dns, held: Mutex::default() }
    }

    /// Takes no token that was given before.
    pub fn forget_tokens(&self) {
        lock(&self.held).tokens.clear();
    }

    /// Somebody else writes a set.
    pub fn put_beside(&self, name: &str, ttl: u64, text: &str) {
        self.dns.add_txt(name, text);
        lock(&self.held).sets.insert(format!("{name}."), Set { ttl, data: vec![format!("\"{text}\"")] });
    }

    fn managed_zones(&self, asked: &Asked) -> Response<Bytes> {
        let Some(parameters) = asked.parameters(&["dnsName", "alt", "prettyPrint"]) else {
            return invalid("a parameter is not known");
        };
        let wanted = parameters.get("dnsName");
        if wanted.is_some_and(|it| !it.ends_with('.')) {
            return invalid("Invalid value for 'parameters.dnsName'");
        }
        let zones = self.zones.iter().filter(|[_, apex, _]| wanted.is_none_or(|it| *it == format!("{apex}.")));
        let zones: Vec<Value> = zones.map(|[id, apex, visibility]| json!({ "kind": "dns#managedZone", "name": id, "dnsName": format!("{apex}."), "id": "1", "visibility": visibility })).collect();
        json(200, &json!({ "kind": "dns#managedZonesListResponse", "managedZones": zones }))
    }

    fn sets(&self, asked: &Asked) -> Response<Bytes> {
        let Some(parameters) = asked.parameters(&["name", "type", "alt", "prettyPrint"]) else {
            return invalid("a parameter is not known");
        };
        let (Some(name), Some("TXT")) = (parameters.get("name"), parameters.get("type").map(String::as_str)) else {
            return invalid("Invalid value for 'parameters.type'");
        };
        let held = lock(&self.held);
        let sets: Vec<Value> = held.sets.get(name).into_iter().map(|it| it.show(name)).collect();
        json(200, &json!({ "kind": "dns#resourceRecordSetsListResponse", "rrsets": sets }))
    }

    /// A change is made as a whole or not at all; what it deletes must be what there is, to the letter.
    fn change(&self, asked: &Asked, apex: &str) -> Response<Bytes> {
        let Some(object) = asked.object(&["additions", "deletions", "kind", "id"]) else {
            return invalid("Invalid value for 'entity.change'");
        };
        let listed = |name: &str| {
            object.get(name).map_or(Some(Vec::new()), |it| {
                it.as_array().map(|it| it.iter().map(|it| read(it, apex)).collect::<Vec<_>>())
            })
        };
        let (Some(deletions), Some(additions)) = (listed("deletions"), listed("additions")) else {
            return invalid("Invalid value for 'entity.change'");
        };
        if deletions.is_empty() && additions.is_empty() {
            return refused(400, "required", "The 'entity.change' parameter is required but was missing.");
        }
        let mut held = lock(&self.held);
        let mut sets = held.sets.clone();
        for (at, set) in deletions.iter().enumerate() {
            let Some((name, set)) = set else {
                return invalid(&format!("Invalid value for 'entity.change.deletions[{at}]'"));
            };
            match sets.remove(name) {
                None => {
                    return refused(
                        404,
                        "notFound",
                        &format!("The 'entity.change.deletions[{at}]' resource named '{name} (TXT)' does not exist."),
                    );
                }
                Some(found) if found != *set => {
                    return refused(
                        412,
                        "conditionNotMet",
                        &format!("Precondition not met for 'entity.change.deletions[{at}]'."),
                    );
                }
                Some(_) => {}
            }
        }
        for (at, set) in additions.iter().enumerate() {
            let Some((name, set)) = set else {
                return invalid(&format!("Invalid value for 'entity.change.additions[{at}]'"));
            };
            if self.dns.cname(name.trim_end_matches('.')).is_some() {
                let what = format!(
                    "The resource record set 'entity.change.additions[{at}]' is invalid because the DNS name '{name}' may have either one CNAME resource record set or resource record sets of other types, but not both."
                );
                return refused(400, "cnameResourceRecordSetConflict", &what);
            }
            if sets.insert(name.clone(), set.clone()).is_some() {
                return refused(
                    409,
                    "alreadyExists",
                    &format!("The resource 'entity.change.additions[{at}]' named '{name} (TXT)' already exists."),
                );
            }
        }
        let texts = |sets: &BTreeMap<String, Set>| -> Vec<(String, String)> {
            sets.iter()
                .flat_map(|(name, set)| {
                    set.data.iter().map(|it| (name.trim_end_matches('.').to_owned(), it.trim_matches('"').to_owned()))
                })
                .collect()
        };
        texts(&held.sets).iter().for_each(|(name, text)| self.dns.remove_txt(name, text));
        texts(&sets).iter().for_each(|(name, text)| self.dns.add_txt(name, text));
        held.sets = sets;
        held.changes += 1;
        json(
            200,
            &json!({ "kind": "dns#change", "id": held.changes.to_string(), "status": "pending", "startTime": "2026-01-02T03:04:05.000Z" }),
        )
    }
}

impl Service for Google {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        let segments = asked.segments("/").unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["token"] => return self.log_in(asked),
            ["computeMetadata", "v1", "instance", "service-accounts", "default", "token"] => {
                return self.metadata_token(asked);
            }
            ["v1", "token"] => return self.exchange(asked),
            ["v1", "projects", "-", "serviceAccounts", account] => return self.stand_in(asked, account),
            _ if !self.lets_in(asked) => {
                return refused(401, "authError", "Request had invalid authentication credentials.");
            }
            ["dns", "v1", "projects", project, "managedZones", ..] if *project != Self::PROJECT => {
                return refused(403, "forbidden", "Forbidden");
            }
            _ => {}
        }
        match (asked.method.clone(), &segments[4.min(segments.len())..]) {
            (Method::GET, ["managedZones"]) => self.managed_zones(asked),
            (method, ["managedZones", id, rest @ ..]) => {
                let Some([_, apex, _]) = self.zones.iter().find(|[known, ..]| known == id) else {
                    return refused(
                        404,
                        "notFound",
                        &format!("The 'parameters.managedZone' resource named '{id}' does not exist."),
                    );
                };
                match (method, rest) {
                    (Method::GET, ["rrsets"]) => self.sets(asked),
                    (Method::POST, ["changes"]) => self.change(asked, apex),
                    (Method::GET, ["changes", id]) => {
                        json(200, &json!({ "kind": "dns#change", "id": id, "status": "done" }))
                    }
                    _ => refused(404, "notFound", "Not Found"),
                }
            }
            _ => refused(404, "notFound", "Not Found"),
        }
    }
}

/// A set with its name, where it is a whole one in this zone. Texts are kept with their quotes, whether they came with them or not.
fn read(value: &Value, apex: &str) -> Option<(String, Set)> {
    let object = value.as_object()?;
    let known = ["name", "type", "ttl", "rrdatas", "kind", "signatureRrdatas"];
    let name = object.get("name")?.as_str()?.strip_suffix('.')?;
    let lies_here = name == apex || name.ends_with(&format!(".{apex}"));
    let is_whole = object.keys().all(|it| known.contains(&it.as_str())) && object.get("type")?.as_str()? == "TXT";
    let ttl = object.get("ttl")?.as_u64()?;
    let quoted = |it: &Value| Some(format!("\"{}\"", it.as_str()?.trim_matches('"')));
    let data: Vec<String> = object.get("rrdatas")?.as_array()?.iter().map(quoted).collect::<Option<_>>()?;
    let is_distinct = data.iter().enumerate().all(|(at, it)| !data[..at].contains(it));
    (lies_here && is_whole && is_distinct && !data.is_empty()).then(|| (format!("{name}."), Set { ttl, data }))
}

impl Set {
    fn show(&self, name: &str) -> Value {
        json!({ "kind": "dns#resourceRecordSet", "name": name, "type": "TXT", "ttl": self.ttl, "rrdatas": self.data, "signatureRrdatas": [] })
    }
}

fn invalid(message: &str) -> Response<Bytes> {
    refused(400, "invalid", message)
}

/// A refusal as the service writes it.
pub fn refused(status: u16, reason: &str, message: &str) -> Response<Bytes> {
    json(
        status,
        &json!({ "error": { "code": status, "message": message, "errors": [{ "message": message, "domain": "global", "reason": reason }] } }),
    )
}
