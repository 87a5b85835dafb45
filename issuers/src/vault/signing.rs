//! What is asked of the PKI engine.

use std::time::Duration;

use acme_core::{Error, ErrorKind, pem};
use bytes::Bytes;
use rustls_pki_types::CertificateDer;
use serde::Serialize;

use crate::CertificateRequest;
use crate::csr::{RawGeneralName, Request};

/// The body that has a request signed: the fields that cert-manager sends. A role may take names from them, or from the signing request itself.
///
/// # Errors
/// `Unsupported` when a profile is named, `Malformed` when the signing request cannot be read or has other names.
pub(super) fn sign(request: &CertificateRequest<'_>) -> Result<Bytes, Error> {
    request.refuse_profile()?;
    request.refuse_other_names()?;
    let asked = Request::read(request.csr)?;
    let names = asked.alternative_names()?;
    let joined =
        |pick: fn(&RawGeneralName<'_>) -> Option<String>| names.iter().filter_map(pick).collect::<Vec<_>>().join(",");
    let body = Sign {
        common_name: asked.common_name().unwrap_or_default(),
        alt_names: joined(|name| if let RawGeneralName::Dns(name) = name { Some(text(name)) } else { None }),
        ip_sans: joined(address),
        uri_sans: joined(|name| if let RawGeneralName::Uri(name) = name { Some(text(name)) } else { None }),
        ttl: request.duration.map(in_words),
        csr: pem::encode("CERTIFICATE REQUEST", request.csr),
        exclude_cn_from_sans: "true",
    };
    written(&body)
}

/// The body that revokes a certificate.
pub(super) fn revoke(certificate: &CertificateDer<'_>) -> Result<Bytes, Error> {
    #[derive(Serialize)]
    struct Revoke {
        certificate: String,
    }
    written(&Revoke { certificate: pem::encode("CERTIFICATE", certificate) })
}

#[derive(Serialize)]
struct Sign {
    common_name: String,
    alt_names: String,
    ip_sans: String,
    uri_sans: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<String>,
    csr: String,
    exclude_cn_from_sans: &'static str,
}

fn written(body: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|source| {
        Error::new(ErrorKind::Internal, "a request to vault could not be written as JSON").with_source(source)
    })
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn address(name: &RawGeneralName<'_>) -> Option<String> {
    let RawGeneralName::Ip(_) = name else { return None };
    name.identifier().ok().flatten().map(|address| address.to_string())
}

/// A span as Go writes it, and as Vault reads it: `2160h0m0s`.
fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    format!("{}h{}m{}s", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
