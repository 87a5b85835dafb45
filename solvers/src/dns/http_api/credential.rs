//! What a request is authenticated with.

use std::fmt;

use acme_core::{Error, ErrorKind, Secret, Timestamp};
use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

#[cfg(any(feature = "azure", feature = "google"))]
use crate::credentials::AccessToken;

/// Authenticates requests to a service.
///
/// # Contract
/// 1. What is put on a request depends on the request, the credential and `now` alone.
/// 2. [`secrets`](Self::secrets) names every part that must not be seen, in each form in which it is sent.
/// 3. Nothing secret is in an error.
pub trait Credential: Send + Sync {
    /// Puts it on `request`, which is complete otherwise.
    ///
    /// # Errors
    /// `Malformed` when it is no text fit for a header.
    fn authenticate(&self, request: &mut Request<Bytes>, now: Timestamp) -> Result<(), Error>;

    /// What is cut out of every text of the other side.
    fn secrets(&self) -> Vec<&str>;
}

/// A secret text in one header: `Authorization: Bearer …` until something else is said.
pub struct Token {
    header: HeaderName,
    scheme: &'static str,
    secret: Secret<String>,
}

impl Token {
    /// Sends `token` as a bearer token. White space around it, as files and secrets often end with, is dropped.
    pub fn bearer(token: &Secret<String>) -> Self {
        Self { header: AUTHORIZATION, scheme: "Bearer ", secret: Secret::new(token.expose().trim().to_owned()) }
    }

    /// Writes `scheme` in front of it instead of `Bearer `, with the space that follows; nothing where it is empty.
    #[must_use]
    pub fn with_scheme(mut self, scheme: &'static str) -> Self {
        self.scheme = scheme;
        self
    }

    /// Sends it in `header`, alone.
    #[must_use]
    pub fn in_header(mut self, header: HeaderName) -> Self {
        self.header = header;
        self.with_scheme("")
    }
}

impl Credential for Token {
    fn authenticate(&self, request: &mut Request<Bytes>, _: Timestamp) -> Result<(), Error> {
        if self.secret.expose().is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "the token is empty"));
        }
        let text = Secret::new(format!("{}{}", self.scheme, self.secret.expose()));
        request.headers_mut().insert(self.header.clone(), sensitive(&text)?);
        Ok(())
    }

    fn secrets(&self) -> Vec<&str> {
        vec![self.secret.expose()]
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// As a bearer token (RFC 6750).
#[cfg(any(feature = "azure", feature = "google"))]
impl Credential for AccessToken {
    fn authenticate(&self, request: &mut Request<Bytes>, _: Timestamp) -> Result<(), Error> {
        request.headers_mut().insert(AUTHORIZATION, self.header()?);
        Ok(())
    }

    fn secrets(&self) -> Vec<&str> {
        vec![self.expose()]
    }
}

/// Where there is none, requests go as they are.
impl<C: Credential> Credential for Option<C> {
    fn authenticate(&self, request: &mut Request<Bytes>, now: Timestamp) -> Result<(), Error> {
        self.as_ref().map_or(Ok(()), |it| it.authenticate(request, now))
    }

    fn secrets(&self) -> Vec<&str> {
        self.as_ref().map_or_else(Vec::new, C::secrets)
    }
}

/// A user's name and password (RFC 7617).
#[cfg(feature = "httpreq")]
pub struct Basic {
    password: Secret<String>,
    /// Both, as they are sent.
    encoded: Secret<String>,
}

#[cfg(feature = "httpreq")]
impl Basic {
    /// `user` with `password`. White space around the password is dropped.
    pub fn new(user: &str, password: &Secret<String>) -> Self {
        use base64::Engine as _;
        let password = Secret::new(password.expose().trim().to_owned());
        let both = Secret::new(format!("{user}:{}", password.expose()));
        let encoded = Secret::new(base64::prelude::BASE64_STANDARD.encode(both.expose()));
        Self { password, encoded }
    }
}

#[cfg(feature = "httpreq")]
impl Credential for Basic {
    fn authenticate(&self, request: &mut Request<Bytes>, _: Timestamp) -> Result<(), Error> {
        let text = Secret::new(format!("Basic {}", self.encoded.expose()));
        request.headers_mut().insert(AUTHORIZATION, sensitive(&text)?);
        Ok(())
    }

    fn secrets(&self) -> Vec<&str> {
        vec![self.password.expose(), self.encoded.expose()]
    }
}

#[cfg(feature = "httpreq")]
impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basic(..)")
    }
}

/// A header's value that no log shows.
pub(crate) fn sensitive(secret: &Secret<String>) -> Result<HeaderValue, Error> {
    let mut value: HeaderValue = secret.expose().parse().map_err(|_| {
        Error::new(
            ErrorKind::Malformed,
            "a credential is no text fit for a header; is there a line break or a letter beyond ASCII in it?",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
