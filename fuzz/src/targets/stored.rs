//! What was stored: states of flows, and the record of a certificate.

use acme_core::flow::{AccountFlow, ChallengeFlow, Issuance, OrderFlow};
use certstore::Record;
use certstore::policy::renew;

use super::{sound, stored};

/// The stored state of an account.
pub fn account_flow(bytes: &[u8]) {
    stored(bytes, AccountFlow::decode, AccountFlow::encode, AccountFlow::next);
}

/// The stored state of a challenge.
pub fn challenge_flow(bytes: &[u8]) {
    stored(bytes, ChallengeFlow::decode, ChallengeFlow::encode, ChallengeFlow::next);
}

/// The stored state of a fail-over.
pub fn failover(bytes: &[u8]) {
    if let Some(error) = crate::failover::refusal(bytes) {
        sound(&error);
    }
}

/// The stored state of an issuance.
pub fn issuance(bytes: &[u8]) {
    stored(bytes, Issuance::decode, Issuance::encode, Issuance::next);
}

/// The stored state of an order.
pub fn order_flow(bytes: &[u8]) {
    stored(bytes, OrderFlow::decode, OrderFlow::encode, OrderFlow::next);
}

/// The stored record of a certificate.
pub fn record(bytes: &[u8]) {
    let record = match Record::decode(bytes) {
        Ok(record) => record,
        Err(error) => return sound(&error),
    };
    if let Some(leaf) = record.current().and_then(|it| it.leaf().ok()) {
        let _ = renew::due(&leaf, record.renewal.as_ref());
    }
    match record.spec.draft() {
        Ok(draft) => drop(format!("{:?} {:?}", draft.subject(), draft.extensions())),
        Err(error) => sound(&error),
    }
    let Ok(written) = record.encode() else { return };
    let again = Record::decode(written.expose()).and_then(|it| it.encode()).ok();
    assert_eq!(again.map(|it| it.expose().clone()).as_ref(), Some(written.expose()));
}
