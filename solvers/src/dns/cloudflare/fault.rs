//! What Cloudflare says when it refuses.

use acme_core::Error;
use bytes::Bytes;
use http::Response;
use serde::Deserialize;

use crate::dns::http_api::{ALIAS, Fault, Meaning};

/// Cloudflare says in the body whether it did what it was asked, whatever the status.
pub(super) fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(answer.body()) else {
        return Fault::by_status(answer, "");
    };
    if envelope.success && answer.status().is_success() {
        return None;
    }
    let Some(first) = envelope.errors.first() else {
        return Fault::by_status(answer, "").or_else(|| Some(Fault::new("success: false", "", Meaning::Status)));
    };
    let codes: Vec<u32> = std::iter::once(first.code).chain(first.error_chain.iter().map(|it| it.code)).collect();
    let words = std::iter::once(&first.message).chain(first.error_chain.iter().map(|it| &it.message));
    let message = words.map(String::as_str).collect::<Vec<_>>().join(": ");
    let any = |known: &[u32]| codes.iter().any(|code| known.contains(code));
    let status = answer.status().as_u16();
    let (meaning, advice) = if any(THROTTLED) {
        (Meaning::Busy, "")
    } else if any(UNKNOWN) || status == 401 {
        (Meaning::Credentials, "check the token or key, and that it may edit this zone: Zone:Read and DNS:Edit")
    } else if any(ALIASED) {
        (Meaning::Refused, ALIAS)
    } else if any(UNROUTABLE) {
        (Meaning::Missing, "check the zone's id")
    } else if any(GONE) {
        (Meaning::Missing, "")
    } else if status == 403 {
        (Meaning::Denied, "give the token Zone:Read and DNS:Edit on the zone")
    } else {
        (Meaning::Status, "")
    };
    Some(Fault::new(first.code.to_string(), message, meaning).advising(advice))
}

pub(super) fn has_code(error: &Error, codes: &[u32]) -> bool {
    Fault::of(error).and_then(|fault| fault.code().parse().ok()).is_some_and(|code| codes.contains(&code))
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    success: bool,
    #[serde(default)]
    errors: Vec<Complaint>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    code: u32,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error_chain: Vec<Complaint>,
}

/// The identical record is there.
pub(super) const EXISTS: &[u32] = &[81_057, 81_058];
const GONE: &[u32] = &[81_044];
const ALIASED: &[u32] = &[81_053, 81_054];
const UNROUTABLE: &[u32] = &[7_000, 7_003];
const UNKNOWN: &[u32] = &[6_003, 6_111, 9_103, 9_109, 10_000, 10_001];
const THROTTLED: &[u32] = &[971, 10_100, 10_429];
