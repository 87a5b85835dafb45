//! Issuers and ClusterIssuers: which kind they are, ACME and CA.

use issuers::chain;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::findings::{Findings, OneOf, Path};
use super::{dns01, http01, vault, venafi};
use crate::crd::IssuerSpec;
use crate::crd::acme::{AcmeIssuer, Solver};
use crate::crd::issuer::CaIssuer;
use crate::crd::reference::SecretKeySelector;

/// Judges a whole spec, in the webhook's order: of several kinds the first is judged and the others are refused.
pub(super) fn judge(spec: &IssuerSpec, path: &Path, findings: &mut Findings) {
    let mut kinds = OneOf::new("may not specify more than one issuer type");
    let [acme_at, ca_at, vault_at, venafi_at] = ["acme", "ca", "vault", "venafi"].map(|name| path.child(name));
    if let Some(acme) = &spec.acme
        && kinds.admits(&acme_at, findings)
    {
        judge_acme(acme, &acme_at, findings);
    }
    if let Some(ca) = &spec.ca
        && kinds.admits(&ca_at, findings)
    {
        judge_ca(ca, &ca_at, findings);
    }
    if spec.self_signed.is_some() {
        kinds.admits(&path.child("selfSigned"), findings);
    }
    if let Some(vault) = &spec.vault
        && kinds.admits(&vault_at, findings)
    {
        vault::judge(vault, &vault_at, findings);
    }
    if let Some(venafi) = &spec.venafi
        && kinds.admits(&venafi_at, findings)
    {
        venafi::judge(venafi, &venafi_at, findings);
    }
    if kinds.is_none() {
        findings.required(path, "at least one issuer must be configured");
    }
}

fn judge_acme(acme: &AcmeIssuer, path: &Path, findings: &mut Findings) {
    if !acme.ca_bundle.is_empty() {
        if acme.skip_tls_verify {
            let detail = "caBundle and skipTLSVerify are mutually exclusive and cannot both be set";
            findings.invalid(&path.child("caBundle"), "", detail);
            findings.invalid_json(&path.child("skipTLSVerify"), &true, detail);
        }
        if !has_certificate(acme.ca_bundle.as_slice()) {
            findings.invalid(&path.child("caBundle"), "", NO_CERTIFICATE);
        }
    }
    if acme.private_key_secret_ref.name.is_empty() {
        let path = path.child("privateKeySecretRef").child("name");
        findings.required(&path, "private key secret name is a required field");
    }
    if acme.server.is_empty() {
        findings.required(&path.child("server"), "acme server URL is a required field");
    }
    if let Some(binding) = &acme.external_account_binding {
        let path = path.child("externalAccountBinding");
        if binding.key_id.is_empty() {
            let detail = "the keyID field is required when using externalAccountBinding";
            findings.required(&path.child("keyID"), detail);
        }
        judge_selector(&binding.key_secret_ref, &path.child("keySecretRef"), findings);
    }
    for (index, solver) in acme.solvers.iter().enumerate() {
        judge_solver(solver, &path.child("solvers").index(index), findings);
    }
}

fn judge_solver(solver: &Solver, path: &Path, findings: &mut Findings) {
    if let Some(http01) = &solver.http01 {
        http01::judge(http01, &path.child("http01"), findings);
    }
    match (&solver.http01, &solver.dns01) {
        (Some(_), Some(_)) => findings.forbidden(path, "may not specify more than one solver type in a single solver"),
        (None, Some(dns01)) => dns01::judge(dns01, &path.child("dns01"), findings),
        (None, None) => findings.required(path, "no solver type configured"),
        (Some(_), None) => {}
    }
    let wait = solver.wait_instead_of_self_check.as_ref().and_then(|wait| wait.nanoseconds());
    if let Some(wait) = wait.filter(|wait| *wait < 0) {
        let path = path.child("waitInsteadOfSelfCheck");
        findings.invalid_json(&path, &wait, "waitInsteadOfSelfCheck must not be negative");
    }
}

fn judge_ca(ca: &CaIssuer, path: &Path, findings: &mut Findings) {
    if ca.secret_name.is_empty() {
        findings.required(&path.child("secretName"), "");
    }
    for (index, url) in ca.ocsp_servers.iter().enumerate().filter(|(_, url)| url.is_empty()) {
        // The webhook calls the field so.
        let path = path.child("ocspServer").index(index);
        findings.invalid(&path, url, "must be a valid URL, e.g., http://ocsp.int-x3.letsencrypt.org");
    }
    for (index, url) in ca.issuing_certificate_urls.iter().enumerate().filter(|(_, url)| url.is_empty()) {
        findings.invalid(&path.child("issuingCertificateURLs").index(index), url, "must be a valid URL");
    }
}

/// Judges a selector that must name a Secret and a key in it.
pub(super) fn judge_selector(selector: &SecretKeySelector, path: &Path, findings: &mut Findings) {
    if selector.name.is_empty() {
        findings.required(&path.child("name"), "secret name is required");
    }
    if selector.key.is_empty() {
        findings.required(&path.child("key"), "secret key is required");
    }
}

/// Whether there is a certificate in a bundle of PEM; what is none is passed over.
pub(super) fn has_certificate(bundle: &[u8]) -> bool {
    CertificateDer::pem_slice_iter(bundle).flatten().any(|certificate| chain::public_key(&certificate).is_ok())
}

pub(super) const NO_CERTIFICATE: &str = "cert bundle didn't contain any valid certificates";
