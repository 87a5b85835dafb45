//! Whom connections to issuers trust.

use acme_core::Error;
use acme_core::transport::{ReqwestTransport, ReqwestTransportBuilder};

use crate::context::Context;

/// A connection to somebody who signs: it trusts these roots and no others, or else what the system and the settings trust.
///
/// # Errors
/// `Malformed` when there is no certificate in `roots`.
pub(crate) fn connection(context: &Context, roots: Option<&[u8]>) -> Result<ReqwestTransportBuilder, Error> {
    let builder = ReqwestTransport::builder().proxy_from_environment();
    match (roots, &context.settings.trusted_roots) {
        (Some(roots), _) => Ok(builder.add_root_pem(roots)?.only_given_roots()),
        (None, Some(more)) => builder.add_root_pem(more.as_bytes()),
        (None, None) => Ok(builder),
    }
}
