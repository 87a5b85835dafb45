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
/// `NotFound` for a Secret that is not there.
pub(super) async fn make(
    credentials: &Credentials<'_>,
    spec: &Spec,
    clock: Arc<dyn Clock>,
) -> Result<DigitalOcean, Error> {
    let token = Value::new(
        &spec.token_secret_ref,
        "error getting digitalocean token: ",
        "error instantiating digitalocean challenge solver: DigitalOcean token missing",
    );
    let token = credentials.source([token], |[token]| Ok(Token::bearer(&token))).await?;
    DigitalOcean::new(token, credentials.transport()?, clock)
}
