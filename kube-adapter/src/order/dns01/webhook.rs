//! `dns01.webhook`: a solver of somebody else, asked through the API server.

use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind};
use solvers::dns::webhook::Webhook;

use super::credentials::Credentials;
use crate::api::Behind;
use crate::crd::acme::dns01::Webhook as Spec;
use crate::settings::Ambient;

/// The solver of that name in that group. It looks for what its configuration names beside the issuer.
///
/// # Errors
/// `Malformed` when a name is empty.
pub(super) fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<Webhook, Error> {
    let behind = Arc::new(Behind::new(credentials.context.api.clone()));
    let mut webhook = Webhook::new(Behind::ADDRESS, &spec.group_name, &spec.solver_name, behind, clock)?
        .in_namespace(credentials.namespace.as_ref());
    if let Some(config) = &spec.config {
        // What serde says of a value would show a part of it.
        let config = serde_json::from_str(config.get())
            .map_err(|_| Error::new(ErrorKind::Malformed, "error decoding solver config: it is no JSON"))?;
        webhook = webhook.with_config(config);
    }
    Ok(match credentials.ambient {
        Ambient::Allowed => webhook.with_ambient_credentials(),
        Ambient::Refused => webhook,
    })
}
