//! Reading and writing back.

use certwright_kube_adapter::crd::condition::{Condition, ConditionStatus, Conditions};
use certwright_kube_adapter::crd::{Certificate, CertificateRequest, Challenge, ClusterIssuer, Issuer, Order};
use kube::core::WatchEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::every_field::{Enumerated, object, with_unknown_fields};
use crate::recorded::recorded;

/// Does the same for all six kinds.
macro_rules! for_each_kind {
    ($check:ident $(, $argument:expr)*) => {
        $check::<Certificate>("Certificate" $(, $argument)*);
        $check::<CertificateRequest>("CertificateRequest" $(, $argument)*);
        $check::<Issuer>("Issuer" $(, $argument)*);
        $check::<ClusterIssuer>("ClusterIssuer" $(, $argument)*);
        $check::<Order>("Order" $(, $argument)*);
        $check::<Challenge>("Challenge" $(, $argument)*);
    };
}

#[test]
fn every_recorded_object_is_written_back_as_it_was_read() {
    fn written_back<K: Serialize + DeserializeOwned>(kind: &str) {
        for text in recorded(kind) {
            let written = rewrite::<K>(text);
            assert_eq!(without_nothing(written), without_nothing(serde_json::from_str(text).unwrap()), "{text}");
        }
    }
    for_each_kind!(written_back);
}

#[test]
fn every_field_of_the_definitions_is_written_back_as_it_was_read() {
    fn written_back<K: Serialize + DeserializeOwned>(kind: &str, enumerated: Enumerated) {
        let object = object(kind, enumerated);
        assert_eq!(rewrite::<K>(&object.to_string()), object, "{kind}");
    }
    for_each_kind!(written_back, Enumerated::Known);
    for_each_kind!(written_back, Enumerated::Unknown);
}

#[test]
fn a_field_that_nobody_knows_fails_no_reading() {
    fn read<K: DeserializeOwned>(kind: &str) {
        let mut object = object(kind, Enumerated::Unknown);
        with_unknown_fields(&mut object["spec"]);
        with_unknown_fields(&mut object["status"]);
        serde_json::from_str::<K>(&object.to_string()).map(drop).unwrap();
    }
    for_each_kind!(read);
}

#[test]
fn fields_that_nobody_knows_survive_where_specs_are_copied() {
    fn survive<K: Serialize + DeserializeOwned>(kind: &str, place: &str) {
        let mut object = object(kind, Enumerated::Known);
        with_unknown_fields(object.pointer_mut(place).unwrap());
        let written = rewrite::<K>(&object.to_string());
        assert_eq!(written.pointer(place), object.pointer(place), "{kind}{place}");
    }
    survive::<Challenge>("Challenge", "/spec");
    survive::<Order>("Order", "/spec");
    survive::<Issuer>("Issuer", "/spec/acme/solvers");
    survive::<CertificateRequest>("CertificateRequest", "/spec/issuerRef");
}

#[test]
fn bytes_and_times_that_cannot_be_read_stay_as_they_are() {
    let text = json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {},
        "spec": {"issuerRef": {"name": "i"}, "request": "no base64!", "duration": "a fortnight"},
        "status": {"failureTime": "yesterday"},
    });
    let request: CertificateRequest = serde_json::from_str(&text.to_string()).unwrap();
    assert!(request.spec.request.is_unreadable() && request.spec.request.as_slice().is_empty());
    assert_eq!(request.spec.duration.as_ref().unwrap().duration(), None);
    assert_eq!(request.status.as_ref().unwrap().failure_time.as_ref().unwrap().timestamp(), None);
    assert_eq!(serde_json::to_value(&request).unwrap(), text);
}

#[test]
fn conditions_of_others_stay_byte_for_byte() {
    let foreign = r#"{ "type":"Vetted", "status" :"True","by":"<me>","score":1.50,"x":"\u00e9" }"#;
    let ready = r#"{"type":"Ready","status":"False"}"#;
    let mut conditions: Conditions = serde_json::from_str(&format!("[{foreign},{ready},17]")).unwrap();
    conditions.set(Condition::new("Ready", ConditionStatus::True, "Ready", "all is well"));
    conditions.set(Condition::new("Issuing", ConditionStatus::False, "Issued", ""));
    let written = serde_json::to_string(&conditions).unwrap();
    let made = r#"{"type":"Ready","status":"True","reason":"Ready","message":"all is well"}"#;
    let added = r#"{"type":"Issuing","status":"False","reason":"Issued"}"#;
    assert_eq!(written, format!("[{foreign},{made},17,{added}]"));
    assert!(conditions.is_true("Vetted") && !conditions.is_true("Issuing"));
}

#[test]
fn a_condition_that_says_the_same_keeps_its_bytes_and_its_time() {
    let text = r#"[{"reason":"Ready","status":"True","type":"Ready","lastTransitionTime":"2026-01-02T03:04:05Z"}]"#;
    let mut conditions: Conditions = serde_json::from_str(text).unwrap();
    let now = acme_core::Timestamp::from_unix_seconds(1_800_000_000);
    let same = Condition::new("Ready", ConditionStatus::True, "Ready", "").at(now, &conditions);
    conditions.set(same);
    assert_eq!(serde_json::to_string(&conditions).unwrap(), text);

    let other = Condition::new("Ready", ConditionStatus::False, "Expired", "").at(now, &conditions);
    assert_eq!(other.last_transition_time.as_ref().unwrap().as_str(), "2027-01-15T08:00:00Z");
    conditions.set(other);
    assert!(conditions.remove("Ready") && conditions.is_empty() && !conditions.remove("Ready"));
}

#[test]
fn events_of_a_watch_are_read_as_the_api_server_writes_them() {
    for (kind, text) in ["Certificate", "Challenge"].map(|kind| (kind, recorded(kind)[0])) {
        let line = format!(r#"{{"type":"MODIFIED","object":{text}}}"#);
        let is_read = match kind {
            "Certificate" => matches!(serde_json::from_str(&line).unwrap(), WatchEvent::<Certificate>::Modified(_)),
            _ => matches!(serde_json::from_str(&line).unwrap(), WatchEvent::<Challenge>::Modified(_)),
        };
        assert!(is_read, "{kind}");
    }
}

#[test]
fn a_password_in_a_spec_is_not_shown() {
    let text = r#"{"keystores":{"jks":{"create":true,"password":"opensesame"}}}"#;
    let spec: certwright_kube_adapter::crd::CertificateSpec = serde_json::from_str(text).unwrap();
    assert_eq!(
        spec.keystores.as_ref().unwrap().jks.as_ref().unwrap().password.as_ref().unwrap().expose(),
        "opensesame"
    );
    assert!(!format!("{spec:?}").contains("opensesame"));
}

fn rewrite<K: Serialize + DeserializeOwned>(text: &str) -> Value {
    let object: K = serde_json::from_str(text).expect("objects are read");
    serde_json::to_value(&object).expect("objects are JSON")
}

/// `value` without empty texts, and without references to nothing: Go leaves out the first and always writes some of the second.
fn without_nothing(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| *value != "" && *value != json!({"name": ""}));
            Value::Object(fields.map(|(name, value)| (name, without_nothing(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nothing).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
