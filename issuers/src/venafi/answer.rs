//! What services answer, taken apart.

use acme_core::{Error, ErrorKind, Timestamp, hash};
use bytes::Bytes;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::chain::Path;
use crate::{Issued, chain};

/// The chain in a PEM text that is for `key`, and the root, which is not served; `None` when nothing in it is for that key.
pub(super) fn issued(pem: &[u8], key: &SubjectPublicKeyInfoDer<'_>, now: Timestamp) -> Result<Option<Issued>, Error> {
    let bundle = bundle(pem)?;
    if of_key(&bundle, key).is_none() {
        return Ok(None);
    }
    let path = Path::of_key(&bundle, key, now).map_err(|error| error.while_doing(READING))?;
    Ok(Some(path.into()))
}

/// The certificate in a PEM text that is for `key`, whatever else is to be said of it.
pub(super) fn certificate(
    pem: &[u8],
    key: &SubjectPublicKeyInfoDer<'_>,
) -> Result<Option<CertificateDer<'static>>, Error> {
    Ok(of_key(&bundle(pem)?, key).cloned())
}

fn bundle(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    chain::bundle_from_pem(pem).map_err(|error| error.while_doing(READING))
}

fn of_key<'a>(
    bundle: &'a [CertificateDer<'static>],
    key: &SubjectPublicKeyInfoDer<'_>,
) -> Option<&'a CertificateDer<'static>> {
    let hash = hash::sha256(key);
    bundle.iter().find(|it| chain::Leaf::read(it).is_ok_and(|leaf| leaf.spki_sha256 == hash))
}

/// A body in JSON.
pub(super) fn json<T: DeserializeOwned>(doing: &str, body: &Bytes) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|source| {
        Error::new(ErrorKind::Malformed, format!("{doing}: the answer is not what the service's documents say"))
            .with_source(source)
    })
}

/// What a login service says against a login (RFC 6749 section 5.2).
pub(super) fn oauth_error(body: &Bytes) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        #[serde(default)]
        error_description: Option<String>,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some(match refusal.error_description {
        Some(description) => format!("{}: {description}", refusal.error),
        None => refusal.error,
    })
}

const READING: &str = "reading the certificate that was picked up";
