//! What is to be done about a record. Pure: the same record and time, the same plan.

use std::fmt;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::flow::Waiting;
use acme_core::protocol::CertificateId;
use issuers::IssuerId;
use issuers::chain::Leaf;

use crate::claim::{Standing, standing};
use crate::policy::reissue::{Difference, difference};
use crate::policy::renew::{self, Reason};
use crate::record::Record;

/// Why a certificate is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// There is none yet.
    First,
    /// The stored one cannot be read.
    Unreadable,
    /// What is wanted has changed.
    Changed(Difference),
    /// A human asked for it.
    Requested,
    /// It is time to renew.
    Renewal(Reason),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("there is no certificate yet"),
            Self::Unreadable => f.write_str("the stored certificate cannot be read"),
            Self::Changed(difference) => difference.fmt(f),
            Self::Requested => f.write_str("it was asked for"),
            Self::Renewal(reason) => write!(f, "it is time to renew, {reason}"),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// Issue a certificate, or go on with it.
    Issue(Why),
    /// Ask when to renew.
    Ask(CertificateId),
    /// Nothing before this time.
    Rest { at: Timestamp, waiting: Waiting },
}

/// What a plan depends on.
pub(super) struct Facts<'a> {
    pub(super) record: &'a Record,
    /// What the certificate in use says, if there is one that can be read.
    pub(super) leaf: Option<&'a Leaf>,
    pub(super) node: &'a str,
    /// Who shall issue, when that was said.
    pub(super) issuer: Option<&'a IssuerId>,
    /// Whether the issuer answers questions about renewal.
    pub(super) answers: bool,
    /// Certificates for one set of identifiers in one day, at most.
    pub(super) cap: usize,
    pub(super) now: Timestamp,
}

pub(super) fn plan(facts: &Facts<'_>) -> Plan {
    let Facts { record, now, .. } = *facts;
    if let Standing::Held { by, until } = standing(record.claim.as_ref(), facts.node, now) {
        return Plan::Rest { at: until.min(now + LOOK_AGAIN), waiting: Waiting::Held { by } };
    }
    if let Some(why) = need(facts) {
        return obstacle(facts).unwrap_or(Plan::Issue(why));
    }
    let Some(leaf) = facts.leaf else {
        return Plan::Issue(Why::First);
    };
    let due = renew::due(leaf, record.renewal.as_ref());
    let mut at = due.at;
    if let Some(certificate) = leaf.id.as_ref().filter(|_| facts.answers) {
        let known = record.renewal.as_ref().filter(|plan| plan.certificate == *certificate);
        match known.map(|plan| plan.poll_at) {
            Some(poll_at) if !poll_at.is_due(now) => at = at.min(poll_at),
            Some(_) | None => return Plan::Ask(certificate.clone()),
        }
    }
    Plan::Rest { at, waiting: Waiting::Schedule { what: format!("renewal {}", due.reason), at: due.at } }
}

/// Why a certificate is needed now.
fn need(facts: &Facts<'_>) -> Option<Why> {
    let Facts { record, now, .. } = *facts;
    let Some(credential) = record.current() else {
        return Some(Why::First);
    };
    let Some(leaf) = facts.leaf else {
        return Some(Why::Unreadable);
    };
    if record.requested.is_some() {
        return Some(Why::Requested);
    }
    if let Some(difference) = difference(&record.spec, facts.issuer, credential) {
        return Some(Why::Changed(difference));
    }
    let due = renew::due(leaf, record.renewal.as_ref());
    due.at.is_due(now).then_some(Why::Renewal(due.reason))
}

/// Why it is not issued now all the same.
fn obstacle(facts: &Facts<'_>) -> Option<Plan> {
    let Facts { record, now, .. } = *facts;
    let history = &record.history;
    if let Some(at) = history.not_before.filter(|at| !at.is_due(now)) {
        let because = history.last.as_ref().map_or_else(String::new, |last| last.fault.to_string());
        return Some(Plan::Rest {
            at,
            waiting: Waiting::Retry { doing: "the issuance".to_owned(), attempts: history.failures, because },
        });
    }
    let set = record.spec.set();
    let mut recent = history.issued.iter().filter(|it| it.set == set && it.at + DAY > now);
    let count = recent.clone().count();
    let oldest = recent.next()?;
    (count >= facts.cap).then(|| Plan::Rest {
        at: oldest.at + DAY,
        waiting: Waiting::Pause {
            doing: "the issuance".to_owned(),
            because: format!(
                "{count} certificates for these names were issued within a day, and {} is this keeper's bound",
                facts.cap
            ),
        },
    })
}

/// How often a record is looked at that another keeper works on.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);
