//! Who asks Cloudflare.

use acme_core::{Error, ErrorKind, Secret, Timestamp};
use bytes::Bytes;
use http::{HeaderName, Request};

use crate::dns::http_api::{Credential, Token};

/// Who asks: a token, or the owner of an account.
#[derive(Debug)]
pub struct Access(Kind);

#[derive(Debug)]
enum Kind {
    Token(Token),
    GlobalKey { email: String, key: Token },
}

impl Access {
    /// An API token.
    pub fn token(token: &Secret<String>) -> Self {
        Self(Kind::Token(Token::bearer(token)))
    }

    /// The global key of the account of `email`; it may do everything there, so prefer a token.
    pub fn global_key(email: impl Into<String>, key: &Secret<String>) -> Self {
        Self(Kind::GlobalKey { email: email.into(), key: Token::bearer(key).in_header(KEY) })
    }
}

impl Credential for Access {
    fn authenticate(&self, request: &mut Request<Bytes>, now: Timestamp) -> Result<(), Error> {
        match &self.0 {
            Kind::Token(token) => token.authenticate(request, now),
            Kind::GlobalKey { email, key } => {
                let email = email.trim().parse().map_err(|_| {
                    Error::new(
                        ErrorKind::Malformed,
                        "the e-mail address of the Cloudflare account is no text fit for a header",
                    )
                })?;
                request.headers_mut().insert(EMAIL, email);
                key.authenticate(request, now)
            }
        }
    }

    fn secrets(&self) -> Vec<&str> {
        match &self.0 {
            Kind::Token(token) | Kind::GlobalKey { key: token, .. } => token.secrets(),
        }
    }
}

const KEY: HeaderName = HeaderName::from_static("x-auth-key");
const EMAIL: HeaderName = HeaderName::from_static("x-auth-email");
