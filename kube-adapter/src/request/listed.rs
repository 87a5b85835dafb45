//! A request as a list shows it: without what was asked and answered, where it has ended. And as metadata name it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::Deserialize;

use super::REVISION;
use crate::api::Resource;
use crate::crd::certificate_request::{CertificateRequest, CertificateRequestSpec, CertificateRequestStatus};
use crate::crd::condition::{Condition, ConditionStatus};
use crate::crd::reference::IssuerRef;
use crate::crd::time::Time;
use crate::key::{Identity, Name};
use crate::plan::request::settled;
use crate::watch::{Malformed, Members, Message, Text, Watched};

/// A request of a list, without signing request, certificate and authority: a cold start would read them all for nothing.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Listed<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
    #[serde(borrow)]
    spec: Signer<'a>,
    #[serde(borrow)]
    status: Option<Outcome<'a>>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    uid: Cow<'a, str>,
    #[serde(borrow)]
    resource_version: Cow<'a, str>,
    #[serde(borrow)]
    annotations: Members<'a, Text<'a>>,
    owner_references: Vec<OwnerReference>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Signer<'a> {
    #[serde(borrow)]
    issuer_ref: Issuer<'a>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Issuer<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    group: Cow<'a, str>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Outcome<'a> {
    #[serde(borrow)]
    conditions: Option<Vec<Said<'a>>>,
    failure_time: Option<Time>,
}

/// A condition, as far as it tells how a request ended.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Said<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    status: ConditionStatus,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

impl Listed<'_> {
    /// What is kept of one that has ended; one that goes on has to be read whole.
    fn ended(self) -> Option<CertificateRequest> {
        let Self { metadata, spec: Signer { issuer_ref }, status } = self;
        let Outcome { conditions, failure_time } = status?;
        let said = conditions.unwrap_or_default().into_iter();
        let conditions = said.map(|it| Condition::new(&it.kind, it.status, &it.reason, it.message)).collect();
        settled(&conditions, failure_time.as_ref().and_then(Time::timestamp))?;
        let Issuer { name, kind, group } = issuer_ref;
        let [name, kind, group] = [name, kind, group].map(Cow::into_owned);
        let issuer_ref = IssuerRef { name, kind, group, ..IssuerRef::default() };
        let spec = CertificateRequestSpec { issuer_ref, ..CertificateRequestSpec::default() };
        let status = CertificateRequestStatus { conditions, failure_time, ..CertificateRequestStatus::default() };
        Some(CertificateRequest { metadata: metadata.of_ended(), spec, status: Some(status) })
    }
}

impl Metadata<'_> {
    /// What is kept of them.
    fn of_ended(self) -> ObjectMeta {
        let revision = self.annotations.pairs().find(|(key, _)| *key == REVISION);
        let said = |text: Cow<'_, str>| Some(text.into_owned()).filter(|it| !it.is_empty());
        ObjectMeta {
            annotations: revision.map(|(key, value)| BTreeMap::from([(key.to_owned(), value.to_owned())])),
            owner_references: Some(self.owner_references),
            name: said(self.name),
            namespace: said(self.namespace),
            uid: said(self.uid),
            resource_version: said(self.resource_version),
            ..ObjectMeta::default()
        }
    }
}

impl Watched for CertificateRequest {
    const RESOURCE: Resource = Resource::REQUESTS;
    const METADATA: Option<fn(Message<'_>) -> Result<Self, Malformed>> = Some(named);

    type Listed<'a> = Listed<'a>;

    fn listed(listed: Listed<'_>) -> Option<Self> {
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

    use super::{Listed, ObjectMeta, is_whole};
    use crate::crd::certificate_request::{CertificateRequest, CertificateRequestStatus};

    fn read(status: &Value) -> (Option<CertificateRequest>, CertificateRequest) {
        let object = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
            "metadata": {
                "name": "web-1", "namespace": "shop", "uid": "u", "resourceVersion": "7", "labels": { "a": "b" },
                "annotations": { "cert-manager.io/certificate-revision": "1" },
                "ownerReferences": [{ "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "name": "web", "uid": "v", "controller": true }],
            },
            "spec": { "request": "LS0t", "issuerRef": { "name": "ca" }, "usages": ["server auth"] }, "status": status,
        });
        let text = object.to_string();
        let listed: Listed<'_> = serde_json::from_str(&text).expect("it is a request");
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
            let said = |it: &CertificateRequestStatus| {
                let said = it.conditions.iter().cloned();
                said.map(|it| (it.kind, it.status, it.reason, it.message)).collect::<Vec<_>>()
            };
            assert_eq!(said(&listed_status), said(&whole_status));
            assert_eq!(listed_status.failure_time, whole_status.failure_time);
            assert_eq!(listed.spec.issuer_ref, whole.spec.issuer_ref);
            let kept = ObjectMeta { labels: None, creation_timestamp: None, ..whole.metadata };
            assert_eq!(listed.metadata, kept);
        }
    }
}
