//! What an authority says of the certificates that it issued.

use std::collections::BTreeMap;

use acme_core::Timestamp;
use acme_core::protocol::RevocationReason;

use crate::template::SerialNumber;

/// Knows what became of certificates.
///
/// # Contract
/// 1. `status` answers at once: whoever keeps serial numbers in a database looks them up before it asks for an answer to be signed.
/// 2. What was revoked stays revoked, with the same time and reason; only a certificate on hold may become good again.
/// 3. `Good` is said of certificates that were issued, `Unknown` of all others (RFC 6960 section 2.2).
pub trait RevocationStatus: Send + Sync {
    /// What became of the certificate of this serial number.
    fn status(&self, serial: &SerialNumber) -> Status;
}

/// What became of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the choices of RFC 6960")]
pub enum Status {
    /// It was issued and is not revoked.
    Good,
    /// It is revoked.
    Revoked(Revoked),
    /// It was not issued here.
    Unknown,
}

/// That a certificate is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

impl Revoked {
    /// Revoked at this time for this reason.
    pub fn new(at: Timestamp, reason: RevocationReason) -> Self {
        Self { at, reason }
    }

    /// The reason's number, where one is given: what is unspecified is left out (RFC 5280 section 5.3.1).
    pub(super) fn code(&self) -> Option<u8> {
        match u8::from(self.reason) {
            0 => None,
            code => Some(code),
        }
    }
}

/// The certificates of an authority in memory: what it issued, and what of that it revoked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Register(BTreeMap<SerialNumber, Option<Revoked>>);

impl Register {
    /// One without any certificate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a certificate was issued. One that is revoked stays so.
    pub fn issued(&mut self, serial: SerialNumber) {
        self.0.entry(serial).or_default();
    }

    /// Notes that a certificate was revoked, whether it is known or not. The first time and reason stay, but for a hold: that is followed by a
    /// revocation, or by [`RevocationReason::RemoveFromCrl`], which makes the certificate good again and means nothing to others.
    pub fn revoke(&mut self, serial: SerialNumber, revoked: Revoked) {
        let there = self.0.entry(serial).or_default();
        let is_held = there.is_some_and(|it| it.reason == RevocationReason::CertificateHold);
        let is_lifted = revoked.reason == RevocationReason::RemoveFromCrl;
        if is_held && is_lifted {
            *there = None;
        } else if !is_lifted && (is_held || there.is_none()) {
            *there = Some(revoked);
        }
    }

    /// What is revoked: the entries of a [`RevocationList`](super::crl::RevocationList).
    pub fn revoked(&self) -> impl Iterator<Item = (&SerialNumber, &Revoked)> {
        self.0.iter().filter_map(|(serial, revoked)| Some((serial, revoked.as_ref()?)))
    }
}

impl RevocationStatus for Register {
    fn status(&self, serial: &SerialNumber) -> Status {
        match self.0.get(serial) {
            None => Status::Unknown,
            Some(None) => Status::Good,
            Some(Some(revoked)) => Status::Revoked(*revoked),
        }
    }
}
