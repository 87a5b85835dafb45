//! Certificates.

use std::net::IpAddr;

use acme_core::DnsName;
use issuers::ObjectIdentifier;
use issuers::template::GeneralName;
use serde::Serialize;

use super::findings::{Findings, Path};
use super::{email, renewal, subject, syntax};
use crate::crd::CertificateSpec;
use crate::crd::certificate::{
    JksKeystore, KeyUsage, NameConstraintItem, NameConstraints, Pkcs12Keystore, PrivateKeyAlgorithm, SignatureAlgorithm,
};
use crate::crd::reference::IssuerRef;

/// Judges a whole spec, in the webhook's order.
pub(super) fn judge(spec: &CertificateSpec, path: &Path, findings: &mut Findings) {
    if spec.secret_name.is_empty() {
        findings.required(&path.child("secretName"), "must be specified");
    } else {
        for fault in syntax::subdomain(&spec.secret_name) {
            findings.invalid(&path.child("secretName"), &spec.secret_name, &fault);
        }
    }
    judge_issuer_ref(&spec.issuer_ref, path, findings);
    subject::judge(spec, path, findings);
    judge_addresses(spec, path, findings);
    judge_other_names(spec, path, findings);
    judge_key(spec, path, findings);
    renewal::judge_duration(spec, path, findings);
    for (index, usage) in spec.usages.iter().enumerate() {
        if matches!(usage, KeyUsage::Other(_)) {
            findings.invalid_json(&path.child("usages").index(index), usage, "unknown keyusage");
        }
    }
    if let Some(limit) = spec.revision_history_limit.filter(|limit| *limit < 1) {
        findings.invalid_json(&path.child("revisionHistoryLimit"), &limit, "must not be less than 1");
    }
    judge_template(spec, path, findings);
    judge_name_constraints(spec, path, findings);
    judge_output(spec, path, findings);
    if let Some(renewal) = &spec.renewal {
        renewal::judge(renewal, &path.child("renewal"), findings);
    }
}

/// Judges names as such: what is refused here, nothing can be issued for.
pub(super) fn judge_names(spec: &CertificateSpec, path: &Path, findings: &mut Findings) {
    for (index, name) in spec.dns_names.iter().enumerate() {
        if !name.is_ascii() {
            let what = "it holds letters beyond ASCII, which certificates cannot carry: write its xn-- form";
            findings.invalid(&path.child("dnsNames").index(index), name, what);
        } else if let Err(error) = DnsName::parse(name) {
            findings.invalid(&path.child("dnsNames").index(index), name, &error.to_string());
        }
    }
    for (index, uri) in spec.uris.iter().enumerate() {
        if let Err(error) = GeneralName::uri(uri) {
            findings.invalid(&path.child("uris").index(index), uri, &error.to_string());
        }
    }
}

/// Judges who shall issue.
pub(super) fn judge_issuer_ref(issuer: &IssuerRef, path: &Path, findings: &mut Findings) {
    let path = path.child("issuerRef");
    if issuer.name.is_empty() {
        findings.required(&path.child("name"), "must be specified");
    }
    if issuer.is_built_in() && !matches!(issuer.kind.as_str(), "" | "Issuer" | "ClusterIssuer") {
        let path = path.child("kind");
        let hint = match issuer.group.as_str() {
            "" => format!(" (did you forget to set {}?)", path.child("group").as_str()),
            _ => String::new(),
        };
        findings.invalid(&path, &issuer.kind, &format!("must be one of Issuer or ClusterIssuer{hint}"));
    }
}

fn judge_addresses(spec: &CertificateSpec, path: &Path, findings: &mut Findings) {
    for (index, address) in spec.ip_addresses.iter().enumerate() {
        if address.parse::<IpAddr>().is_err() {
            findings.invalid(&path.child("ipAddresses").index(index), address, "invalid IP address");
        }
    }
    for (index, address) in spec.email_addresses.iter().enumerate() {
        if let Some(fault) = email::fault(address) {
            let detail = format!("invalid email address: {fault}");
            findings.invalid(&path.child("emailAddresses").index(index), address, &detail);
        }
    }
}

fn judge_other_names(spec: &CertificateSpec, path: &Path, findings: &mut Findings) {
    for (index, name) in spec.other_names.iter().enumerate() {
        let path = path.child("otherNames").index(index);
        if name.oid.is_empty() {
            findings.required(&path.child("oid"), "must be specified");
        }
        if ObjectIdentifier::parse(&name.oid).is_err() {
            findings.invalid(&path.child("oid"), &name.oid, "invalid oid syntax");
        }
        if name.utf8_value.is_empty() {
            findings.required(&path.child("utf8Value"), "must be set to a valid non-empty UTF8 string");
        }
    }
}

fn judge_key(spec: &CertificateSpec, path: &Path, findings: &mut Findings) {
    let key = spec.private_key.clone().unwrap_or_default();
    let algorithm = key.algorithm.unwrap_or(PrivateKeyAlgorithm::Rsa);
    let path_of = |field: &str| path.child("privateKey").child(field);
    match &algorithm {
        PrivateKeyAlgorithm::Rsa => {
            if key.size > 0 && !(2048..=8192).contains(&key.size) {
                findings.invalid_json(
                    &path_of("size"),
                    &key.size,
                    "must be between 2048 and 8192 for rsa keyAlgorithm",
                );
            }
        }
        PrivateKeyAlgorithm::Ecdsa => {
            if key.size > 0 && !matches!(key.size, 256 | 384 | 521) {
                findings.unsupported(&path_of("size"), &key.size, &["256", "384", "521"]);
            }
        }
        PrivateKeyAlgorithm::Ed25519 => {}
        PrivateKeyAlgorithm::Other(_) => {
            let detail = "must be either empty or one of rsa, ecdsa or ed25519";
            findings.invalid_json(&path_of("algorithm"), &algorithm, detail);
        }
    }
    if let Some(signature) = &spec.signature_algorithm {
        let allowed = signatures(&algorithm);
        if !allowed.is_empty() && !allowed.contains(signature) {
            let allowed: Vec<&str> = allowed.iter().map(SignatureAlgorithm::as_str).collect();
            let detail =
                format!("for key algorithm {algorithm} the allowed signature algorithms are [{}]", allowed.join(" "));
            findings.invalid_json(&path.child("signatureAlgorithm"), signature, &detail);
        }
    }
}

/// What a key can sign with.
fn signatures(key: &PrivateKeyAlgorithm) -> &'static [SignatureAlgorithm] {
    match key {
        PrivateKeyAlgorithm::Rsa => {
            &[SignatureAlgorithm::Sha256WithRsa, SignatureAlgorithm::Sha384WithRsa, SignatureAlgorithm::Sha512WithRsa]
        }
        PrivateKeyAlgorithm::Ecdsa => &[
            SignatureAlgorithm::EcdsaWithSha256,
            SignatureAlgorithm::EcdsaWithSha384,
            SignatureAlgorithm::EcdsaWithSha512,
        ],
        PrivateKeyAlgorithm::Ed25519 => &[SignatureAlgorithm::PureEd25519],
        PrivateKeyAlgorithm::Other(_) => &[],
    }
}

fn judge_template(spec: &CertificateSpec, path: &Path, findings: &mut Findings) {
    let Some(template) = &spec.secret_template else { return };
    let path = path.child("secretTemplate");
    syntax::labels(&template.labels, &path.child("labels"), findings);
    let path = path.child("annotations");
    for key in template.annotations.keys() {
        if key.starts_with("cert-manager.io/") && key != "cert-manager.io/allow-direct-injection" {
            findings.invalid(&path, key, "cert-manager.io/* annotations are not allowed");
        }
    }
    syntax::annotations(&template.annotations, &path, findings);
}

fn judge_name_constraints(spec: &CertificateSpec, path: &Path, findings: &mut Findings) {
    let Some(constraints) = &spec.name_constraints else { return };
    let path = path.child("nameConstraints");
    if !spec.is_ca {
        let detail = "isCA should be true when nameConstraints is set";
        findings.invalid_json(&path, &ShownConstraints::from(constraints), detail);
    }
    if constraints.permitted.is_none() && constraints.excluded.is_none() {
        findings.invalid_json(&path, &ShownConstraints::from(constraints), "either permitted or excluded must be set");
    }
    for (name, item) in [("permitted", &constraints.permitted), ("excluded", &constraints.excluded)] {
        let ranges = item.iter().flat_map(|item| &item.ip_ranges).enumerate();
        for (index, range) in ranges.filter(|(_, range)| !is_cidr(range)) {
            findings.invalid(&path.child(name).child("ipRanges").index(index), range, "invalid CIDR address");
        }
    }
}

fn is_cidr(range: &str) -> bool {
    let Some((address, length)) = range.split_once('/') else { return false };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    digits && length.parse::<u32>().is_ok_and(|length| length <= most)
}

fn judge_output(spec: &CertificateSpec, path: &Path, findings: &mut Findings) {
    for (index, format) in spec.additional_output_formats.iter().enumerate() {
        if spec.additional_output_formats[..index].contains(format) {
            findings.duplicate(&path.child("additionalOutputFormats").key("type"), format.kind.as_str());
        }
    }
    let Some(keystores) = &spec.keystores else { return };
    let path = path.child("keystores");
    if let Some(JksKeystore { password, password_secret_ref, .. }) = &keystores.jks {
        let password = password.as_ref().map(|password| password.expose());
        judge_password(password, &password_secret_ref.name, "JKS", &path.child("jks"), findings);
    }
    if let Some(Pkcs12Keystore { password, password_secret_ref, .. }) = &keystores.pkcs12 {
        let password = password.as_ref().map(|password| password.expose());
        judge_password(password, &password_secret_ref.name, "PKCS#12", &path.child("pkcs12"), findings);
    }
}

fn judge_password(password: Option<&str>, secret: &str, kind: &str, path: &Path, findings: &mut Findings) {
    match (password, secret) {
        (Some(_), "") => {}
        (Some(_), _) => {
            let rule = "exactly one of passwordSecretRef and password must be provided for";
            findings.forbidden(path, &format!("{rule} {kind} keystores; cannot set both"));
        }
        (None, "") => {
            let rule = "must set exactly one of passwordSecretRef and password must for";
            findings.forbidden(path, &format!("{rule} {kind} keystores"));
        }
        (None, _) => {}
    }
    if password == Some("") {
        let detail = format!("literal password cannot be empty if set on {kind} keystores");
        findings.forbidden(&path.child("password"), &detail);
    }
}

/// Name constraints as the webhook shows them: under the names of its own types.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownConstraints<'a> {
    critical: bool,
    permitted: Option<ShownNames<'a>>,
    excluded: Option<ShownNames<'a>>,
}

#[derive(Serialize)]
struct ShownNames<'a> {
    #[serde(rename = "DNSDomains")]
    dns_domains: Option<&'a [String]>,
    #[serde(rename = "IPRanges")]
    ip_ranges: Option<&'a [String]>,
    #[serde(rename = "EmailAddresses")]
    email_addresses: Option<&'a [String]>,
    #[serde(rename = "URIDomains")]
    uri_domains: Option<&'a [String]>,
}

impl<'a> From<&'a NameConstraints> for ShownConstraints<'a> {
    fn from(constraints: &'a NameConstraints) -> Self {
        Self {
            critical: constraints.critical,
            permitted: constraints.permitted.as_ref().map(ShownNames::from),
            excluded: constraints.excluded.as_ref().map(ShownNames::from),
        }
    }
}

impl<'a> From<&'a NameConstraintItem> for ShownNames<'a> {
    fn from(item: &'a NameConstraintItem) -> Self {
        Self {
            dns_domains: subject::shown(&item.dns_domains),
            ip_ranges: subject::shown(&item.ip_ranges),
            email_addresses: subject::shown(&item.email_addresses),
            uri_domains: subject::shown(&item.uri_domains),
        }
    }
}
