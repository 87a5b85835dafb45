//! A request as a list shows it: without what was asked and answered, where it has ended.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use crate::api::Resource;
use crate::crd::certificate_request::{CertificateRequest, CertificateRequestSpec, CertificateRequestStatus};
use crate::crd::condition::Condition;
use crate::crd::reference::IssuerRef;
use crate::crd::time::Time;
use crate::key::{Identity, Name};
use crate::plan::request::settled;
use crate::watch::{Malformed, Message, Watched};

/// A request of a list, without signing request, certificate and authority: a cold start would read them all for nothing.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Listed {
    metadata: ObjectMeta,
    spec: Signer,
    status: Option<Outcome>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Signer {
    issuer_ref: IssuerRef,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Outcome {
    conditions: Option<Vec<Condition>>,
    failure_time: Option<Time>,
}

impl Listed {
    /// What is kept of one that has ended; one that goes on has to be read whole.
    pub(crate) fn ended(self) -> Option<CertificateRequest> {
        let Self { metadata, spec: Signer { issuer_ref }, status } = self;
        let Outcome { conditions, failure_time } = status?;
        let conditions = conditions.unwrap_or_default().into_iter().collect();
        settled(&conditions, failure_time.as_ref().and_then(Time::timestamp))?;
        let spec = CertificateRequestSpec { issuer_ref, ..CertificateRequestSpec::default() };
        let status = CertificateRequestStatus { conditions, failure_time, ..CertificateRequestStatus::default() };
        Some(CertificateRequest { metadata, spec, status: Some(status) })
    }
}

impl Watched for CertificateRequest {
    const RESOURCE: Resource = Resource::REQUESTS;
    const METADATA: Option<fn(Message<'_>) -> Result<Self, Malformed>> = Some(named);

    type Listed = Listed;

    fn listed(listed: Listed) -> Option<Self> {
        listed.ended()
    }

    fn version(&self) -> Option<&str> {
        self.metadata.resource_version.as_deref()
    }

    fn head(&self) -> Option<(Name, Identity)> {
        Some((Name::of(&self.metadata), Identity::of(&self.metadata)?))
    }
}

/// A request of which nothing is said but which it is, and in what state.
fn named(mut message: Message<'_>) -> Result<CertificateRequest, Malformed> {
    let mut metadata = ObjectMeta::default();
    while let Some((number, field)) = message.next()? {
        let place = match number {
            1 => &mut metadata.name,
            3 => &mut metadata.namespace,
            5 => &mut metadata.uid,
            6 => &mut metadata.resource_version,
            _ => continue,
        };
        *place = Some(field.text()?.to_owned());
    }
    Ok(CertificateRequest { metadata, ..CertificateRequest::default() })
}

/// Whether nothing of a request was left out: every one asks for something.
pub(super) fn is_whole(object: &CertificateRequest) -> bool {
    !object.spec.request.is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Listed, is_whole};
    use crate::crd::certificate_request::CertificateRequest;

    fn read(status: &Value) -> (Option<CertificateRequest>, CertificateRequest) {
        let object = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
            "metadata": { "name": "web-1", "annotations": { "cert-manager.io/certificate-revision": "1" } },
            "spec": { "request": "LS0t", "issuerRef": { "name": "ca" }, "usages": ["server auth"] }, "status": status,
        });
        let text = object.to_string();
        let listed: Listed = serde_json::from_str(&text).expect("it is a request");
        (listed.ended(), serde_json::from_str(&text).expect("it is a request"))
    }

    #[test]
    fn of_a_request_that_goes_on_more_has_to_be_read() {
        for status in [
            json!(null),
            json!({}),
            json!({ "conditions": [{ "type": "Approved", "status": "True", "extra": 7 }] }),
            json!({ "conditions": [{ "type": "Ready", "status": "False", "reason": "Pending" }], "ca": "LS0t" }),
        ] {
            let (listed, whole) = read(&status);
            assert!(listed.is_none() && is_whole(&whole));
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
            let listed = listed.expect("it has ended");
            assert!(!is_whole(&listed));
            let (listed_status, whole_status) = (listed.status.expect("a status"), whole.status.expect("a status"));
            assert_eq!(listed_status.conditions, whole_status.conditions);
            assert_eq!(listed_status.failure_time, whole_status.failure_time);
            assert_eq!((listed.metadata, listed.spec.issuer_ref), (whole.metadata, whole.spec.issuer_ref));
        }
    }
}
