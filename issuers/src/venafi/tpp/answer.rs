//! What the platform answers, taken apart. Members that are not looked at are passed over.

use acme_core::{Error, ErrorKind, text};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;

use crate::limits;
use crate::venafi::answer::json;
use crate::venafi::service::Look;
use crate::venafi::zone::Zone;

/// What the platform says against a request.
pub(super) fn error(body: &Bytes) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "Error", alias = "error")]
        error: String,
        #[serde(default)]
        error_description: Option<String>,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some(match refusal.error_description {
        Some(description) => format!("{}: {description}", refusal.error),
        None => refusal.error,
    })
}

/// The name under which a certificate is picked up.
pub(super) fn requested(doing: &str, body: &Bytes) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Requested {
        #[serde(rename = "CertificateDN", default)]
        certificate_dn: String,
        #[serde(rename = "Error", default)]
        error: Option<String>,
    }
    let requested: Requested = json(doing, body)?;
    if let Some(error) = requested.error.filter(|it| !it.is_empty()) {
        let says = text::printable(&error, limits::VENAFI_TEXT);
        return Err(Error::new(ErrorKind::Refused, format!("{doing}: {says}")));
    }
    let dn = requested.certificate_dn;
    if !dn.starts_with('\\') || dn.len() > limits::VENAFI_NAME {
        return Err(Error::new(ErrorKind::Malformed, format!("{doing}: the answer names no certificate object")));
    }
    Ok(dn)
}

/// What became of a request; `None` when the answer is of another kind.
pub(super) fn retrieved(doing: &str, status: StatusCode, body: &Bytes) -> Result<Option<Look>, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Retrieved {
        #[serde(default)]
        certificate_data: String,
        #[serde(default)]
        status: Option<String>,
        #[serde(default)]
        stage: Option<i64>,
    }
    match status {
        StatusCode::OK | StatusCode::ACCEPTED => {}
        StatusCode::INTERNAL_SERVER_ERROR => {
            let Ok(Retrieved { status: Some(says), stage: Some(stage), .. }) = serde_json::from_slice(body) else {
                return Ok(None);
            };
            let is_stuck = STUCK.iter().any(|it| says.starts_with(it));
            let says = format!("{says} (stage {stage})");
            return Ok(Some(if is_stuck { Look::Stuck(says) } else { Look::Failed(says) }));
        }
        _ => return Ok(None),
    }
    let retrieved: Retrieved = json(doing, body)?;
    if retrieved.certificate_data.is_empty() {
        return Ok(Some(Look::Pending(retrieved.status.unwrap_or_else(|| "it is being processed".to_owned()))));
    }
    let pem = BASE64_STANDARD.decode(&retrieved.certificate_data).map_err(|source| {
        Error::new(ErrorKind::Malformed, format!("{doing}: the certificate is not base64"))
            .with_source(source.to_string())
    })?;
    Ok(Some(Look::Issued(pem)))
}

/// What became of a revocation. What was revoked already is a success that was not requested.
pub(super) fn revoked(doing: &str, body: &Bytes) -> Result<(), Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Revoked {
        #[serde(default)]
        success: bool,
        #[serde(default)]
        error: String,
    }
    let revoked: Revoked = json(doing, body)?;
    if revoked.success {
        return Ok(());
    }
    let says = text::printable(&revoked.error, limits::VENAFI_TEXT);
    Err(Error::new(ErrorKind::Refused, format!("{doing}: {says}")))
}

/// The defaults of a policy folder.
pub(super) fn zone(doing: &str, body: &Bytes) -> Result<Zone, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        policy: Policy,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Policy {
        #[serde(default)]
        subject: Subject,
        #[serde(default)]
        key_pair: KeyPair,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Subject {
        city: Text,
        country: Text,
        organization: Text,
        organizational_unit: Texts,
        state: Text,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct KeyPair {
        key_algorithm: Text,
        key_size: Number,
        elliptic_curve: Text,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Text {
        value: Option<String>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Texts {
        values: Option<Vec<String>>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Number {
        value: Option<u32>,
    }
    let Answer { policy: Policy { subject, key_pair } } = json(doing, body)?;
    let text = |it: Text| it.value.filter(|value| !value.is_empty());
    Ok(Zone {
        organization: text(subject.organization),
        organizational_units: subject.organizational_unit.values.unwrap_or_default(),
        locality: text(subject.city),
        province: text(subject.state),
        country: text(subject.country),
        key_type: text(key_pair.key_algorithm),
        key_bits: key_pair.key_size.value.filter(|bits| *bits > 0),
        key_curve: text(key_pair.elliptic_curve),
    })
}

/// What the platform says of an object on which an earlier failure lies. Nothing but a reset moves it.
const STUCK: [&str; 2] = [
    "WebSDK CertRequest Module Requested Certificate",
    "This certificate cannot be processed while it is in an error state",
];
