//! What deployment tools think of a Certificate, by the rules that they document.
//!
//! Argo CD publishes its check of cert-manager's Certificates with its other resource checks; kstatus describes how any object with conditions is judged. Both are
//! written here from that, and neither program is run.

use serde_json::Value;

use super::space::conditions;

/// What a tool says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is well: Argo CD's Healthy, kstatus' Current.
    Well,
    /// It is being worked on: Progressing, InProgress.
    Progressing,
    /// It is not well: Degraded, Failed.
    Unwell,
}

/// Argo CD: `Issuing` first; then `Ready`, whichever comes; nothing yet is Progressing.
pub fn by_argo_cd(certificate: &Value) -> Verdict {
    let conditions = conditions(certificate);
    if conditions.iter().any(|it| it["type"] == "Issuing" && it["status"] == "True") {
        return Verdict::Progressing;
    }
    let ready = conditions.iter().find(|it| it["type"] == "Ready" && it["status"] != "Unknown");
    match ready.and_then(|it| it["status"].as_str()) {
        Some("True") => Verdict::Well,
        Some(_) => Verdict::Unwell,
        None => Verdict::Progressing,
    }
}

/// kstatus: what was not observed yet is in progress; `Stalled` and `Reconciling` go first, `Ready` that is not True is in progress, and who has no conditions is current.
pub fn by_kstatus(object: &Value) -> Verdict {
    let observed = &object["status"]["observedGeneration"];
    if !observed.is_null() && *observed != object["metadata"]["generation"] {
        return Verdict::Progressing;
    }
    let conditions = conditions(object);
    let is = |kind: &str| conditions.iter().any(|it| it["type"] == kind && it["status"] == "True");
    if is("Stalled") {
        return Verdict::Unwell;
    }
    let ready = conditions.iter().find(|it| it["type"] == "Ready");
    if is("Reconciling") || ready.is_some_and(|it| it["status"] != "True") {
        return Verdict::Progressing;
    }
    Verdict::Well
}
