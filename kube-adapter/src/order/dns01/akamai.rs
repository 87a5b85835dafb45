//! `dns01.akamai`: Edge DNS, for the API client of three Secrets.

use std::sync::Arc;

use acme_core::{Clock, Error};
use solvers::dns::akamai::{Akamai, EdgeGrid};

use super::credentials::{Credentials, Value};
use crate::crd::acme::dns01::Akamai as Spec;
use crate::crd::reference::SecretKeySelector;

/// The API client behind its own host.
///
/// # Errors
/// `NotFound` for a Secret that is not there, `Malformed` when the host is none.
pub(super) async fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<Akamai, Error> {
    let value = |what: &str, selector: &SecretKeySelector| {
        let secret = format!("{}/{}", credentials.namespace, selector.name);
        Value::new(
            selector,
            format!("{what}: failed to load secret {secret:?}: "),
            format!("{what}: no key {:?} in secret {secret:?}", selector.key),
        )
    };
    let values = [
        value("error getting akamai client token", &spec.client_token_secret_ref),
        value("error getting akamai client secret", &spec.client_secret_secret_ref),
        // cert-manager calls the access token so.
        value("error getting akamai client token", &spec.access_token_secret_ref),
    ];
    let make = |[client_token, client_secret, access_token]: [_; 3]| {
        Ok(EdgeGrid::new(&client_token, &access_token, &client_secret))
    };
    let client = credentials.source(values, make).await?;
    Akamai::new(&spec.service_consumer_domain, client, credentials.transport()?, clock).map_err(|error| {
        error.while_doing("error instantiating akamai challenge solver: edgedns: Provider config creation failed")
    })
}
