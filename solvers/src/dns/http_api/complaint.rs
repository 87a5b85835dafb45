//! A refusal in words that several services share.

use bytes::Bytes;
use http::Response;
use serde::Deserialize;

use super::{Fault, Meaning};

/// `{"error": {"code": "…", "message": "…"}}`, or the same without what is around it; each part may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Complaint {
    /// The service's own code.
    pub code: String,
    /// What it says.
    pub message: String,
}

impl Complaint {
    /// By code and message, of which either may be empty: for services that write them elsewhere.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// What a body says; nothing where it is another one.
    pub fn of(answer: &Response<Bytes>) -> Self {
        match serde_json::from_slice(answer.body()) {
            Ok(Told::Wrapped { error } | Told::Bare(error)) => error,
            Err(_) => Self::default(),
        }
    }

    /// The refusal in these words, under the code of `by_status` where the service has none of its own.
    pub fn into_fault(self, by_status: &Fault, meaning: Meaning) -> Fault {
        let code = if self.code.is_empty() { by_status.code().to_owned() } else { self.code };
        Fault::new(code, self.message, meaning)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Wrapped { error: Complaint },
    Bare(Complaint),
}
