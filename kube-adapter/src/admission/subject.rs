//! The subject of a Certificate, and whether there is any name at all.

use issuers::ObjectIdentifier;
use issuers::name::DistinguishedName;
use serde::Serialize;

use super::findings::{Findings, Path};
use crate::crd::CertificateSpec;
use crate::crd::certificate::X509Subject;

pub(super) fn judge(spec: &CertificateSpec, path: &Path, findings: &mut Findings) {
    let mut common_name = spec.common_name.clone();
    if !spec.literal_subject.is_empty() {
        if !common_name.is_empty() {
            let detail = "When providing a `LiteralSubject` no `commonName` may be provided.";
            findings.invalid(&path.child("commonName"), &common_name, detail);
        }
        if let Some(subject) = spec.subject.as_ref().filter(|subject| **subject != X509Subject::default()) {
            let detail = "When providing a `LiteralSubject` no `Subject` properties may be provided.";
            findings.invalid_json(&path.child("subject"), &ShownSubject::from(subject), detail);
        }
        if let Some(named) = judge_literal(&spec.literal_subject, &path.child("literalSubject"), findings) {
            common_name = named;
        }
    }
    let nameless = common_name.is_empty()
        && spec.dns_names.is_empty()
        && spec.uris.is_empty()
        && spec.email_addresses.is_empty()
        && spec.ip_addresses.is_empty()
        && spec.other_names.is_empty();
    if nameless {
        findings.invalid(path, "", NAMELESS);
    }
    if common_name.len() > LONGEST_COMMON_NAME {
        findings.too_long(&path.child("commonName"), LONGEST_COMMON_NAME);
    }
}

/// Judges a literal subject; answers its common name.
fn judge_literal(literal: &str, path: &Path, findings: &mut Findings) -> Option<String> {
    let attributes = match split(literal) {
        Ok(attributes) => attributes,
        Err(fault) => {
            findings.invalid(path, literal, fault);
            return None;
        }
    };
    let common_name = attributes.iter().find(|(kind, _)| *kind == "CN").map(|(_, value)| (*value).to_owned());
    let mut is_known_throughout = true;
    for (_, value) in attributes.iter().filter(|(kind, _)| !is_known(kind)) {
        let detail = format!("Literal subject contains unrecognized key with value [{value}]");
        findings.invalid(path, literal, &detail);
        is_known_throughout = false;
    }
    // What is too long is told of the common name itself.
    let is_long = common_name.as_ref().is_some_and(|name| name.len() > LONGEST_COMMON_NAME);
    if is_known_throughout
        && !is_long
        && let Err(error) = DistinguishedName::parse(literal)
    {
        findings.invalid(path, literal, &error.to_string());
    }
    common_name
}

/// The attributes of a literal subject, in the order of their encoding: the last one written first.
fn split(literal: &str) -> Result<Vec<(&str, &str)>, &'static str> {
    let mut attributes = Vec::new();
    let mut kind = None;
    let mut start = 0;
    let mut escaped = false;
    for (at, byte) in literal.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'=' if kind.is_none() => {
                kind = Some(literal[start..at].trim());
                start = at + 1;
            }
            b',' | b'+' | b';' => {
                let kind = kind.take().ok_or("incomplete type, value pair")?;
                attributes.push((kind, literal[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    let kind = kind.ok_or("DN ended with incomplete type, value pair")?;
    attributes.push((kind, literal[start..].trim()));
    attributes.reverse();
    Ok(attributes)
}

fn is_known(kind: &str) -> bool {
    KNOWN.contains(&kind) || ObjectIdentifier::parse(kind).is_ok()
}

/// A subject as the webhook shows it: under the names of its own type.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownSubject<'a> {
    organizations: Option<&'a [String]>,
    countries: Option<&'a [String]>,
    organizational_units: Option<&'a [String]>,
    localities: Option<&'a [String]>,
    provinces: Option<&'a [String]>,
    street_addresses: Option<&'a [String]>,
    postal_codes: Option<&'a [String]>,
    serial_number: &'a str,
}

impl<'a> From<&'a X509Subject> for ShownSubject<'a> {
    fn from(subject: &'a X509Subject) -> Self {
        Self {
            organizations: shown(&subject.organizations),
            countries: shown(&subject.countries),
            organizational_units: shown(&subject.organizational_units),
            localities: shown(&subject.localities),
            provinces: shown(&subject.provinces),
            street_addresses: shown(&subject.street_addresses),
            postal_codes: shown(&subject.postal_codes),
            serial_number: &subject.serial_number,
        }
    }
}

/// A list as Go shows it: `null` where nothing was given.
pub(super) fn shown(list: &[String]) -> Option<&[String]> {
    (!list.is_empty()).then_some(list)
}

const LONGEST_COMMON_NAME: usize = 64;
const KNOWN: [&str; 10] = ["C", "O", "OU", "CN", "SERIALNUMBER", "L", "ST", "STREET", "DC", "UID"];
const NAMELESS: &str = "at least one of commonName (from the commonName field or from a literalSubject), dnsNames, emailSANs, ipAddresses, otherNames, or uriSANs must be set";
