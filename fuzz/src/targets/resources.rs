//! What an API server serves: objects of cert-manager's kinds, as anybody may have written them.

use kube_adapter::crd::acme::pod::PodResources;
use kube_adapter::crd::duration::GoDuration;
use kube_adapter::crd::{Certificate, CertificateRequest, Challenge, Issuer, Order};
use kube_adapter::{admission, names};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An object of one of the six kinds in JSON: it is judged and named whatever stands in it, and can be read again when it was written.
pub fn resource(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some(certificate) = reread(text, |it: &Certificate| &it.spec) {
        judged(&admission::certificate(&certificate));
        judged(&admission::names(&certificate.spec));
        assert!(names::request(&certificate.spec.secret_name, i64::MAX).len() <= 253);
    }
    if let Some(request) = reread(text, |it: &CertificateRequest| &it.spec) {
        judged(&admission::certificate_request(&request));
        assert_eq!(admission::certificate_request_change(&request, &request).len(), conditions_refused(&request));
    }
    if let Some(issuer) = reread(text, |it: &Issuer| &it.spec) {
        judged(&admission::issuer(&issuer.spec));
    }
    if let Some(order) = reread(text, |it: &Order| &it.spec) {
        assert!(admission::order_change(&order, &order).is_empty());
        assert!(names::order(&order.spec.common_name, &order.spec).len() <= 63);
    }
    if let Some(challenge) = reread(text, |it: &Challenge| &it.spec) {
        assert!(admission::challenge_change(&challenge, &challenge).is_empty());
        assert!(names::challenge(&challenge.spec.dns_name, &challenge.spec).len() <= 63);
    }
    if let Ok(resources) = serde_json::from_str::<PodResources>(text) {
        for amount in resources.limits.values() {
            // 62.5Ki is written as 64000, and that as 64k.
            let settled = amount.canonical().canonical();
            assert_eq!(settled.canonical(), settled, "{}", amount.as_str());
        }
    }
    let span = GoDuration::from(text).canonical();
    assert_eq!(span.canonical(), span);
}

/// What is left to refuse where nothing changes: conditions that were never allowed.
fn conditions_refused(request: &CertificateRequest) -> usize {
    let mut bare = request.clone();
    bare.spec = serde_json::from_str(r#"{"issuerRef":{"name":"i"}}"#).unwrap_or_default();
    // A request of nothing is one fault.
    admission::certificate_request(&bare).len() - 1
}

/// The object in `text`, whose parts can be read again when they were written; its metadata is not ours.
fn reread<K: DeserializeOwned, S: Serialize + DeserializeOwned>(text: &str, spec: fn(&K) -> &S) -> Option<K> {
    let object: K = serde_json::from_str(text).ok()?;
    let written = serde_json::to_string(spec(&object)).ok();
    assert!(written.is_some_and(|written| serde_json::from_str::<S>(&written).is_ok()), "not read again: {text}");
    Some(object)
}

/// A violation names its place and is one line.
fn judged(violations: &[admission::Violation]) {
    for violation in violations {
        assert!(violation.path.starts_with("spec") || violation.path.starts_with("status"));
    }
    assert_eq!(admission::message(violations).is_empty(), violations.is_empty());
}
