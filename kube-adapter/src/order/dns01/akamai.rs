//! `dns01.akamai`: Edge DNS, for the API client of three Secrets.

use std::sync::Arc;

use acme_core::{Clock, Error};
use solvers::dns::akamai::{Akamai, EdgeGrid};

use super::credentials::{Credentials, Value};
use crate::crd::acme::dns01::Akamai as Spec;

/// The API client behind its own host.
///
/// # Errors
/// `Malformed` when the host is none.
pub(super) fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<Akamai, Error> {
    let client = credentials.source(
        [
            Value("error getting akamai client token", &spec.client_token_secret_ref),
            Value("error getting akamai client secret", &spec.client_secret_secret_ref),
            Value("error getting akamai access token", &spec.access_token_secret_ref),
        ],
        |[client_token, client_secret, access_token]| Ok(EdgeGrid::new(&client_token, &access_token, &client_secret)),
    );
    Akamai::new(&spec.service_consumer_domain, client, credentials.transport()?, clock)
}
