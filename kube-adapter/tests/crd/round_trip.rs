//! Reading and writing back.

use certwright_kube_adapter::crd::{Certificate, CertificateRequest, Challenge, ClusterIssuer, Issuer, Order};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::recorded::recorded;

#[test]
fn every_recorded_object_is_written_back_as_it_was_read() {
    written_back::<Certificate>("Certificate");
    written_back::<CertificateRequest>("CertificateRequest");
    written_back::<Issuer>("Issuer");
    written_back::<ClusterIssuer>("ClusterIssuer");
    written_back::<Order>("Order");
    written_back::<Challenge>("Challenge");
}

fn written_back<K: Serialize + DeserializeOwned>(kind: &str) {
    for text in recorded(kind) {
        let object: K = serde_json::from_str(text).expect("recorded objects are read");
        let written = serde_json::to_value(&object).expect("objects are JSON");
        assert_eq!(
            without_nothing(written),
            without_nothing(serde_json::from_str(text).expect("recorded objects are read")),
            "{text}"
        );
    }
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
