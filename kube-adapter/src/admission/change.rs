//! What may not be made of an object that is there.

use std::collections::BTreeMap;

use super::findings::{Findings, Path};
use super::{Violation, request};
use crate::crd::order::{Authorization, OfferedChallenge};
use crate::crd::{CertificateRequest, Challenge, Order, OrderStatus};

/// What the webhook refuses of a change of a CertificateRequest: its spec, its annotations for cert-manager, a decision that was taken.
pub fn certificate_request_change(old: &CertificateRequest, new: &CertificateRequest) -> Vec<Violation> {
    let mut findings = Findings::default();
    judge_annotations(old, new, &mut findings);
    judge_annotations(new, old, &mut findings);
    let at = Path::new("status").child("conditions");
    for kind in ["Approved", "Denied"] {
        let of = |request| request::conditions(request).and_then(|conditions| conditions.get(kind));
        if of(old).is_some() && of(old) != of(new) {
            findings.forbidden(&at, &format!("'{kind}' condition may not be modified once set"));
        }
    }
    request::judge_conditions(request::conditions(new), &mut findings);
    if old.spec != new.spec {
        findings.forbidden(&Path::new("spec"), "cannot change spec after creation");
    }
    findings.into_violations()
}

/// What the webhook refuses of a change of a Challenge: its spec.
pub fn challenge_change(old: &Challenge, new: &Challenge) -> Vec<Violation> {
    let mut findings = Findings::default();
    if old.spec != new.spec {
        findings.forbidden(&Path::new("spec"), "challenge spec is immutable after creation");
    }
    findings.into_violations()
}

/// What the webhook refuses of a change of an Order: the signing request, and what the server said once.
pub fn order_change(old: &Order, new: &Order) -> Vec<Violation> {
    let mut findings = Findings::default();
    let (none, spec) = (OrderStatus::default(), Path::new("spec"));
    keep(!old.spec.request.is_empty(), &old.spec.request, &new.spec.request, &spec.child("request"), &mut findings);
    let (old, new) = (old.status.as_ref().unwrap_or(&none), new.status.as_ref().unwrap_or(&none));
    let path = Path::new("status");
    keep_text(&old.url, &new.url, &path.child("url"), &mut findings);
    keep_text(&old.finalize_url, &new.finalize_url, &path.child("finalizeURL"), &mut findings);
    let certificate = path.child("certificate");
    keep(!old.certificate.is_empty(), &old.certificate, &new.certificate, &certificate, &mut findings);
    let path = path.child("authorizations");
    keep_length(&old.authorizations, &new.authorizations, &path, &mut findings);
    for (index, (old, new)) in old.authorizations.iter().zip(&new.authorizations).enumerate() {
        judge_authorization(old, new, &path.index(index), &mut findings);
    }
    findings.into_violations()
}

fn judge_authorization(old: &Authorization, new: &Authorization, path: &Path, findings: &mut Findings) {
    keep_text(&old.url, &new.url, &path.child("url"), findings);
    keep_text(&old.identifier, &new.identifier, &path.child("identifier"), findings);
    keep(old.wildcard.is_some(), &old.wildcard, &new.wildcard, &path.child("wildcard"), findings);
    let state = path.child("initialState");
    keep(old.initial_state.is_some(), &old.initial_state, &new.initial_state, &state, findings);
    let path = path.child("challenges");
    keep_length(&old.challenges, &new.challenges, &path, findings);
    for (index, (old, new)) in old.challenges.iter().zip(&new.challenges).enumerate() {
        judge_offer(old, new, &path.index(index), findings);
    }
}

fn judge_offer(old: &OfferedChallenge, new: &OfferedChallenge, path: &Path, findings: &mut Findings) {
    keep_text(&old.url, &new.url, &path.child("url"), findings);
    keep_text(&old.kind, &new.kind, &path.child("type"), findings);
    keep_text(&old.token, &new.token, &path.child("token"), findings);
}

/// Annotations for cert-manager that `one` has and `other` has not, or not so.
fn judge_annotations(one: &CertificateRequest, other: &CertificateRequest, findings: &mut Findings) {
    let (path, none) = (Path::new("metadata").child("annotations"), BTreeMap::new());
    let other = other.metadata.annotations.as_ref().unwrap_or(&none);
    for (key, value) in one.metadata.annotations.as_ref().unwrap_or(&none) {
        let is_ours = key.starts_with("cert-manager.io") || key.starts_with("acme.cert-manager.io");
        if is_ours && other.get(key) != Some(value) {
            findings.forbidden(&path.child(key), "cannot change cert-manager annotation after creation");
        }
    }
}

fn keep_text(old: &str, new: &str, path: &Path, findings: &mut Findings) {
    keep(!old.is_empty(), old, new, path, findings);
}

fn keep_length<T>(old: &[T], new: &[T], path: &Path, findings: &mut Findings) {
    keep(!old.is_empty(), &old.len(), &new.len(), path, findings);
}

/// Refuses another value for what was set.
fn keep<T: PartialEq + ?Sized>(is_set: bool, old: &T, new: &T, path: &Path, findings: &mut Findings) {
    if is_set && old != new {
        findings.forbidden(path, "field is immutable once set");
    }
}
