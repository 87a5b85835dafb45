//! What is told in the status of a Certificate: conditions, reasons and texts. cert-manager's come first, to the letter; what is added stands behind them.

pub(crate) mod text;

use acme_core::Timestamp;
use certstore::policy::renew::Validity;
use serde::Serialize;
use serde_json::Value;

use crate::crd::certificate::{Certificate, CertificateAcmeStatus, CertificateStatus, RenewalInformation};
use crate::crd::condition::{Condition, ConditionStatus, Conditions};
use crate::crd::time::Time;
use crate::events::Severity;
use crate::key::Version;

/// What the status of a Certificate shall say. What is not mentioned stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Report {
    /// Why it is written, for the log and the counters.
    pub(crate) why: &'static str,
    pub(crate) ready: Option<Told>,
    pub(crate) issuing: Field<Told>,
    pub(crate) revision: Option<i64>,
    pub(crate) validity: Field<Validity>,
    pub(crate) renewal: Field<Timestamp>,
    pub(crate) next_key: Field<String>,
    pub(crate) failures: Field<Failures>,
    /// What the issuer says of the renewal.
    pub(crate) information: Field<Box<RenewalInformation>>,
    /// An Event that goes with it.
    pub(crate) event: Option<Note>,
}

/// What a condition says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Told {
    pub(crate) is_true: bool,
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// What shall become of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) enum Field<T> {
    /// It stays.
    #[default]
    Kept,
    /// It goes.
    Cleared,
    /// It says this.
    Set(T),
}

/// Attempts that failed in a row, and the last of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Failures {
    pub(crate) attempts: i64,
    pub(crate) at: Timestamp,
}

/// An Event on a Certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Note {
    pub(crate) severity: Severity,
    pub(crate) reason: String,
    pub(crate) text: String,
}

impl Told {
    /// It is so.
    pub(crate) fn yes(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { is_true: true, reason: reason.into(), message: message.into() }
    }

    /// It is not so.
    pub(crate) fn no(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { is_true: false, reason: reason.into(), message: message.into() }
    }
}

impl Report {
    /// Whether it tells of a right that lacks, and of nothing that was done.
    pub(crate) fn is_of_lack(&self) -> bool {
        self.why == LACKING
    }

    /// Whether it tells how an attempt ended.
    pub(crate) fn is_outcome(&self) -> bool {
        self.revision.is_some() || matches!(self.failures, Field::Set(_))
    }

    /// Whether it says anything that `object` does not say yet.
    pub(crate) fn is_news(&self, object: &Certificate) -> bool {
        let before = object.status.clone().unwrap_or_default();
        // The time counts only where something changes anyhow.
        self.applied(object, Timestamp::EPOCH) != before
    }

    /// The status of `object` with what this says.
    pub(crate) fn applied(&self, object: &Certificate, now: Timestamp) -> CertificateStatus {
        let mut status = object.status.clone().unwrap_or_default();
        let generation = object.metadata.generation.unwrap_or_default();
        if let Some(ready) = &self.ready {
            tell(&mut status.conditions, "Ready", ready, generation, now);
        }
        match &self.issuing {
            Field::Kept => {}
            Field::Cleared => drop(status.conditions.remove("Issuing")),
            Field::Set(told) => tell(&mut status.conditions, "Issuing", told, generation, now),
        }
        status.revision = self.revision.or(status.revision);
        match &self.validity {
            Field::Kept => {}
            Field::Cleared => (status.not_before, status.not_after) = (None, None),
            Field::Set(validity) => {
                status.not_before = Some(validity.not_before.into());
                status.not_after = Some(validity.not_after.into());
            }
        }
        self.renewal.put(&mut status.renewal_time, |at| Time::from(*at));
        self.next_key.put(&mut status.next_private_key_secret_name, String::clone);
        self.failures.put(&mut status.failed_issuance_attempts, |it| it.attempts);
        self.failures.put(&mut status.last_failure_time, |it| Time::from(it.at));
        self.information.put(&mut status.acme, |it| CertificateAcmeStatus { ari: Some(RenewalInformation::clone(it)) });
        status
    }
}

impl<T> Field<T> {
    fn put<U>(&self, field: &mut Option<U>, value: impl Fn(&T) -> U) {
        match self {
            Self::Kept => {}
            Self::Cleared => *field = None,
            Self::Set(it) => *field = Some(value(it)),
        }
    }
}

/// Why a status is written that tells of a right that lacks.
pub(crate) const LACKING: &str = "lacking";

fn tell(conditions: &mut Conditions, kind: &str, told: &Told, generation: i64, now: Timestamp) {
    let status = if told.is_true { ConditionStatus::True } else { ConditionStatus::False };
    let condition = Condition::new(kind, status, &told.reason, told.message.as_str());
    conditions.set(condition.at(now, conditions).of_generation(generation));
}

/// The merge patch that makes `before` into `after`: what is gone is null, what is the same is left out. Conditions travel as a whole, those of others
/// byte for byte.
#[derive(Debug, Serialize)]
pub(crate) struct Patch<'a> {
    metadata: Expected,
    status: Changes<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    resource_version: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    conditions: Option<&'a Conditions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure_time: Option<&'a Option<Time>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<&'a Option<Time>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<&'a Option<Time>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    renewal_time: Option<&'a Option<Time>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_private_key_secret_name: Option<&'a Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_issuance_attempts: Option<&'a Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acme: Option<Value>,
}

impl<'a> Patch<'a> {
    /// What changes from `before` to `after`, where the object is still in this state.
    pub(crate) fn between(state: &Version, before: &CertificateStatus, after: &'a CertificateStatus) -> Self {
        fn changed<'a, T: PartialEq>(before: &T, after: &'a T) -> Option<&'a T> {
            (before != after).then_some(after)
        }
        Self {
            metadata: Expected { resource_version: state.to_string() },
            status: Changes {
                conditions: changed(&before.conditions, &after.conditions),
                last_failure_time: changed(&before.last_failure_time, &after.last_failure_time),
                not_before: changed(&before.not_before, &after.not_before),
                not_after: changed(&before.not_after, &after.not_after),
                renewal_time: changed(&before.renewal_time, &after.renewal_time),
                revision: changed(&before.revision, &after.revision),
                next_private_key_secret_name: changed(
                    &before.next_private_key_secret_name,
                    &after.next_private_key_secret_name,
                ),
                failed_issuance_attempts: changed(&before.failed_issuance_attempts, &after.failed_issuance_attempts),
                acme: changed(&before.acme, &after.acme).map(|after| replacing(before.acme.as_ref(), after.as_ref())),
            },
        }
    }
}

/// What a merge patch must say so that `after` is all that stands there: what `before` had beside it is null.
fn replacing(before: Option<&CertificateAcmeStatus>, after: Option<&CertificateAcmeStatus>) -> Value {
    // Text, numbers and times alone: they can be written as JSON.
    let value = |it: Option<&CertificateAcmeStatus>| serde_json::to_value(it).unwrap_or_default();
    let (before, mut after) = (value(before), value(after));
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (before.get("ari"), after.get_mut("ari")) {
        for field in before.keys() {
            after.entry(field).or_insert(Value::Null);
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use acme_core::Timestamp;

    use super::{Field, Patch, Report, Told};
    use crate::crd::certificate::{Certificate, CertificateStatus};
    use crate::key::Version;

    const FOREIGN: &str =
        r#"{"type":"Example","status":"True","weight":1.50,"lastTransitionTime":"2026-01-01T00:00:00Z"}"#;

    fn object() -> Certificate {
        let text = format!(
            r#"{{"metadata":{{"name":"web","generation":3}},"status":{{"nextPrivateKeySecretName":"web-abcde","conditions":[{FOREIGN},
            {{"type":"Issuing","status":"True","reason":"ManuallyTriggered","message":"m","lastTransitionTime":"2026-01-01T00:00:00Z"}}]}}}}"#
        );
        serde_json::from_str(&text).expect("it is a Certificate")
    }

    fn issued() -> Report {
        Report {
            ready: Some(Told::yes("Ready", "all is well")),
            issuing: Field::Cleared,
            revision: Some(2),
            next_key: Field::Cleared,
            ..Report::default()
        }
    }

    #[test]
    fn conditions_of_others_travel_byte_for_byte() {
        let (object, now) = (object(), Timestamp::from_unix_seconds(1_800_000_000));
        let before = object.status.clone().unwrap_or_default();
        let after = issued().applied(&object, now);
        let patch = serde_json::to_string(&Patch::between(&Version::parse("7"), &before, &after)).expect("it is JSON");
        assert_eq!(
            patch,
            format!(
                r#"{{"metadata":{{"resourceVersion":"7"}},"status":{{"conditions":[{FOREIGN},{{"type":"Ready","status":"True","lastTransitionTime":"2027-01-15T08:00:00Z","reason":"Ready","message":"all is well","observedGeneration":3}}],"revision":2,"nextPrivateKeySecretName":null}}}}"#
            )
        );
    }

    #[test]
    fn what_an_authority_said_before_goes_when_it_says_something_else() {
        let said = |text: &str| -> CertificateStatus { serde_json::from_str(text).expect("it is a status") };
        let before = said(r#"{"acme":{"ari":{"lastError":"it was busy","explanationURL":"https://ca.example/a"}}}"#);
        let after = said(r#"{"acme":{"ari":{"explanationURL":"https://ca.example/b"}}}"#);
        let patch = |after: &CertificateStatus| {
            serde_json::to_value(Patch::between(&Version::parse("7"), &before, after)).expect("it is JSON")
        };
        let ari = &patch(&after)["status"]["acme"]["ari"];
        assert_eq!(*ari, serde_json::json!({ "lastError": null, "explanationURL": "https://ca.example/b" }));
        assert_eq!(patch(&CertificateStatus::default())["status"], serde_json::json!({ "acme": null }));
    }

    #[test]
    fn what_is_said_already_is_no_news() {
        let mut object = object();
        assert!(issued().is_news(&object));
        object.status = Some(issued().applied(&object, Timestamp::from_unix_seconds(1_800_000_000)));
        assert!(!issued().is_news(&object));
    }

    #[test]
    fn a_condition_that_only_says_something_else_keeps_its_time() {
        let mut object = object();
        let report = |message: &str| Report { ready: Some(Told::no("DoesNotExist", message)), ..Report::default() };
        object.status = Some(report("first").applied(&object, Timestamp::from_unix_seconds(100)));
        let after = report("second").applied(&object, Timestamp::from_unix_seconds(200));
        let ready = after.conditions.get("Ready").expect("it is there");
        assert_eq!(ready.last_transition_time.as_ref().map(|it| it.as_str()), Some("1970-01-01T00:01:40Z"));
        assert_eq!(ready.message, "second");
    }
}
