//! CertificateRequests as they are.

use issuers::csr::Request;
use issuers::template::{ExtendedKeyUsage, KeyUsages, Usages};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;

use super::certificate::judge_issuer_ref;
use super::findings::{Findings, Path};
use super::renewal::NO_SPAN;
use crate::crd::certificate::KeyUsage;
use crate::crd::condition::{Condition, ConditionStatus, Conditions};
use crate::crd::{CertificateRequest, CertificateRequestSpec};

pub(super) fn judge(spec: &CertificateRequestSpec, path: &Path, findings: &mut Findings) {
    judge_issuer_ref(&spec.issuer_ref, path, findings);
    // The API server lets such a text pass, and cert-manager cannot read the object.
    if let Some(duration) = spec.duration.as_ref().filter(|it| it.duration().is_none()) {
        findings.invalid(&path.child("duration"), duration.as_str(), NO_SPAN);
    }
    let pem = spec.request.as_slice();
    if pem.is_empty() {
        findings.required(&path.child("request"), "must be specified");
        return;
    }
    let unknown: Vec<&str> =
        spec.usages.iter().filter(|usage| matches!(usage, KeyUsage::Other(_))).map(KeyUsage::as_str).collect();
    if !unknown.is_empty() {
        let detail = format!("unknown key usages: [{}]", unknown.join(" "));
        findings.invalid_json(&path.child("usages"), &spec.usages, &detail);
        return;
    }
    if let Err(fault) = judge_signing_request(spec) {
        findings.invalid(&path.child("request"), &shortened(pem), &fault);
    }
}

/// Judges `Approved` and `Denied`: one of each, true, and not both.
pub(super) fn judge_conditions(conditions: Option<&Conditions>, findings: &mut Findings) {
    let path = Path::new("status").child("conditions");
    let found = |kind: &str| -> Vec<&Condition> {
        conditions.into_iter().flat_map(Conditions::iter).filter(|condition| condition.kind == kind).collect()
    };
    for kind in [APPROVED, DENIED] {
        match found(kind).as_slice() {
            [] => {}
            [only] if only.status == ConditionStatus::True => {}
            [only] => {
                let detail = format!("\"{kind}\" condition may only be set to True");
                findings.invalid_json(&path.child(kind), &only.status, &detail);
            }
            [..] => findings.forbidden(&path, &format!("multiple \"{kind}\" conditions present")),
        }
    }
    if !found(APPROVED).is_empty() && !found(DENIED).is_empty() {
        findings.forbidden(&path, "both 'Denied' and 'Approved' conditions cannot coexist");
    }
}

pub(super) fn conditions(request: &CertificateRequest) -> Option<&Conditions> {
    request.status.as_ref().map(|status| &status.conditions)
}

/// Whether the signing request is one, signed by its key, and asks for what the spec says, where it says so itself.
fn judge_signing_request(spec: &CertificateRequestSpec) -> Result<(), String> {
    let pem = spec.request.as_slice();
    if pem.len() > LONGEST_REQUEST {
        return Err(format!("{NOT_PEM}: provided PEM data was larger than the maximum {LONGEST_REQUEST}B"));
    }
    let der = CertificateSigningRequestDer::from_pem_slice(pem)
        .map_err(|_| format!("{NOT_PEM}: no PEM data was found in given input"))?;
    let request = Request::read(&der).map_err(|error| error.to_string())?;
    request.verify().map_err(|error| error.to_string())?;
    let constraints = request.basic_constraints().map_err(|error| error.to_string())?;
    if let Some(constraints) = constraints.filter(|constraints| constraints.is_authority() != spec.is_ca) {
        let is_ca = constraints.is_authority();
        return Err(format!("encoded CSR error: IsCA {is_ca} does not match expected value {}", spec.is_ca));
    }
    judge_usages(&request, spec)
}

fn judge_usages(request: &Request<'_>, spec: &CertificateRequestSpec) -> Result<(), String> {
    let key = request.key_usages().map_err(|error| error.to_string())?;
    let extended = request.extended_key_usages().map_err(|error| error.to_string())?;
    if key.is_none() && extended.is_none() {
        return Ok(());
    }
    let (wanted_key, wanted_extended) = wanted(spec);
    let key = key.unwrap_or(KeyUsages::NONE);
    if key != wanted_key {
        let (key, wanted) = (listed(&key_words(key)), listed(&key_words(wanted_key)));
        return Err(format!("encoded CSR error: the KeyUsages {key} do not match the expected KeyUsages {wanted}"));
    }
    let is_known = |usage: &ExtendedKeyUsage| !matches!(usage, ExtendedKeyUsage::Other(_));
    let extended: Vec<ExtendedKeyUsage> = extended.unwrap_or_default().into_iter().filter(is_known).collect();
    if extended != wanted_extended {
        let words = |usages: &[ExtendedKeyUsage]| usages.iter().map(ToString::to_string).collect::<Vec<String>>();
        let (extended, wanted) = (listed(&words(&extended)), listed(&words(&wanted_extended)));
        return Err(format!(
            "encoded CSR error: the ExtKeyUsages {extended} do not match the expected ExtKeyUsages {wanted}"
        ));
    }
    Ok(())
}

/// What the spec asks for, with cert-manager's default.
fn wanted(spec: &CertificateRequestSpec) -> (KeyUsages, Vec<ExtendedKeyUsage>) {
    let mut key = if spec.is_ca { KeyUsages::CERT_SIGN } else { KeyUsages::NONE };
    let mut extended = Vec::new();
    if spec.usages.is_empty() {
        return (key | KeyUsages::DIGITAL_SIGNATURE | KeyUsages::KEY_ENCIPHERMENT, extended);
    }
    for usage in &spec.usages {
        match ExtendedKeyUsage::parse(usage.as_str()) {
            Ok(usage) => extended.push(usage),
            Err(_) => key = key | Usages::parse([usage.as_str()]).unwrap_or_default().key,
        }
    }
    (key, extended)
}

/// The words for usages of a key, in the order of their bits.
fn key_words(usages: KeyUsages) -> Vec<String> {
    let bits = (0..9).map(|bit| KeyUsages::from_bits(1 << bit)).filter(|usage| usages.contains(*usage));
    bits.flat_map(|usage| Usages::of_key(usage).words()).collect()
}

/// `words` as the webhook lists them.
fn listed(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!(" '{word}'")).collect();
    if quoted.is_empty() { "[]".to_owned() } else { format!("[{} ]", quoted.join(",")) }
}

/// The beginning of a signing request, as much as is shown.
fn shortened(pem: &[u8]) -> String {
    if pem.len() <= MOST_SHOWN {
        return String::from_utf8_lossy(pem).into_owned();
    }
    format!("{}...", String::from_utf8_lossy(&pem[..MOST_SHOWN - 3]))
}

const APPROVED: &str = "Approved";
const DENIED: &str = "Denied";
const NOT_PEM: &str = "error decoding certificate request PEM block";
const LONGEST_REQUEST: usize = 36_500;
const MOST_SHOWN: usize = 100;
