//! What the service answers, taken apart. Members that are not looked at are passed over.

use std::collections::BTreeMap;

use acme_core::{Error, ErrorKind};
use bytes::Bytes;
use serde::Deserialize;

use crate::limits;
use crate::venafi::answer::json;
use crate::venafi::zone::Zone;

/// What the service says against a request.
pub(super) struct Refusal {
    pub(super) says: String,
    codes: Vec<i64>,
}

impl Refusal {
    pub(super) fn is_zone_missing(&self) -> bool {
        self.codes.contains(&ZONE_MISSING)
    }
}

pub(super) fn errors(body: &Bytes) -> Option<Refusal> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        #[serde(default)]
        code: i64,
        #[serde(default)]
        message: String,
    }
    let Errors { errors } = serde_json::from_slice(body).ok()?;
    let errors: Vec<One> = errors.into_iter().take(limits::VENAFI_ERRORS).collect();
    let says: Vec<String> = errors.iter().map(|it| format!("{} (code {})", it.message, it.code)).collect();
    Some(Refusal { says: says.join("; "), codes: errors.iter().map(|it| it.code).collect() })
}

/// An application and the issuing templates that it has, by alias.
#[derive(Deserialize)]
pub(super) struct Application {
    pub(super) id: String,
    #[serde(rename = "certificateIssuingTemplateAliasIdMap", default)]
    pub(super) templates: BTreeMap<String, String>,
}

pub(super) fn application(doing: &str, body: &Bytes) -> Result<Application, Error> {
    json(doing, body)
}

/// An issuing template.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Template {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    recommended_settings: Option<Recommended>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Recommended {
    subject_o_value: Option<String>,
    #[serde(rename = "subjectOUValue")]
    subject_ou_value: Option<String>,
    #[serde(rename = "subjectSTValue")]
    subject_st_value: Option<String>,
    subject_l_value: Option<String>,
    subject_c_value: Option<String>,
    key: Option<RecommendedKey>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RecommendedKey {
    r#type: Option<String>,
    length: Option<u32>,
    curve: Option<String>,
}

impl Template {
    pub(super) fn into_zone(self) -> Zone {
        let settings = self.recommended_settings.unwrap_or_default();
        let key = settings.key.unwrap_or_default();
        let text = |it: Option<String>| it.filter(|value| !value.is_empty());
        Zone {
            organization: text(settings.subject_o_value),
            organizational_units: text(settings.subject_ou_value).into_iter().collect(),
            locality: text(settings.subject_l_value),
            province: text(settings.subject_st_value),
            country: text(settings.subject_c_value),
            key_type: text(key.r#type),
            key_bits: key.length.filter(|bits| *bits > 0),
            key_curve: text(key.curve),
        }
    }
}

pub(super) fn template(doing: &str, body: &Bytes) -> Result<Template, Error> {
    json(doing, body)
}

pub(super) fn templates(doing: &str, body: &Bytes) -> Result<Vec<Template>, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Templates {
        certificate_issuing_templates: Vec<Template>,
    }
    json::<Templates>(doing, body).map(|it| it.certificate_issuing_templates)
}

/// The id of the request that was taken.
pub(super) fn requested(doing: &str, body: &Bytes) -> Result<String, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Requested {
        certificate_requests: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        id: String,
    }
    let requested: Requested = json(doing, body)?;
    match requested.certificate_requests.into_iter().next() {
        Some(One { id }) => checked(doing, id),
        None => Err(Error::new(ErrorKind::Malformed, format!("{doing}: the answer names no request"))),
    }
}

/// What became of a request.
pub(super) enum Status {
    Issued(String),
    Pending(String),
    Failed(String),
}

pub(super) fn status(doing: &str, body: &Bytes) -> Result<Status, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        status: String,
        #[serde(default)]
        certificate_ids: Option<Vec<String>>,
        #[serde(default)]
        error_information: Option<Information>,
    }
    #[derive(Deserialize)]
    struct Information {
        #[serde(default)]
        message: Option<String>,
    }
    let answer: Answer = json(doing, body)?;
    let word = answer.status.as_str();
    if matches!(word, "ISSUED" | "COMPLETED") {
        let id = answer.certificate_ids.and_then(|ids| ids.into_iter().next()).unwrap_or_default();
        return checked(doing, id).map(Status::Issued);
    }
    if ["FAILED", "REJECTED", "CANCELLED", "DELETED"].iter().any(|it| word.starts_with(it)) {
        let why = answer.error_information.and_then(|it| it.message).unwrap_or_default();
        return Ok(Status::Failed(format!("{word}: {why}")));
    }
    Ok(Status::Pending(format!("its status is {word}")))
}

/// An id that goes into a path.
fn checked(doing: &str, id: String) -> Result<String, Error> {
    let is_id = !id.is_empty() && id.len() <= 128 && id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    if is_id { Ok(id) } else { Err(Error::new(ErrorKind::Malformed, format!("{doing}: the answer holds no sound id"))) }
}

/// The code of a zone that is not there, whatever the status.
const ZONE_MISSING: i64 = 10051;
