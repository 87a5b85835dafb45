//! `dns01.cloudflare`: by an API token, or by the global key of an account.

use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind, Retry};
use solvers::dns::cloudflare::{Access, Cloudflare};

use super::credentials::{Credentials, Value};
use crate::crd::acme::dns01::Cloudflare as Spec;

/// The account or the token that the block names.
///
/// # Errors
/// `Malformed` for both of the two, for neither, and for a key without its e-mail address.
pub(super) fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<Cloudflare, Error> {
    let Spec { email, api_key_secret_ref: key, api_token_secret_ref: token, .. } = spec;
    let wrong = |what: &'static str| Err(Error::new(ErrorKind::Malformed, what).with_retry(Retry::Never));
    let access = match (key, token) {
        (None, Some(token)) => credentials.source([Value(SECRET, token)], |[token]| Ok(Access::token(&token))),
        (Some(_), None) if email.is_empty() => return wrong("apiKeySecretRef needs email: whose key it is"),
        (Some(key), None) => {
            let email = email.clone();
            credentials.source([Value(SECRET, key)], move |[key]| Ok(Access::global_key(email.clone(), &key)))
        }
        (Some(_), Some(_)) => return wrong("apiKeySecretRef and apiTokenSecretRef cannot both be specified"),
        (None, None) => return wrong("apiKeySecretRef or apiTokenSecretRef is required"),
    };
    Cloudflare::new(access, credentials.transport()?, clock)
}

const SECRET: &str = "error getting cloudflare secret";
