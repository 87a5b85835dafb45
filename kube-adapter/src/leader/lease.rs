//! The Lease as the election sees it, and how it is read and patched.

use std::time::Duration;

use acme_core::Timestamp;
use k8s_openapi::api::coordination::v1 as api;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff;
use serde_json::{Value, json};

/// A Lease that was read: what it says, and which version said it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "implementers of `Leases` make it")]
pub struct Lease {
    /// The `resourceVersion`, which every patch names.
    pub version: String,
    /// What it says.
    pub record: Record,
}

/// What a Lease says about its holder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "implementers of `Leases` make it")]
pub struct Record {
    /// Who holds it; nobody when it was given back.
    pub holder: Option<String>,
    /// How long others wait after they saw it change.
    pub duration: Duration,
    /// When its holder took it, by the holder's clock.
    pub acquired: Option<Timestamp>,
    /// When its holder last confirmed it, by the holder's clock. Nothing is computed with it: it only shows that the record changed.
    pub renewed: Option<Timestamp>,
    /// How often it went from one holder to another.
    pub transitions: u32,
}

/// A change to a Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "implementers of `Leases` write every one")]
pub enum Change {
    /// `holder` holds it for another `duration`; since when, and how often it moved, stay as they are.
    Renew {
        /// Who.
        holder: String,
        /// For how long.
        duration: Duration,
    },
    /// `holder` takes it, for `duration`.
    Take {
        /// Who.
        holder: String,
        /// For how long.
        duration: Duration,
        /// How often it moved, this time included.
        transitions: u32,
    },
    /// Nobody holds it any more.
    GiveBack,
}

impl Record {
    /// Reads the spec of a Lease; what is missing is nobody, no time and zero.
    pub fn read(spec: &api::LeaseSpec) -> Self {
        Self {
            holder: spec.holder_identity.clone().filter(|holder| !holder.is_empty()),
            duration: Duration::from_secs(
                spec.lease_duration_seconds.and_then(|it| u64::try_from(it).ok()).unwrap_or(0),
            ),
            acquired: spec.acquire_time.as_ref().map(read_time),
            renewed: spec.renew_time.as_ref().map(read_time),
            transitions: spec.lease_transitions.and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
        }
    }
}

impl Change {
    /// What stands in a Lease after it, where only the fields matter that it moves.
    pub fn applied_to(&self, record: &Record, now: Timestamp) -> Record {
        match self {
            Self::Renew { holder, duration } => Record {
                holder: Some(holder.clone()),
                duration: whole_seconds(*duration),
                renewed: Some(now),
                ..record.clone()
            },
            Self::Take { holder, duration, transitions } => Record {
                holder: Some(holder.clone()),
                duration: whole_seconds(*duration),
                acquired: Some(now),
                renewed: Some(now),
                transitions: *transitions,
            },
            Self::GiveBack => Record {
                holder: None,
                duration: RETURNED,
                acquired: Some(now),
                renewed: Some(now),
                transitions: record.transitions,
            },
        }
    }

    /// The fields of `spec` that it writes, at the time `now` of the wall clock.
    pub(super) fn spec(&self, now: Timestamp) -> Value {
        let wrote = self.applied_to(&Record::default(), now);
        let mut spec = json!({
            "holderIdentity": wrote.holder,
            "leaseDurationSeconds": wrote.duration.as_secs(),
            "renewTime": write_time(now),
        });
        match self {
            Self::Renew { .. } => {}
            Self::Take { transitions, .. } => {
                spec["acquireTime"] = json!(write_time(now));
                spec["leaseTransitions"] = json!(transitions);
            }
            Self::GiveBack => spec["acquireTime"] = json!(write_time(now)),
        }
        spec
    }
}

fn read_time(time: &MicroTime) -> Timestamp {
    Timestamp::from_unix_millis(time.0.as_millisecond())
}

fn write_time(time: Timestamp) -> MicroTime {
    MicroTime(jiff::Timestamp::from_millisecond(time.unix_millis()).unwrap_or_default())
}

/// The API knows whole seconds; a part of one more is kept rather than lost.
fn whole_seconds(duration: Duration) -> Duration {
    let up = u64::from(duration.subsec_nanos() > 0);
    Duration::from_secs((duration.as_secs() + up).clamp(1, u64::from(i32::MAX.unsigned_abs())))
}

/// What client-go writes into a Lease that is given back; the API refuses zero.
const RETURNED: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_millis(1_767_323_045_120);

    #[test]
    fn a_patch_names_exactly_the_fields_that_move() {
        let renew = Change::Renew { holder: "a".to_owned(), duration: Duration::from_secs(30) };
        assert_eq!(
            renew.spec(NOW),
            json!({ "holderIdentity": "a", "leaseDurationSeconds": 30, "renewTime": "2026-01-02T03:04:05.120000Z" })
        );
        let take = Change::Take { holder: "a".to_owned(), duration: Duration::from_millis(3500), transitions: 7 };
        assert_eq!(
            take.spec(NOW),
            json!({
                "holderIdentity": "a", "leaseDurationSeconds": 4, "leaseTransitions": 7,
                "acquireTime": "2026-01-02T03:04:05.120000Z", "renewTime": "2026-01-02T03:04:05.120000Z",
            })
        );
        assert_eq!(Change::GiveBack.spec(NOW)["holderIdentity"], Value::Null);
    }

    #[test]
    fn an_empty_name_holds_nothing() {
        let spec = api::LeaseSpec { holder_identity: Some(String::new()), ..Default::default() };
        assert_eq!(Record::read(&spec), Record::default());
    }
}
