//! What metrics need to know of an object, taken from it while it streams by and kept in its row.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use kube::core::PartialObjectMeta;

use super::rows::{IssuerOf, Ready};
use crate::crd::condition::{ConditionStatus, Conditions};
use crate::crd::reference::IssuerRef;
use crate::crd::time::Time;
use crate::crd::{Certificate, CertificateRequest, Challenge, ClusterIssuer, Issuer, Order};
use crate::secret::SecretMetadata;

/// What a watch delivers, and what of it metrics are made from.
pub(crate) trait Measured {
    /// What is kept.
    type Facts: Default + fmt::Debug;

    /// Takes it from the object.
    fn facts(&self, words: &mut Words) -> Self::Facts;
}

/// Texts that many rows share, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Words(HashMap<Box<str>, Word>);

/// A text that many rows share: one pointer in each.
#[derive(Debug, Clone)]
pub(crate) struct Word(Arc<Box<str>>);

impl Words {
    fn keep(&mut self, text: &str) -> Word {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        // What no row says any more goes when there is much of it.
        if self.0.len() >= MANY {
            self.0.retain(|_, word| Arc::strong_count(&word.0) > 1);
        }
        let kept = Word(Arc::new(text.into()));
        self.0.insert(text.into(), kept.clone());
        kept
    }

    fn issuer(&mut self, issuer: &IssuerRef) -> IssuerWords {
        IssuerWords(Some(self.keep(&format!("{}\n{}\n{}", issuer.group, issuer.kind, issuer.name))))
    }
}

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A reference to an issuer: group, kind and name, one to a line.
#[derive(Debug, Clone, Default)]
pub(crate) struct IssuerWords(Option<Word>);

impl IssuerWords {
    pub(super) fn read(&self) -> IssuerOf<'_> {
        let mut lines = self.0.as_deref().unwrap_or_default().splitn(3, '\n');
        let mut next = || lines.next().unwrap_or_default();
        IssuerOf { group: next(), kind: next(), name: next() }
    }
}

/// Of a Certificate, beside what its record says.
#[derive(Debug, Default)]
pub(crate) struct CertificateFacts {
    pub(super) issuer: IssuerWords,
    pub(super) ready: Option<bool>,
    /// In seconds since 1970; zero where there was none.
    pub(super) last_failure: i64,
    pub(super) attempts: u32,
}

impl Measured for Certificate {
    type Facts = CertificateFacts;

    fn facts(&self, words: &mut Words) -> CertificateFacts {
        let issuer = words.issuer(&self.spec.issuer_ref);
        let Some(status) = &self.status else {
            return CertificateFacts { issuer, ..CertificateFacts::default() };
        };
        CertificateFacts {
            issuer,
            ready: ready(&status.conditions),
            last_failure: seconds(status.last_failure_time.as_ref()),
            attempts: status.failed_issuance_attempts.and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
        }
    }
}

/// Of a CertificateRequest or an Order: whose, and in what state.
#[derive(Debug, Default)]
pub(crate) struct StateFacts {
    pub(super) issuer: IssuerWords,
    pub(super) state: Option<Word>,
}

impl Measured for CertificateRequest {
    type Facts = StateFacts;

    fn facts(&self, words: &mut Words) -> StateFacts {
        let ready = self.status.as_ref().and_then(|status| status.conditions.get(READY));
        StateFacts { issuer: words.issuer(&self.spec.issuer_ref), state: ready.map(|it| words.keep(&it.reason)) }
    }
}

impl Measured for Order {
    type Facts = StateFacts;

    fn facts(&self, words: &mut Words) -> StateFacts {
        let state = self.status.as_ref().and_then(|status| status.state.as_ref());
        StateFacts { issuer: words.issuer(&self.spec.issuer_ref), state: state.map(|it| words.keep(it.as_str())) }
    }
}

/// Of an Issuer or ClusterIssuer.
#[derive(Debug, Default)]
pub(crate) struct IssuerFacts {
    pub(super) ready: Option<bool>,
}

impl Measured for Issuer {
    type Facts = IssuerFacts;

    fn facts(&self, _words: &mut Words) -> IssuerFacts {
        IssuerFacts { ready: self.status.as_ref().and_then(|status| ready(&status.conditions)) }
    }
}

impl Measured for ClusterIssuer {
    type Facts = IssuerFacts;

    fn facts(&self, _words: &mut Words) -> IssuerFacts {
        IssuerFacts { ready: self.status.as_ref().and_then(|status| ready(&status.conditions)) }
    }
}

/// Of a Challenge.
#[derive(Debug, Default)]
pub(crate) struct ChallengeFacts {
    pub(super) domain: String,
    pub(super) kind: Option<Word>,
    pub(super) state: Option<Word>,
    pub(super) reason: String,
    pub(super) processing: bool,
}

impl Measured for Challenge {
    type Facts = ChallengeFacts;

    fn facts(&self, words: &mut Words) -> ChallengeFacts {
        let status = self.status.as_ref();
        ChallengeFacts {
            domain: self.spec.dns_name.clone(),
            kind: Some(words.keep(self.spec.kind.as_str())),
            state: status.and_then(|it| it.state.as_ref()).map(|it| words.keep(it.as_str())),
            reason: status.map(|it| it.reason.clone()).unwrap_or_default(),
            processing: status.is_some_and(|it| it.processing),
        }
    }
}

impl Measured for SecretMetadata {
    type Facts = ();

    fn facts(&self, _words: &mut Words) {}
}

impl Measured for PartialObjectMeta<Service> {
    type Facts = ();

    fn facts(&self, _words: &mut Words) {}
}

/// The condition `Ready`; `None` where there is none that says yes or no.
fn ready(conditions: &Conditions) -> Option<bool> {
    match conditions.get(READY)?.status {
        ConditionStatus::True => Some(true),
        ConditionStatus::False => Some(false),
        ConditionStatus::Unknown | ConditionStatus::Other(_) => None,
    }
}

/// As series say it.
pub(super) fn verdict(ready: Option<bool>) -> Ready {
    match ready {
        Some(true) => Ready::True,
        Some(false) => Ready::False,
        None => Ready::Unknown,
    }
}

fn seconds(time: Option<&Time>) -> i64 {
    time.and_then(Time::timestamp).map_or(0, acme_core::Timestamp::unix_seconds)
}

const READY: &str = "Ready";

/// More issuers and reasons than this are not there at once.
const MANY: usize = 10_000;
