//! What AWS says when it refuses, in XML and in JSON, and what that means to us.
//!
//! | code | kind | retry |
//! |---|---|---|
//! | `Throttling`, `TooManyRequestsException`, `RequestLimitExceeded`, … (with 400 as a rule), 429 | `Busy` | the time given, else back off |
//! | 5xx, `InternalFailure`, `RequestTimeout`, `IDPCommunicationError` | `Busy` | the time given, else back off |
//! | `ExpiredToken`, `InvalidClientTokenId`, `UnrecognizedClientException` | `Unauthorized` | back off: a rotation may help |
//! | `RequestTimeTooSkewed`, `RequestExpired`, a signature that expired | `Unauthorized` | back off: the clock may be set |
//! | `AccessDenied`, `SignatureDoesNotMatch` (after other credentials were asked for), … | `Unauthorized` | never |
//! | `ValidationError`, `InvalidParameterValue`, … | `Refused` | never |
//! | anything else | by the status | by the status |

use std::fmt;

use acme_core::{Error, ErrorKind, Retry, Timestamp, text, transport};
use bytes::Bytes;
use http::Response;
use serde::Deserialize;

use super::xml::Element;
use crate::limits;

/// An error answer of AWS. It is the [`source`](std::error::Error::source) of what [`Client`](super::Client) returns; [`of`](Self::of) finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    code: String,
    message: String,
    request_id: Option<String>,
}

impl Fault {
    /// The answer of AWS behind `error`, where there was one.
    pub fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }

    /// The code, such as `AccessDeniedException`; empty when the answer named none.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What was said, bounded, printable and without the secrets of the request.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The id by which AWS's support finds the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Were the credentials refused, and not what was asked? Of a signature it is not said whether its secret or its clock is wrong: the secret may have been corrected.
    pub(super) fn refuses_credentials(&self) -> bool {
        let code = self.code.as_str();
        let is_unlike = SIGNATURE.contains(&code) && !OUT_OF_TIME.contains(&self.message.as_str());
        is_unlike || STALE.contains(&code)
    }

    /// Reads an answer that is no success. What it repeats of `secrets` is not kept.
    pub(super) fn read(answer: &Response<Bytes>, secrets: &[&str]) -> Self {
        let body = String::from_utf8_lossy(answer.body());
        let (code, message, request_id) = from_json(&body).or_else(|| from_xml(&body)).unwrap_or_default();
        let header = |name| answer.headers().get(name).and_then(|it| it.to_str().ok()).map(ToOwned::to_owned);
        let code = header("x-amzn-errortype").or(code).unwrap_or_default();
        // `com.amazon.coral.service#ThrottlingException`, `ThrottlingException:http://…`.
        let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
        let code = text::printable(code.trim(), CODE);
        let message = shown(&code, &message.unwrap_or_default(), secrets);
        let request_id = header("x-amzn-requestid").or(request_id).map(|it| text::printable(&it, CODE));
        Self { code, message, request_id }
    }

    /// The error for an answer that is no success: `what` was asked, of what.
    pub(super) fn to_error(&self, what: &str, answer: &Response<Bytes>, now: Timestamp) -> Error {
        let status = answer.status().as_u16();
        let said = match (self.code.as_str(), self.message.as_str()) {
            ("", "") => format!("{what}: AWS answered {status}"),
            ("", message) => format!("{what}: AWS answered {status}: {message}"),
            (code, "") => format!("{what}: AWS answered {code}"),
            (code, message) => format!("{what}: AWS answered {code}: {message}"),
        };
        let by_status = transport::refusal(said.clone(), answer, now);
        let code = self.code.as_str();
        let later = match by_status.retry() {
            after @ Retry::After(_) => after,
            Retry::Never | Retry::Backoff => Retry::Backoff,
        };
        let error = if THROTTLED.contains(&code) || TRANSIENT.contains(&code) {
            Error::new(ErrorKind::Busy, said).with_retry(later)
        } else if SKEWED.contains(&code) || (SIGNATURE.contains(&code) && OUT_OF_TIME.contains(&self.message.as_str()))
        {
            let advice = format!("{said} (is the clock of this machine right?)");
            Error::new(ErrorKind::Unauthorized, advice).with_retry(Retry::Backoff)
        } else if STALE.contains(&code) {
            Error::new(ErrorKind::Unauthorized, said).with_retry(Retry::Backoff)
        } else if SIGNATURE.contains(&code) {
            let advice = format!("{said} (is this the secret of that access key?)");
            Error::new(ErrorKind::Unauthorized, advice).with_retry(Retry::Never)
        } else if DENIED.contains(&code) {
            Error::new(ErrorKind::Unauthorized, said).with_retry(Retry::Never)
        } else if INVALID.contains(&code) {
            Error::new(ErrorKind::Refused, said).with_retry(Retry::Never)
        } else {
            by_status
        };
        error.with_source(self.clone())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

type Parts = (Option<String>, Option<String>, Option<String>);

fn from_json(body: &str) -> Option<Parts> {
    #[derive(Deserialize)]
    struct Json {
        #[serde(rename = "__type")]
        kind: Option<String>,
        #[serde(alias = "Code")]
        code: Option<String>,
        #[serde(alias = "Message")]
        message: Option<String>,
    }
    let json: Json = serde_json::from_str(body).ok()?;
    Some((json.kind.or(json.code), json.message, None))
}

/// `ErrorResponse/Error` as a rule, `Response/Errors/Error` of EC2, `Error` of S3, and `InvalidChangeBatch/Messages` of Route 53.
fn from_xml(body: &str) -> Option<Parts> {
    let root = Element::parse(body).ok()?;
    let error = root.child("Error").or_else(|| root.child("Errors")?.child("Error"));
    let error = error.unwrap_or(&root);
    let own = |name: &str| error.child(name).map(|it| it.text().to_owned());
    let listed = || {
        let messages = root.child("Messages")?.children();
        Some(messages.iter().map(|it| it.text()).collect::<Vec<_>>().join("; "))
    };
    let code = own("Code").or_else(|| (root.name() != "html").then(|| root.name().to_owned()));
    let request_id = ["RequestId", "RequestID"].iter().find_map(|name| root.child(name));
    Some((code, own("Message").or_else(listed), request_id.map(|it| it.text().to_owned())))
}

fn shown(code: &str, message: &str, secrets: &[&str]) -> String {
    // It repeats the request that AWS would have signed, with the session token in it.
    // Of one that came too late it tells the times, which are others on each attempt.
    let message =
        if SIGNATURE.contains(&code) { message.split(['\n', ':']).next().unwrap_or_default() } else { message };
    let mut message = message.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        message = message.replace(*secret, "…");
    }
    text::printable(message.trim(), limits::AWS_MESSAGE)
}

const CODE: usize = 128;
const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];
const TRANSIENT: &[&str] = &[
    "IDPCommunicationError",
    "InternalError",
    "InternalFailure",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
];
const STALE: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "UnrecognizedClientException",
];
const SKEWED: &[&str] = &["RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"];
const SIGNATURE: &[&str] =
    &["IncompleteSignature", "IncompleteSignatureException", "InvalidSignatureException", "SignatureDoesNotMatch"];
const OUT_OF_TIME: &[&str] = &["Signature expired", "Signature not yet current"];
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "InvalidIdentityToken",
    "InvalidIdentityTokenException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "RegionDisabledException",
    "UnauthorizedOperation",
];
const INVALID: &[&str] = &[
    "InvalidAction",
    "InvalidInput",
    "InvalidParameterException",
    "InvalidParameterValue",
    "MalformedPolicyDocument",
    "MissingParameter",
    "SerializationException",
    "UnknownOperationException",
    "ValidationError",
    "ValidationException",
];
