//! `dns01.rfc2136`: dynamic updates, signed where there is a key.

use std::sync::Arc;

use acme_core::text::printable;
use acme_core::{Clock, Error, ErrorKind, Retry};
use solvers::dns::rfc2136::{Rfc2136, TsigAlgorithm, TsigKey};

use super::credentials::{Credentials, Value, mendable};
use crate::crd::acme::dns01::{Rfc2136 as Spec, UpdateProtocol};

/// A key that is refused is read anew with the next attempt.
///
/// # Errors
/// `NotFound` for a Secret that is not there, `Malformed` for what cannot be read.
pub(super) async fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<Rfc2136, Error> {
    let mut provider = Rfc2136::new(&spec.nameserver, clock)?;
    if spec.protocol == Some(UpdateProtocol::Tcp) {
        provider = provider.over_tcp();
    }
    if !spec.tsig_key_name.is_empty() && !spec.tsig_secret_secret_ref.name.is_empty() {
        let selector = &spec.tsig_secret_secret_ref;
        let lacking = match selector.key.as_str() {
            "" => "key of data in Secret resource must be specified".to_owned(),
            key => format!("data entry with key {key:?} not found in secret"),
        };
        let secret = credentials.read(Value::new(selector, "", lacking)).await?;
        let algorithm = algorithm(&spec.tsig_algorithm)?;
        let key = TsigKey::from_base64(&spec.tsig_key_name, algorithm, &secret).map_err(mendable)?;
        provider = provider.with_key(key);
    }
    Ok(provider)
}

fn algorithm(named: &str) -> Result<TsigAlgorithm, Error> {
    Ok(match named.to_ascii_uppercase().as_str() {
        "" | "HMACMD5" => TsigAlgorithm::HmacMd5,
        "HMACSHA1" => TsigAlgorithm::HmacSha1,
        "HMACSHA256" => TsigAlgorithm::HmacSha256,
        "HMACSHA512" => TsigAlgorithm::HmacSha512,
        _ => {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "algorithm '{}' is not supported; use HMACMD5, HMACSHA1, HMACSHA256 or HMACSHA512",
                    printable(named, 40)
                ),
            )
            .with_retry(Retry::Never));
        }
    })
}
