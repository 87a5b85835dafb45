//! Route 53's XML.

use std::fmt::Write as _;

use acme_core::{DnsName, Error, ErrorKind};
use bytes::Bytes;
use http::Response;

use crate::credentials::aws::xml::Element;
use crate::dns::http_api::quoted;
use crate::dns01::TxtRecord;

/// What is done to a record set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Upsert,
    Delete,
}

impl Action {
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Upsert => "adding",
            Self::Delete => "removing",
        }
    }
}

/// One value to be added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) owner: DnsName,
    pub(super) action: Action,
    /// In quotes.
    value: String,
    ttl: u64,
}

impl Change {
    pub(super) fn new(record: &TxtRecord, action: Action) -> Self {
        let value = quoted(&record.value);
        Self { owner: record.owner.clone(), action, value, ttl: record.ttl.as_secs() }
    }

    pub(super) fn is_about_same(&self, other: &Self) -> bool {
        self.owner == other.owner && self.value == other.value
    }

    /// A multivalue set of its own, called as cert-manager calls it, so that either cleans up after the other.
    pub(super) fn set(&self) -> Set {
        Set {
            owner: self.owner.as_str().to_owned(),
            identifier: Some(self.value.clone()),
            ttl: self.ttl,
            values: vec![self.value.clone()],
        }
    }

    /// The same change among sets that others made; `None` when they are no obstacle, so that the refusal had another reason.
    pub(super) fn beside(&self, sets: &[Set]) -> Option<Vec<(Action, Set)>> {
        let holder = sets.iter().find(|set| set.values.contains(&self.value));
        match (self.action, holder) {
            (Action::Upsert, Some(_)) | (Action::Delete, None) => Some(Vec::new()),
            (Action::Upsert, None) => {
                let simple = sets.iter().find(|set| set.identifier.is_none())?;
                let mut set = simple.clone();
                set.values.push(self.value.clone());
                Some(vec![(Action::Upsert, set)])
            }
            (Action::Delete, Some(holder)) if holder.values.len() == 1 => Some(vec![(Action::Delete, holder.clone())]),
            (Action::Delete, Some(holder)) => {
                let mut set = holder.clone();
                set.values.retain(|it| *it != self.value);
                Some(vec![(Action::Upsert, set)])
            }
        }
    }
}

/// A record set of type TXT: a simple one, or a multivalue one that has an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    owner: String,
    identifier: Option<String>,
    ttl: u64,
    pub(super) values: Vec<String>,
}

/// The body of ChangeResourceRecordSets, in the schema's order.
pub(super) fn batch(changes: &[(Action, Set)]) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ChangeResourceRecordSetsRequest xmlns=\"{NAMESPACE}\"><ChangeBatch><Changes>"
    );
    for (action, set) in changes {
        let action = match action {
            Action::Upsert => "UPSERT",
            Action::Delete => "DELETE",
        };
        let owner = escaped(&set.owner);
        let _ =
            write!(out, "<Change><Action>{action}</Action><ResourceRecordSet><Name>{owner}.</Name><Type>TXT</Type>");
        if let Some(identifier) = &set.identifier {
            let identifier = escaped(identifier);
            let _ = write!(out, "<SetIdentifier>{identifier}</SetIdentifier><MultiValueAnswer>true</MultiValueAnswer>");
        }
        let _ = write!(out, "<TTL>{}</TTL><ResourceRecords>", set.ttl);
        for value in &set.values {
            let _ = write!(out, "<ResourceRecord><Value>{}</Value></ResourceRecord>", escaped(value));
        }
        out.push_str("</ResourceRecords></ResourceRecordSet></Change>");
    }
    out.push_str("</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
    out
}

pub(super) struct ChangeInfo {
    pub(super) id: String,
    pub(super) is_in_sync: bool,
}

/// The answer to ChangeResourceRecordSets and GetChange.
pub(super) fn change(answer: &Response<Bytes>) -> Result<ChangeInfo, Error> {
    let root = root(answer)?;
    let (id, status) = (root.find(&["ChangeInfo", "Id"]), root.find(&["ChangeInfo", "Status"]));
    let (Some(id), Some(status)) = (id, status) else { return Err(unreadable()) };
    let id = bare_id(id);
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(unreadable());
    }
    Ok(ChangeInfo { id: id.to_owned(), is_in_sync: status == "INSYNC" })
}

pub(super) struct HostedZone {
    pub(super) id: String,
    /// Without the final dot.
    pub(super) name: String,
    pub(super) is_private: bool,
}

/// The answer to ListHostedZonesByName: a page that starts at the name that was asked for.
pub(super) fn zones(answer: &Response<Bytes>) -> Result<Vec<HostedZone>, Error> {
    let root = root(answer)?;
    let zones = root.child("HostedZones").ok_or_else(unreadable)?.children();
    let read = |zone: &Element<'_>| {
        let (id, name) = (bare_id(zone.find(&["Id"])?), zone.find(&["Name"])?);
        let is_fit = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_private = zone.find(&["Config", "PrivateZone"]) == Some("true");
        is_fit.then(|| HostedZone { id: id.to_owned(), name: name.trim_end_matches('.').to_owned(), is_private })
    };
    Ok(zones.iter().filter_map(read).collect())
}

pub(super) struct Page {
    pub(super) sets: Vec<Set>,
    /// The identifier of the next set of the same name and type.
    pub(super) next: Option<String>,
}

/// The answer to ListResourceRecordSets, which goes on behind `owner`.
pub(super) fn sets(answer: &Response<Bytes>, owner: &DnsName) -> Result<Page, Error> {
    let root = root(answer)?;
    let is_owner =
        |name: Option<&str>| name.is_some_and(|it| it.trim_end_matches('.').eq_ignore_ascii_case(owner.as_str()));
    let mut sets = Vec::new();
    for set in root.child("ResourceRecordSets").ok_or_else(unreadable)?.children() {
        if !is_owner(set.find(&["Name"])) || set.find(&["Type"]) != Some("TXT") {
            continue;
        }
        let records = set.child("ResourceRecords").map(Element::children).unwrap_or_default();
        sets.push(Set {
            owner: owner.as_str().to_owned(),
            identifier: set.find(&["SetIdentifier"]).map(ToOwned::to_owned),
            ttl: set.find(&["TTL"]).and_then(|it| it.parse().ok()).ok_or_else(unreadable)?,
            values: records.iter().filter_map(|it| it.find(&["Value"])).map(ToOwned::to_owned).collect(),
        });
    }
    let goes_on = is_owner(root.find(&["NextRecordName"])) && root.find(&["NextRecordType"]) == Some("TXT");
    let next = root.find(&["NextRecordIdentifier"]).filter(|_| goes_on).map(ToOwned::to_owned);
    Ok(Page { sets, next })
}

/// `Z1` of `/hostedzone/Z1`.
pub(super) fn bare_id(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id).trim()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn root(answer: &Response<Bytes>) -> Result<Element<'_>, Error> {
    Element::parse(std::str::from_utf8(answer.body()).map_err(|_| unreadable())?)
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Malformed, "Route 53 answered with something else than was asked for; is this its endpoint?")
}

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";
