//! What the PKI engine answers: certificates, made into a chain and a root.

use acme_core::client::Chain;
use acme_core::{Error, ErrorKind, text};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use serde::Deserialize;

use crate::x509::Certificate;
use crate::{Issued, limits};

/// Reads the answer to a request for `key`: the chain from the leaf up, without a root, and the topmost certificate as the root, as cert-manager
/// writes `tls.crt` and `ca.crt`.
pub(super) fn read(body: &[u8], key: &SubjectPublicKeyInfoDer<'_>) -> Result<Issued, Error> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| malformed("it is not the answer of a path that signs"))?;
    for warning in answer.warnings.iter().flatten().take(WARNINGS) {
        tracing::debug!(warning = text::printable(warning, limits::VAULT_TEXT), "vault warns");
    }
    let signed = answer.data;
    let leaves = certificates(&signed.certificate)?;
    let above = signed.ca_chain.iter().flatten().chain(&signed.issuing_ca).take(acme_core::limits::CHAIN);
    let mut all = leaves;
    for pem in above.filter(|pem| !pem.trim().is_empty()) {
        all.extend(certificates(pem)?);
    }
    all.truncate(acme_core::limits::CHAIN);
    assemble(all, key)
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

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let chain = Chain::from_pem(pem.as_bytes()).map_err(|error| error.while_doing("the answer of vault"))?;
    Ok(chain.certificates().to_vec())
}

fn assemble(all: Vec<CertificateDer<'static>>, key: &SubjectPublicKeyInfoDer<'_>) -> Result<Issued, Error> {
    let parsed = all
        .iter()
        .map(|der| Certificate::read(der).map_err(|why| malformed(&format!("one of its certificates is {why}"))))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(leaf) = parsed.first().filter(|leaf| leaf.public_key == *key) else {
        return Err(malformed("its certificate is for another key than the signing request's"));
    };
    let mut order = vec![0];
    let mut below = leaf;
    while !below.is_self_issued() {
        let next = parsed.iter().enumerate().find(|(at, above)| !order.contains(at) && has_issued(above, below));
        let Some((at, above)) = next else { break };
        order.push(at);
        below = above;
    }
    let pick = |at: &usize| all.get(*at).cloned();
    let root = order.last().filter(|_| order.len() > 1).and_then(pick);
    if order.len() > 1 && below.is_self_issued() {
        order.pop();
    }
    let issued = Issued::new(Chain::new(order.iter().filter_map(pick).collect()));
    Ok(match root {
        Some(root) => issued.with_root(root),
        None => issued,
    })
}

fn has_issued(above: &Certificate<'_>, below: &Certificate<'_>) -> bool {
    let keys = (below.authority_key_identifier(), above.subject_key_identifier());
    above.subject == below.issuer && !matches!(keys, (Some(wanted), Some(found)) if wanted != found)
}

fn malformed(why: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("the answer of vault is of no use: {why}"))
}

/// Most warnings of one answer that are logged.
const WARNINGS: usize = 8;
