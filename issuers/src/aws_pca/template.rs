//! Which template a certificate is made from, as cert-manager's issuer for AWS Private CA chooses it.

use acme_core::{Error, ErrorKind};

use super::arn::AuthorityArn;
use crate::template::{BasicConstraints, ExtendedKeyUsage, KeyUsages, Usages};
use crate::x509::oid;
use crate::{CertificateRequest, csr};

/// The ARN of the template for a request.
///
/// One usage, or server and client together, get the template made for that, and so do the usages of an authority; the subject and the names come from the signing
/// request, and what else it asks for with the variant of the template that lets it pass. Everything else is as the signing request has it. An authority gets the path
/// length that is asked for, and none below it where none is asked for.
///
/// # Errors
/// `Unsupported` for a longer path than there is a template for, and for usages that neither a template nor the signing request says.
pub(super) fn choose(
    authority: &AuthorityArn,
    request: &CertificateRequest<'_>,
    asked: &csr::Request<'_>,
) -> Result<String, Error> {
    let written = usages_of(asked)?;
    let wanted = request.usages.unwrap_or(&written);
    let (made_for_it, blank) = if request.is_ca {
        let length = path_length(asked)?;
        (
            is_of_authority(wanted, &written).then(|| format!("SubordinateCACertificate_PathLen{length}")),
            format!("BlankSubordinateCACertificate_PathLen{length}_CSRPassthrough"),
        )
    } else {
        (by_usages(wanted).map(ToOwned::to_owned), "BlankEndEntityCertificate_APICSRPassthrough".to_owned())
    };
    let name = match made_for_it {
        Some(name) if asks_for_more(asked) => format!("{name}_CSRPassthrough"),
        Some(name) => name,
        None if wanted.same_as(&written) => blank,
        None => return Err(told_beside()),
    };
    Ok(named(authority, &format!("{name}/V1")))
}

/// The ARN of the template of this name.
pub(super) fn named(authority: &AuthorityArn, name: &str) -> String {
    format!("arn:{}:acm-pca:::template/{name}", authority.partition())
}

fn by_usages(usages: &Usages) -> Option<&'static str> {
    use ExtendedKeyUsage::{ClientAuth, CodeSigning, OcspSigning, ServerAuth};

    match (usages.key.is_empty(), usages.extended.as_slice()) {
        (true, [ServerAuth, ClientAuth] | [ClientAuth, ServerAuth]) => Some("EndEntityCertificate"),
        (true, [ServerAuth]) => Some("EndEntityServerAuthCertificate"),
        (true, [ClientAuth]) => Some("EndEntityClientAuthCertificate"),
        (true, [CodeSigning]) => Some("CodeSigningCertificate"),
        (true, [OcspSigning]) => Some("OCSPSigningCertificate"),
        (_, _) => None,
    }
}

/// Are they what the templates for authorities give? They let extended usages of a signing request pass.
fn is_of_authority(wanted: &Usages, written: &Usages) -> bool {
    let given = Usages::of_key(KeyUsages::DIGITAL_SIGNATURE | KeyUsages::CERT_SIGN | KeyUsages::CRL_SIGN);
    written.extended.is_empty() && (wanted.is_empty() || wanted.same_as(&given))
}

fn path_length(asked: &csr::Request<'_>) -> Result<u32, Error> {
    let length = asked.basic_constraints()?.and_then(BasicConstraints::path_length).unwrap_or(0);
    if length > LONGEST_PATH {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "AWS Private CA makes authorities of path length {LONGEST_PATH} at most, and {length} was asked for"
            ),
        ));
    }
    Ok(length)
}

/// Does it ask for extensions beyond those that every template has an answer to?
fn asks_for_more(asked: &csr::Request<'_>) -> bool {
    let answered = [
        oid::SUBJECT_KEY_IDENTIFIER,
        oid::KEY_USAGE,
        oid::SUBJECT_ALTERNATIVE_NAME,
        oid::BASIC_CONSTRAINTS,
        oid::EXTENDED_KEY_USAGE,
    ];
    asked.extensions().iter().any(|it| !answered.contains(&it.oid))
}

fn told_beside() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "AWS Private CA takes these usages from the signing request alone, which asks for others: ask for them there",
    )
}

fn usages_of(asked: &csr::Request<'_>) -> Result<Usages, Error> {
    let key = Usages::of_key(asked.key_usages()?.unwrap_or(KeyUsages::NONE));
    Ok(asked.extended_key_usages()?.into_iter().flatten().fold(key, Usages::with))
}

/// The templates for authorities go from path length 0 to 3.
const LONGEST_PATH: u32 = 3;
