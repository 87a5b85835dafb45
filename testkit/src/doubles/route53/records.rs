//! The record sets of one hosted zone.

use acme_core::Timestamp;
use bytes::Bytes;
use http::Response;
use solvers::credentials::aws::xml::Element;

use super::{Asked, NAMESPACE, SimDns, answer, invalid, refused, xml};

pub(super) struct Zone {
    pub(super) name: String,
    pub(super) is_private: bool,
    sets: Vec<Set>,
    busy_until: Timestamp,
}

#[derive(Clone, PartialEq, Eq)]
struct Set {
    name: String,
    identifier: Option<String>,
    ttl: u64,
    /// In quotes.
    values: Vec<String>,
}

impl Zone {
    pub(super) fn new(name: &str, is_private: bool) -> Self {
        Self { name: name.to_owned(), is_private, sets: Vec::new(), busy_until: Timestamp::EPOCH }
    }

    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        self.busy_until.is_due(now)
    }

    pub(super) fn applies_until(&mut self, until: Timestamp) {
        self.busy_until = until;
    }

    pub(super) fn write_simple(&mut self, name: &str, values: &[&str], dns: &SimDns) {
        let values = values.iter().map(|it| format!("\"{it}\"")).collect();
        self.put(Set { name: name.to_owned(), identifier: None, ttl: 300, values }, dns);
    }

    pub(super) fn list(&self, asked: &Asked) -> Response<Bytes> {
        let Some(query) = asked.parameters(&["name", "type", "identifier", "maxitems"]) else { return invalid() };
        if query.contains_key("type") && !query.contains_key("name") {
            return invalid();
        }
        let most: usize = query.get("maxitems").and_then(|it| it.parse().ok()).unwrap_or(300);
        let from = query.get("name").map(|it| it.trim_end_matches('.').to_owned()).unwrap_or_default();
        let identifier = query.get("identifier").cloned();
        let mut sets: Vec<&Set> = self.sets.iter().collect();
        sets.sort_by_key(|set| (set.name.clone(), set.identifier.clone()));
        let sets: Vec<&Set> =
            sets.into_iter().filter(|it| it.name > from || (it.name == from && it.identifier >= identifier)).collect();
        let shown: String = sets.iter().take(most).map(|it| it.show()).collect();
        let next = sets.get(most).map(|it| {
            let identifier = it.identifier.as_deref().map(escaped);
            let identifier = identifier.map(|it| format!("<NextRecordIdentifier>{it}</NextRecordIdentifier>"));
            let name = &it.name;
            format!(
                "<NextRecordName>{name}.</NextRecordName><NextRecordType>TXT</NextRecordType>{}",
                identifier.unwrap_or_default()
            )
        });
        let is_truncated = next.is_some();
        let next = next.unwrap_or_default();
        answer(
            "ListResourceRecordSetsResponse",
            &format!(
                "<ResourceRecordSets>{shown}</ResourceRecordSets><IsTruncated>{is_truncated}</IsTruncated>{next}<MaxItems>{most}</MaxItems>"
            ),
        )
    }

    /// All of a batch or nothing; answers how many changes it held.
    pub(super) fn change(&mut self, body: &Bytes, dns: &SimDns) -> Result<usize, Box<Response<Bytes>>> {
        let text = String::from_utf8_lossy(body).into_owned();
        let changes = read(&text).ok_or_else(|| Box::new(refused(400, "InvalidInput", "Unable to parse request")))?;
        let mut complaints = Vec::new();
        for (at, (_, set)) in changes.iter().enumerate() {
            let inside = set.name == self.name || set.name.ends_with(&format!(".{}", self.name));
            if !inside {
                complaints.push(format!("RRSet with DNS name {}. is not permitted in zone {}.", set.name, self.name));
            }
            if !set.values.iter().all(|it| it.len() > 2 && it.starts_with('"') && it.ends_with('"')) {
                complaints.push("Invalid Resource Record: FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks)".to_owned());
            }
            if changes[..at].iter().any(|(_, other)| other.is_same(set)) {
                complaints.push(format!(
                    "The request contains an invalid set of changes for a resource record set '{}'",
                    set.told()
                ));
            }
        }
        // Each UPSERT counts twice.
        let weight = |(action, set): &(String, Set)| {
            let factor = if action == "UPSERT" { 2 } else { 1 };
            (factor * set.values.len(), factor * set.values.iter().map(String::len).sum::<usize>())
        };
        let (elements, characters) = changes.iter().map(weight).fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        if elements > 1000 || characters > 32_000 {
            complaints.push("Number of records limit of 1000 or characters limit of 32000 exceeded".to_owned());
        }
        for (action, set) in &changes {
            let mixes = |it: &&Set| it.name == set.name && it.identifier.is_some() != set.identifier.is_some();
            match action.as_str() {
                "DELETE" => match self.sets.iter().find(|it| it.is_same(set)) {
                    None => complaints.push(format!("Tried to delete resource record set [{}] but it was not found", set.told())),
                    Some(there) if there != set => complaints.push(format!(
                        "Tried to delete resource record set [{}] but the values provided do not match the current values",
                        set.told()
                    )),
                    Some(_) => {}
                },
                _ if dns.cname(&set.name).is_some() => complaints.push(format!(
                    "RRSet of type TXT with DNS name {}. is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone {}.",
                    set.name, self.name
                )),
                _ if self.sets.iter().any(|it| mixes(&it)) => {
                    let kind = if set.identifier.is_some() { "non multivalue" } else { "multivalue" };
                    complaints.push(format!(
                        "Tried to create resource record set [{}] but a {kind} answer rrset exists with the same name and type.",
                        set.told()
                    ));
                }
                "CREATE" if self.sets.iter().any(|it| it.is_same(set)) => {
                    complaints.push(format!("Tried to create resource record set [{}] but it already exists", set.told()));
                }
                _ => {}
            }
        }
        if !complaints.is_empty() {
            let messages: String = complaints.iter().map(|it| format!("<Message>{}</Message>", escaped(it))).collect();
            let body = format!(
                "<?xml version=\"1.0\"?>\n<InvalidChangeBatch xmlns=\"{NAMESPACE}\"><Messages>{messages}</Messages><RequestId>1</RequestId></InvalidChangeBatch>"
            );
            return Err(Box::new(xml(400, body)));
        }
        let count = changes.len();
        for (action, set) in changes {
            if action == "DELETE" {
                self.sets.retain(|it| it != &set);
                set.values.iter().for_each(|value| dns.remove_txt(&set.name, value.trim_matches('"')));
            } else {
                self.put(set, dns);
            }
        }
        Ok(count)
    }

    fn put(&mut self, set: Set, dns: &SimDns) {
        if let Some(there) = self.sets.iter().find(|it| it.is_same(&set)) {
            there.values.iter().for_each(|value| dns.remove_txt(&there.name, value.trim_matches('"')));
        }
        self.sets.retain(|it| !it.is_same(&set));
        set.values.iter().for_each(|value| dns.add_txt(&set.name, value.trim_matches('"')));
        self.sets.push(set);
    }
}

impl Set {
    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.identifier == other.identifier
    }

    fn told(&self) -> String {
        let identifier = self.identifier.as_ref().map(|it| format!(", set-identifier='{it}'"));
        format!("name='{}.', type='TXT'{}", self.name, identifier.unwrap_or_default())
    }

    fn show(&self) -> String {
        let identifier = self.identifier.as_deref().map(escaped);
        let identifier = identifier
            .map(|it| format!("<SetIdentifier>{it}</SetIdentifier><MultiValueAnswer>true</MultiValueAnswer>"))
            .unwrap_or_default();
        let records =
            self.values.iter().map(|it| format!("<ResourceRecord><Value>{}</Value></ResourceRecord>", escaped(it)));
        let records: String = records.collect();
        let (name, ttl) = (&self.name, self.ttl);
        format!(
            "<ResourceRecordSet><Name>{name}.</Name><Type>TXT</Type>{identifier}<TTL>{ttl}</TTL><ResourceRecords>{records}</ResourceRecords></ResourceRecordSet>"
        )
    }
}

/// Actions and sets; `None` for anything that breaks the schema. AWS's SDK for Go writes elements in another order than the schema has them, so order is free.
fn read(body: &str) -> Option<Vec<(String, Set)>> {
    let root = Element::parse(body).ok()?;
    if root.name() != "ChangeResourceRecordSetsRequest" || !body.contains(&format!("xmlns=\"{NAMESPACE}\"")) {
        return None;
    }
    let batch = root.child("ChangeBatch")?;
    if !batch.children().iter().all(|it| matches!(it.name(), "Comment" | "Changes")) {
        return None;
    }
    let changes = batch.child("Changes")?.children();
    let read = |change: &Element<'_>| {
        let action = change.find(&["Action"]).filter(|it| matches!(*it, "CREATE" | "UPSERT" | "DELETE"))?;
        let set = change.child("ResourceRecordSet")?;
        let elements: Vec<&str> = set.children().iter().map(Element::name).collect();
        let is_known = |(at, it): (usize, &&str)| KNOWN.contains(it) && !elements[..at].contains(it);
        let identifier = set.find(&["SetIdentifier"]).map(ToOwned::to_owned);
        let is_multivalue = set.find(&["MultiValueAnswer"]) == Some("true");
        let fits = elements.iter().enumerate().all(is_known)
            && set.find(&["Type"]) == Some("TXT")
            && identifier.is_some() == is_multivalue
            && identifier.as_ref().is_none_or(|it| (1..=128).contains(&it.len()));
        let name = set.find(&["Name"])?.trim_end_matches('.').to_ascii_lowercase();
        let ttl = set.find(&["TTL"])?.parse().ok()?;
        let records = set.child("ResourceRecords")?.children();
        let values: Option<Vec<String>> = records.iter().map(|it| Some(it.find(&["Value"])?.to_owned())).collect();
        let values = values.filter(|it| it.len() == 1 || (!it.is_empty() && !is_multivalue))?;
        fits.then(|| (action.to_owned(), Set { name, identifier, ttl, values }))
    };
    changes.iter().map(read).collect::<Option<Vec<_>>>().filter(|it| !it.is_empty())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const KNOWN: &[&str] = &["Name", "Type", "SetIdentifier", "MultiValueAnswer", "TTL", "ResourceRecords"];
