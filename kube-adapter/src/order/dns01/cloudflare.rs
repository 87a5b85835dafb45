//! `dns01.cloudflare`: by an API token, or by the global key of an account.

use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind, Retry, Secret};
use solvers::dns::cloudflare::{Access, Cloudflare};

use super::credentials::{Credentials, Value};
use crate::crd::acme::dns01::Cloudflare as Spec;
use crate::crd::reference::SecretKeySelector;

/// The account or the token that the block names.
///
/// # Errors
/// `Malformed` for both of the two, for neither, for a key without its e-mail address, and for what fits no header; `NotFound` for a Secret that is not there.
pub(super) async fn make(
    credentials: &Credentials<'_>,
    spec: &Spec,
    clock: Arc<dyn Clock>,
) -> Result<Cloudflare, Error> {
    let Spec { email, api_key_secret_ref: key, api_token_secret_ref: token, .. } = spec;
    let wrong = |what: &'static str| Err(Error::new(ErrorKind::Malformed, what).with_retry(Retry::Never));
    let value = |selector: &SecretKeySelector| {
        Value::new(selector, "error getting cloudflare secret: ", credentials.not_found(selector))
    };
    let access = match (key, token) {
        (None, Some(token)) => {
            let make = |[token]: [_; 1]| fit("token", &token).map(|()| Access::token(&token));
            credentials.source([value(token)], make).await?
        }
        (Some(_), None) if email.is_empty() => return wrong(NO_EMAIL),
        (Some(key), None) => {
            let email = email.clone();
            let make = move |[key]: [_; 1]| fit("key", &key).map(|()| Access::global_key(email.clone(), &key));
            credentials.source([value(key)], make).await?
        }
        (Some(_), Some(_)) => return wrong(BOTH),
        (None, None) => return wrong(NEITHER),
    };
    Cloudflare::new(access, credentials.transport()?, clock)
}

/// Is this text that a header may hold?
fn fit(what: &str, text: &Secret<String>) -> Result<(), Error> {
    match text.expose().chars().any(|it| it.is_ascii_control() && it != '\t') {
        false => Ok(()),
        true => Err(Error::new(
            ErrorKind::Malformed,
            format!(
                "error instantiating cloudflare challenge solver: the Cloudflare API {what} is invalid (does the API {what} contain a newline?)"
            ),
        )),
    }
}

const BOTH: &str = "API key and API token secret references are both present; leave apiKeySecretRef out";
const NO_EMAIL: &str = "error instantiating cloudflare challenge solver: no Cloudflare credential has been given (can be either an API key or an API token); apiKeySecretRef needs email: whose key it is";
const NEITHER: &str = "error instantiating cloudflare challenge solver: no Cloudflare credential has been given (can be either an API key or an API token); give apiTokenSecretRef";
