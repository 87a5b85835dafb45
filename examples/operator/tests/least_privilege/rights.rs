//! Rights as roles grant them, and as the audit log shows them in use.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use testkit::servers::AuditEvent;

/// One verb on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    pub(crate) group: String,
    /// In the plural, with its subresource: `certificates/status`.
    pub(crate) resource: String,
    pub(crate) verb: String,
}

impl Right {
    pub(crate) fn new(group: &str, resource: &str, verb: &str) -> Self {
        Self { group: group.to_owned(), resource: resource.to_owned(), verb: verb.to_owned() }
    }

    /// What somebody needed for what was asked; `None` where no resource was.
    fn used(event: &AuditEvent) -> Option<Self> {
        let group = event.group.as_deref().unwrap_or_default();
        Some(Self::new(group, &event.rbac_resource()?, &event.verb))
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, resource, verb } = self;
        let dot = if group.is_empty() { "" } else { "." };
        write!(f, "{verb} {resource}{dot}{group}")
    }
}

/// What bindings among these objects give to the ServiceAccount of that name.
pub(crate) fn granted(objects: &[Value], service_account: &str) -> BTreeSet<Right> {
    let is_bound = |it: &&Value| list(&it["subjects"]).iter().any(|subject| subject["name"] == service_account);
    let mut rights = BTreeSet::new();
    for binding in objects.iter().filter(is_bound) {
        let role = &binding["roleRef"];
        let is_it = |it: &&Value| {
            it["kind"] == role["kind"]
                && it["metadata"]["name"] == role["name"]
                && it["metadata"]["namespace"] == binding["metadata"]["namespace"]
        };
        let role = objects.iter().find(is_it).unwrap_or_else(|| panic!("no role for {binding}"));
        list(&role["rules"]).iter().for_each(|rule| add(rule, &mut rights));
    }
    rights
}

/// What the log shows this user to have been allowed.
pub(crate) fn used(events: &[AuditEvent], user: &str) -> BTreeSet<Right> {
    events.iter().filter(|it| it.user == user && it.code != FORBIDDEN).filter_map(Right::used).collect()
}

/// What the log shows this user to have been refused, as it was asked.
pub(crate) fn refused(events: &[AuditEvent], user: &str) -> Vec<String> {
    let refused = events.iter().filter(|it| it.user == user && it.code == FORBIDDEN);
    refused.map(|it| format!("{} {}", it.verb, it.uri)).collect()
}

fn add(rule: &Value, rights: &mut BTreeSet<Right>) {
    for group in list(&rule["apiGroups"]) {
        for resource in list(&rule["resources"]) {
            for verb in list(&rule["verbs"]) {
                let word = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text in {rule}")).to_owned();
                rights.insert(Right { group: word(group), resource: word(resource), verb: word(verb) });
            }
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

const FORBIDDEN: u16 = 403;
