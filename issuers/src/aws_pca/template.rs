//! Which template a certificate is made from, as cert-manager's issuer for AWS Private CA chooses it.

use acme_core::Error;

use super::arn::AuthorityArn;
use crate::template::{ExtendedKeyUsage, KeyUsages, Usages};
use crate::{CertificateRequest, csr};

/// The ARN of the template for a request.
///
/// An authority gets the template for one without authorities below it. One usage, or server and client together, get the template made for that; then the
/// subject and the names come from the signing request, and nothing else. Everything else is as the signing request has it.
pub(super) fn choose(
    authority: &AuthorityArn,
    request: &CertificateRequest<'_>,
    asked: &csr::Request<'_>,
) -> Result<String, Error> {
    let name = if request.is_ca {
        "SubordinateCACertificate_PathLen0/V1"
    } else {
        match request.usages {
            Some(usages) => by_usages(usages),
            None => by_usages(&usages_of(asked)?),
        }
    };
    Ok(named(authority, name))
}

/// The ARN of the template of this name.
pub(super) fn named(authority: &AuthorityArn, name: &str) -> String {
    format!("arn:{}:acm-pca:::template/{name}", authority.partition())
}

fn by_usages(usages: &Usages) -> &'static str {
    use ExtendedKeyUsage::{ClientAuth, CodeSigning, OcspSigning, ServerAuth};

    match (usages.key.is_empty(), usages.extended.as_slice()) {
        (true, [ServerAuth, ClientAuth] | [ClientAuth, ServerAuth]) => "EndEntityCertificate/V1",
        (true, [ServerAuth]) => "EndEntityServerAuthCertificate/V1",
        (true, [ClientAuth]) => "EndEntityClientAuthCertificate/V1",
        (true, [CodeSigning]) => "CodeSigningCertificate/V1",
        (true, [OcspSigning]) => "OCSPSigningCertificate/V1",
        (_, _) => "BlankEndEntityCertificate_APICSRPassthrough/V1",
    }
}

fn usages_of(asked: &csr::Request<'_>) -> Result<Usages, Error> {
    let key = Usages::of_key(asked.key_usages()?.unwrap_or(KeyUsages::NONE));
    Ok(asked.extended_key_usages()?.into_iter().flatten().fold(key, Usages::with))
}
