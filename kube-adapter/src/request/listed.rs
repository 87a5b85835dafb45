//! A request as a list shows it: whole while it goes on, and without what was asked and answered once it has ended.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::crd::certificate_request::{CertificateRequest, CertificateRequestSpec, CertificateRequestStatus};
use crate::crd::condition::Condition;
use crate::crd::reference::IssuerRef;
use crate::crd::time::Time;
use crate::plan::request::settled;

/// A request of a list. Of one that has ended, signing request, certificate and authority are left out: a cold start would read them all for nothing.
#[derive(Debug)]
pub(crate) struct Listed(CertificateRequest);

impl From<Listed> for CertificateRequest {
    fn from(Listed(object): Listed) -> Self {
        object
    }
}

/// Whether nothing of a request was left out: every one asks for something.
pub(super) fn is_whole(object: &CertificateRequest) -> bool {
    !object.spec.request.is_empty()
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Parts { metadata, spec, status } = Parts::deserialize(deserializer)?;
        let text = |part: Option<&'de RawValue>| part.map_or("{}", RawValue::get);
        let outcome: Outcome = serde_json::from_str(text(status)).map_err(D::Error::custom)?;
        let failed_at = outcome.failure_time.as_ref().and_then(Time::timestamp);
        let conditions = outcome.conditions.unwrap_or_default().into_iter().collect();
        if settled(&conditions, failed_at).is_none() {
            let spec = serde_json::from_str(text(spec)).map_err(D::Error::custom)?;
            let status: Option<CertificateRequestStatus> =
                status.map(|it| serde_json::from_str(it.get())).transpose().map_err(D::Error::custom)?;
            return Ok(Self(CertificateRequest { metadata, spec, status }));
        }
        let Signer { issuer_ref } = serde_json::from_str(text(spec)).map_err(D::Error::custom)?;
        let spec = CertificateRequestSpec { issuer_ref, ..CertificateRequestSpec::default() };
        let failure_time = outcome.failure_time;
        let status = CertificateRequestStatus { conditions, failure_time, ..CertificateRequestStatus::default() };
        Ok(Self(CertificateRequest { metadata, spec, status: Some(status) }))
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Parts<'a> {
    metadata: ObjectMeta,
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Outcome {
    conditions: Option<Vec<Condition>>,
    failure_time: Option<Time>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Signer {
    issuer_ref: IssuerRef,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Listed, is_whole};
    use crate::crd::certificate_request::CertificateRequest;

    fn read(status: &Value) -> (CertificateRequest, CertificateRequest) {
        let object = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
            "metadata": { "name": "web-1", "annotations": { "cert-manager.io/certificate-revision": "1" } },
            "spec": { "request": "LS0t", "issuerRef": { "name": "ca" }, "usages": ["server auth"] }, "status": status,
        });
        let text = object.to_string();
        let Listed(listed) = serde_json::from_str(&text).expect("it is a request");
        (listed, serde_json::from_str(&text).expect("it is a request"))
    }

    #[test]
    fn a_request_that_goes_on_is_read_whole() {
        for status in [
            json!(null),
            json!({}),
            json!({ "conditions": [{ "type": "Approved", "status": "True", "extra": 7 }] }),
            json!({ "conditions": [{ "type": "Ready", "status": "False", "reason": "Pending" }], "ca": "LS0t" }),
        ] {
            let (listed, whole) = read(&status);
            assert_eq!(listed, whole);
            assert!(is_whole(&listed));
        }
    }

    #[test]
    fn of_a_request_that_has_ended_only_how_and_for_whom_is_read() {
        for status in [
            json!({ "conditions": [{ "type": "Ready", "status": "True", "reason": "Issued" }], "certificate": "LS0t" }),
            json!({ "conditions": [{ "type": "Ready", "status": "False", "reason": "Failed", "message": "no" }] }),
            json!({ "failureTime": "2026-11-25T22:00:00Z" }),
        ] {
            let (listed, whole) = read(&status);
            assert!(!is_whole(&listed));
            let (listed_status, whole_status) = (listed.status.expect("a status"), whole.status.expect("a status"));
            assert_eq!(listed_status.conditions, whole_status.conditions);
            assert_eq!(listed_status.failure_time, whole_status.failure_time);
            assert_eq!((listed.metadata, listed.spec.issuer_ref), (whole.metadata, whole.spec.issuer_ref));
        }
    }
}
