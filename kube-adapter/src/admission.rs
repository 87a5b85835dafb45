//! What cert-manager's webhook refuses, in its words: pure functions of objects.
//!
//! The planner asks them before it acts, so that an object that came past a webhook, or was there before it, ends in a condition with the
//! webhook's text instead of a request that cannot succeed; the webhook asks them for its answer. [`certificate`], [`issuer`] and
//! [`certificate_request`] judge an object as it is; [`certificate_request_change`], [`order_change`] and [`challenge_change`] judge what
//! is made of it. [`names`] finds names that pass the webhook and yet are none. [`message`] puts violations into one line.

mod certificate;
mod change;
mod dns01;
mod email;
mod findings;
mod http01;
mod issuer;
mod renewal;
mod request;
mod subject;
mod syntax;
mod vault;
mod venafi;

use crate::crd::{Certificate, CertificateRequest, CertificateRequestSpec, CertificateSpec, IssuerSpec};

pub use change::{certificate_request_change, challenge_change, order_change};
pub use findings::{Reason, Violation};

use findings::{Findings, Path};

/// What the webhook refuses of a Certificate.
pub fn certificate(certificate: &Certificate) -> Vec<Violation> {
    let mut findings = Findings::default();
    certificate::judge(&certificate.spec, &Path::new("spec"), &mut findings);
    findings.into_violations()
}

/// Names of a Certificate that the webhook lets pass and that no certificate can be for, for example `\*.example.com`.
///
/// Nothing can be asked of any issuer while there are such names.
pub fn names(spec: &CertificateSpec) -> Vec<Violation> {
    let mut findings = Findings::default();
    certificate::judge_names(spec, &Path::new("spec"), &mut findings);
    findings.into_violations()
}

/// What the webhook refuses of an Issuer or ClusterIssuer.
pub fn issuer(spec: &IssuerSpec) -> Vec<Violation> {
    let mut findings = Findings::default();
    issuer::judge(spec, &Path::new("spec"), &mut findings);
    findings.into_violations()
}

/// What the webhook lets pass of an Issuer or ClusterIssuer with a warning.
pub fn issuer_warnings(spec: &IssuerSpec) -> Vec<&'static str> {
    let binding = spec.acme.as_ref().and_then(|acme| acme.external_account_binding.as_ref());
    binding.and_then(|binding| binding.key_algorithm.as_ref()).map(|_| DEPRECATED_KEY_ALGORITHM).into_iter().collect()
}

/// What the webhook refuses of a CertificateRequest, its conditions included.
pub fn certificate_request(request: &CertificateRequest) -> Vec<Violation> {
    let mut findings = Findings::default();
    request::judge(&request.spec, &Path::new("spec"), &mut findings);
    request::judge_conditions(request::conditions(request), &mut findings);
    findings.into_violations()
}

/// What the webhook refuses of what a CertificateRequest asks for, whatever was said of it since.
pub(crate) fn certificate_request_spec(spec: &CertificateRequestSpec) -> Vec<Violation> {
    let mut findings = Findings::default();
    request::judge(spec, &Path::new("spec"), &mut findings);
    findings.into_violations()
}

/// `violations` in one line, as the API server shows them: alone, or in brackets and each text once. Empty where there are none.
pub fn message(violations: &[Violation]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in violations.iter().map(ToString::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match texts.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

const DEPRECATED_KEY_ALGORITHM: &str =
    "ACME issuer spec field 'externalAccount.keyAlgorithm' is deprecated. The value of this field will be ignored.";
