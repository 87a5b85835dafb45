//! `dns01.digitalocean`: by an API token.

use std::sync::Arc;

use acme_core::{Clock, Error};
use solvers::dns::digitalocean::DigitalOcean;
use solvers::dns::http_api::Token;

use super::credentials::{Credentials, Value};
use crate::crd::acme::dns01::DigitalOcean as Spec;

/// The account of the token.
///
/// # Errors
/// When there is no way to DigitalOcean.
pub(super) fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<DigitalOcean, Error> {
    let token = Value("error getting digitalocean token", &spec.token_secret_ref);
    let token = credentials.source([token], |[token]| Ok(Token::bearer(&token)));
    DigitalOcean::new(token, credentials.transport()?, clock)
}
