//! What the PKI engine answers: certificates, made into a chain and a root.

use acme_core::{Error, ErrorKind, Timestamp, text};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use serde::Deserialize;

use crate::chain::{self, Path};
use crate::{Issued, limits};

/// Reads the answer to a request for `key`: the chain from the leaf up, and the root where Vault knows it.
pub(super) fn read(body: &[u8], key: &SubjectPublicKeyInfoDer<'_>, now: Timestamp) -> Result<Issued, Error> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| malformed("it is not the answer of a path that signs"))?;
    for warning in answer.warnings.iter().flatten().take(WARNINGS) {
        tracing::debug!(warning = text::printable(warning, limits::VAULT_TEXT), "vault warns");
    }
    let signed = answer.data;
    let above = signed.ca_chain.into_iter().flatten().chain(signed.issuing_ca);
    let bundle = std::iter::once(signed.certificate).chain(above).collect::<Vec<_>>().join("\n");
    let path = chain::bundle_from_pem(bundle.as_bytes()).and_then(|bundle| Path::of_key(&bundle, key, now));
    path.map(Issued::from).map_err(|error| error.while_doing("the answer of vault"))
}

#[derive(Deserialize)]
struct Answer {
    data: Signed,
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Signed {
    certificate: String,
    issuing_ca: Option<String>,
    ca_chain: Option<Vec<String>>,
}

fn malformed(why: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("the answer of vault is of no use: {why}"))
}

/// Most warnings of one answer that are logged.
const WARNINGS: usize = 8;
