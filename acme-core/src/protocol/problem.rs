//! Problem documents (RFC 7807, RFC 8555 section 6.7).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::statuses;
use crate::{Identifier, limits, text};

/// What a certificate authority says when it says no.
///
/// Read permissively: wrong types of members are skipped, texts are bounded and printable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem it is.
    #[serde(rename = "type")]
    pub kind: ProblemType,
    /// A short summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// An explanation for a human.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The HTTP status, when the document names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// A URL that says more, such as where terms are to be agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The identifier this is about, in a subproblem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
    /// Signature algorithms that the server takes, with `badSignatureAlgorithm`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<String>,
    /// What is wrong with each identifier (RFC 8555 section 6.7.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subproblems: Vec<Problem>,
}

impl Problem {
    /// A problem of `kind` with an explanation.
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self { kind, detail: Some(text::printable(&detail.into(), limits::PROBLEM_TEXT)), ..Self::default() }
    }

    /// Sets the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Reads a JSON value; anything but an object is an empty problem.
    pub fn from_value(value: &Value) -> Self {
        Self::read(value, true)
    }

    fn read(value: &Value, outer: bool) -> Self {
        let words =
            |name: &str| value.get(name).and_then(Value::as_str).map(|it| text::printable(it, limits::PROBLEM_TEXT));
        let subproblems = match value.get("subproblems") {
            Some(Value::Array(list)) if outer => {
                list.iter().take(limits::SUBPROBLEMS).map(|it| Self::read(it, false)).collect()
            }
            _ => Vec::new(),
        };
        Self {
            kind: words("type").map(ProblemType::from).unwrap_or_default(),
            title: words("title"),
            detail: words("detail"),
            status: value.get("status").and_then(Value::as_u64).and_then(|it| u16::try_from(it).ok()),
            instance: words("instance"),
            identifier: value.get("identifier").and_then(|it| Identifier::deserialize(it).ok()),
            algorithms: match value.get("algorithms") {
                Some(Value::Array(list)) => {
                    list.iter().take(32).filter_map(Value::as_str).map(|it| text::printable(it, 32)).collect()
                }
                _ => Vec::new(),
            },
            subproblems,
        }
    }
}

impl<'de> Deserialize<'de> for Problem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::from_value(&value))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(identifier) = &self.identifier {
            write!(f, "{identifier}: ")?;
        }
        f.write_str(self.kind.short())?;
        if let Some(text) = self.detail.as_ref().or(self.title.as_ref()) {
            write!(f, ": {text}")?;
        }
        for (at, subproblem) in self.subproblems.iter().enumerate() {
            f.write_str(if at == 0 { " (" } else { "; " })?;
            subproblem.fmt(f)?;
        }
        if self.subproblems.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

statuses! {
    /// The type of a problem document.
    ProblemType {
        /// The account does not exist.
        AccountDoesNotExist = "urn:ietf:params:acme:error:accountDoesNotExist",
        /// The certificate was already replaced by another order (RFC 9773).
        AlreadyReplaced = "urn:ietf:params:acme:error:alreadyReplaced",
        /// The certificate is already revoked.
        AlreadyRevoked = "urn:ietf:params:acme:error:alreadyRevoked",
        /// The signing request is not acceptable.
        BadCsr = "urn:ietf:params:acme:error:badCSR",
        /// The nonce was not acceptable; ask again with a new one.
        BadNonce = "urn:ietf:params:acme:error:badNonce",
        /// The key is not acceptable.
        BadPublicKey = "urn:ietf:params:acme:error:badPublicKey",
        /// The revocation reason is not allowed.
        BadRevocationReason = "urn:ietf:params:acme:error:badRevocationReason",
        /// The signature algorithm is not taken; `algorithms` says which are.
        BadSignatureAlgorithm = "urn:ietf:params:acme:error:badSignatureAlgorithm",
        /// CAA records forbid issuance.
        Caa = "urn:ietf:params:acme:error:caa",
        /// Look at the subproblems.
        Compound = "urn:ietf:params:acme:error:compound",
        /// The server could not connect to the validation target.
        Connection = "urn:ietf:params:acme:error:connection",
        /// A DNS query failed during validation.
        Dns = "urn:ietf:params:acme:error:dns",
        /// An external account binding is required.
        ExternalAccountRequired = "urn:ietf:params:acme:error:externalAccountRequired",
        /// The answer to a challenge was wrong.
        IncorrectResponse = "urn:ietf:params:acme:error:incorrectResponse",
        /// A contact is not valid.
        InvalidContact = "urn:ietf:params:acme:error:invalidContact",
        /// The profile is not offered.
        InvalidProfile = "urn:ietf:params:acme:error:invalidProfile",
        /// The request was malformed.
        Malformed = "urn:ietf:params:acme:error:malformed",
        /// The order is not ready to be finalized.
        OrderNotReady = "urn:ietf:params:acme:error:orderNotReady",
        /// A rate limit was exceeded.
        RateLimited = "urn:ietf:params:acme:error:rateLimited",
        /// The server will not issue for this identifier.
        RejectedIdentifier = "urn:ietf:params:acme:error:rejectedIdentifier",
        /// The server had a fault of its own.
        ServerInternal = "urn:ietf:params:acme:error:serverInternal",
        /// TLS failed during validation.
        Tls = "urn:ietf:params:acme:error:tls",
        /// The client may not do this.
        Unauthorized = "urn:ietf:params:acme:error:unauthorized",
        /// The contact's scheme is not supported.
        UnsupportedContact = "urn:ietf:params:acme:error:unsupportedContact",
        /// The identifier's type is not supported.
        UnsupportedIdentifier = "urn:ietf:params:acme:error:unsupportedIdentifier",
        /// A human must act; `instance` says where.
        UserActionRequired = "urn:ietf:params:acme:error:userActionRequired",
    }
}

impl ProblemType {
    /// The last word of the type, for texts: `rateLimited`.
    pub fn short(&self) -> &str {
        let word = self.as_str();
        word.rsplit(':').next().filter(|it| !it.is_empty()).unwrap_or("problem")
    }
}

impl Default for ProblemType {
    fn default() -> Self {
        Self::Other("about:blank".to_owned())
    }
}
