//! What was asked, and what was issued.

use std::collections::BTreeMap;

use acme_core::protocol::{CertificateId, Url};
use acme_core::{Identifier, Timestamp};

use super::fault::Endpoint;

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuedRecord {
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// What it is for.
    pub identifiers: Vec<Identifier>,
    /// The SubjectPublicKeyInfo (DER) of the signing request.
    pub csr_spki: Vec<u8>,
    /// Its order.
    pub order: Url,
    /// The account that ordered it.
    pub account: Url,
    /// When it was issued.
    pub at: Timestamp,
    /// What it replaces, as the order said.
    pub replaces: Option<CertificateId>,
    /// The profile of its order.
    pub profile: Option<String>,
    /// Its id in renewal information.
    pub id: CertificateId,
    /// The leaf itself (DER).
    pub leaf: Vec<u8>,
}

/// A request that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestRecord {
    /// What it was about.
    pub endpoint: Endpoint,
    /// Where it went.
    pub url: String,
    /// When it arrived.
    pub at: Timestamp,
    /// The status it was answered with; `None` when the connection dropped.
    pub status: Option<u16>,
}

/// Counters and logs; they survive amnesia.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) requests: Vec<RequestRecord>,
    pub(crate) issued: Vec<IssuedRecord>,
    pub(crate) finalized: usize,
    pub(crate) orders: BTreeMap<String, usize>,
    pub(crate) inside_windows: usize,
    windows: BTreeMap<(Endpoint, Option<String>), Timestamp>,
}

impl Ledger {
    /// Opens a window: nothing of this kind from this account before `until`.
    pub(crate) fn close_until(&mut self, endpoint: Endpoint, account: Option<String>, until: Timestamp) {
        self.windows.insert((endpoint, account), until);
    }

    /// The end of the window that a request at `now` falls into; it is counted.
    pub(crate) fn window(&mut self, endpoint: Endpoint, account: Option<&str>, now: Timestamp) -> Option<Timestamp> {
        let until = *self.windows.get(&(endpoint, account.map(ToOwned::to_owned)))?;
        if until.is_due(now) {
            None
        } else {
            self.inside_windows += 1;
            Some(until)
        }
    }
}
