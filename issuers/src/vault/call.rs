//! One request to Vault's API, and what it is for.

use acme_core::Secret;
use bytes::Bytes;
use http::Method;

/// A request.
pub(super) struct Call<'a> {
    pub(super) doing: Doing,
    pub(super) method: Method,
    /// Below `/v1/`.
    pub(super) path: &'a str,
    pub(super) body: Bytes,
    /// What no error may repeat, whatever the server says.
    pub(super) hidden: Vec<&'a Secret<String>>,
}

/// What a request is for, as errors say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Health,
    /// With the advice for when it is refused.
    LogIn(&'static str),
    LookUp,
    Renew,
    Sign,
    Revoke,
}

impl<'a> Call<'a> {
    pub(super) fn get(doing: Doing, path: &'a str) -> Self {
        Self { doing, method: Method::GET, path, body: Bytes::new(), hidden: Vec::new() }
    }

    pub(super) fn post(doing: Doing, path: &'a str, body: impl Into<Bytes>) -> Self {
        Self { doing, method: Method::POST, path, body: body.into(), hidden: Vec::new() }
    }

    /// Names what no error may repeat.
    pub(super) fn hiding(mut self, secrets: impl IntoIterator<Item = &'a Secret<String>>) -> Self {
        self.hidden.extend(secrets);
        self
    }
}

impl Doing {
    pub(super) fn in_words(self, host: &str) -> String {
        match self {
            Self::Health => format!("asking vault at {host} for its health"),
            Self::LogIn(_) => format!("logging in to vault at {host}"),
            Self::LookUp => format!("looking up the token at vault at {host}"),
            Self::Renew => format!("renewing the token at vault at {host}"),
            Self::Sign => format!("having vault at {host} sign a certificate"),
            Self::Revoke => format!("having vault at {host} revoke a certificate"),
        }
    }
}
