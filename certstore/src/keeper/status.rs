//! How a certificate stands, as a human wants to read it.

use std::fmt;

use acme_core::flow::Waiting;
use acme_core::{Identifier, KeyType, Timestamp};
use issuers::IssuerId;
use issuers::chain::Leaf;

use super::plan::{Plan, Why};
use crate::policy::renew::{self, Due};
use crate::record::{Failure, Record};
use crate::{Credential, Spec};

/// How a certificate stands. Prints as a few lines for a human.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// What is wanted.
    pub spec: Spec,
    /// What is to be served: the certificate in the store. Whether whoever connects gets it already is what [`Keeper::ready`](super::Keeper::ready) waits for.
    pub served: Option<Served>,
    /// What is done next.
    pub next: Step,
    /// Attempts that failed since the last success.
    pub failures: u32,
    /// The last failure since the last success, with the words of the certificate authority.
    pub last_failure: Option<Failure>,
}

/// A certificate that is stored, and is served or about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// The serial number, hexadecimal.
    pub serial: String,
    /// The common name of who signed it.
    pub signed_by: String,
    /// Which issuer of the keeper got it.
    pub issuer: IssuerId,
    /// The names and addresses in it.
    pub names: Vec<Identifier>,
    /// The kind of its key.
    pub key_type: KeyType,
    /// The first instant of its validity.
    pub not_before: Timestamp,
    /// The last instant of its validity.
    pub not_after: Timestamp,
    /// When it is renewed, and why then.
    pub renewal: Due,
    /// A page of the certificate authority that says why.
    pub explanation_url: Option<String>,
}

/// What is done next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A certificate is issued now.
    Issue {
        /// Why.
        why: Why,
        /// What is waited for, if anything.
        waiting: Option<Waiting>,
    },
    /// The issuer is asked when to renew.
    AskWhenToRenew,
    /// Nothing, before a time.
    Rest {
        /// The time.
        until: Timestamp,
        /// What is waited for.
        waiting: Waiting,
    },
}

impl Status {
    pub(super) fn of(record: Record, leaf: Option<&Leaf>, plan: Plan, waiting: Option<Waiting>) -> Self {
        let served = record.current().zip(leaf).map(|(credential, leaf)| {
            let plan = record.renewal.as_ref();
            Served::of(credential, leaf, renew::due(leaf, plan), plan.and_then(|it| it.explanation_url.clone()))
        });
        let next = match plan {
            Plan::Issue(why) => Step::Issue {
                why,
                waiting: waiting.or_else(|| record.pending.as_ref().and_then(|it| it.waiting.clone())),
            },
            Plan::Ask(_) => Step::AskWhenToRenew,
            Plan::Rest { at, waiting } => Step::Rest { until: at, waiting },
        };
        Self { served, next, failures: record.history.failures, last_failure: record.history.last, spec: record.spec }
    }
}

impl Served {
    fn of(credential: &Credential, leaf: &Leaf, renewal: Due, explanation_url: Option<String>) -> Self {
        Self {
            serial: leaf.serial.clone(),
            signed_by: leaf.issuer.clone(),
            issuer: credential.issuer.clone(),
            names: leaf.names.clone(),
            key_type: credential.key_type,
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            renewal,
            explanation_url,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.spec.name)?;
        match &self.served {
            Some(served) => write!(
                f,
                "certificate {} by {}, valid until {}; renewal at {} {}",
                served.serial, served.signed_by, served.not_after, served.renewal.at, served.renewal.reason
            )?,
            None => f.write_str("no certificate yet")?,
        }
        match &self.next {
            Step::Issue { why, waiting: None } => write!(f, "\n  issuing: {why}")?,
            Step::Issue { why, waiting: Some(waiting) } => write!(f, "\n  issuing ({why}): {waiting}")?,
            Step::AskWhenToRenew => f.write_str("\n  asking the certificate authority when to renew")?,
            Step::Rest { until, waiting } => write!(f, "\n  until {until}: {waiting}")?,
        }
        match &self.last_failure {
            Some(failure) => write!(f, "\n  failed {} times, last at {}: {}", self.failures, failure.at, failure.fault),
            None => Ok(()),
        }
    }
}
