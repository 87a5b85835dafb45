//! Whether one certificate can have issued another (RFC 5280 section 6.1.4).

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use acme_core::der::{self, Reader};
use acme_core::{Error, ErrorKind};

use crate::x509::{Certificate, name};

/// Why a certificate cannot be the issuer of another one.
pub(crate) enum Refusal {
    /// The issuer is called otherwise.
    Name,
    /// It was issued with another key of that name.
    Key,
    /// The issuer must not issue; in words that go on after its name.
    Authority(String),
}

/// Why `parent` cannot have issued `child`, when `below` certificate authorities stand between it and the leaf. The signature is not looked at.
pub(crate) fn refusal(child: &Certificate<'_>, parent: &Certificate<'_>, below: u32) -> Option<Refusal> {
    if child.issuer != parent.subject && name::canonical(child.issuer) != name::canonical(parent.subject) {
        return Some(Refusal::Name);
    }
    if let (Some(wanted), Some(found)) = (child.authority_key_identifier(), parent.subject_key_identifier())
        && wanted != found
    {
        return Some(Refusal::Key);
    }
    let authority = match parent.basic_constraints() {
        Some(constraints) if constraints.is_authority() => constraints,
        Some(_) | None => return Some(Refusal::Authority("is not a certificate authority".to_owned())),
    };
    if !parent.may_sign_certificates() {
        return Some(Refusal::Authority("must not sign certificates: its key usage lacks keyCertSign".to_owned()));
    }
    match authority.path_length() {
        Some(bound) if below > bound => {
            Some(Refusal::Authority(format!("allows {bound} certificate authorities below it, and there are {below}")))
        }
        Some(_) | None => None,
    }
}

/// Did a certificate whose issuer has its own name sign itself? Where key identifiers say so, they are believed: nobody verifies roots, and old ones are signed with SHA-1.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub(crate) fn signed_itself(certificate: &Certificate<'_>) -> bool {
    match (certificate.authority_key_identifier(), certificate.subject_key_identifier()) {
        (Some(wanted), Some(found)) => wanted == found,
        (None, _) | (_, None) => match verify(certificate, certificate) {
            Ok(()) => true,
            Err(error) => error.kind() == ErrorKind::Unsupported || is_outdated(certificate.algorithm),
        },
    }
}

/// Is it signed with a hash that is broken? Then nobody verifies it, and a root is trusted for where it comes from.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
fn is_outdated(algorithm: &[u8]) -> bool {
    let name = Reader::only(der::SEQUENCE, algorithm).and_then(|mut it| it.value(der::OBJECT_IDENTIFIER));
    name.is_some_and(|name| [MD5_RSA, SHA1_RSA, ECDSA_SHA1].contains(&name))
}

/// What is wrong with the signature of `child`, when it is `parent`'s key that should have made it. What this build cannot verify passes.
pub(crate) fn forged(child: &Certificate<'_>, parent: &Certificate<'_>) -> Option<Error> {
    verify(child, parent).err().filter(|error| error.kind() != ErrorKind::Unsupported)
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub(crate) fn verify(child: &Certificate<'_>, parent: &Certificate<'_>) -> Result<(), Error> {
    acme_core::key::verify_x509(child.algorithm, &parent.public_key, child.signed, child.signature)
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
fn verify(_: &Certificate<'_>, _: &Certificate<'_>) -> Result<(), Error> {
    Ok(())
}

/// md5WithRSAEncryption, 1.2.840.113549.1.1.4.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
const MD5_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04];
/// sha1WithRSAEncryption, 1.2.840.113549.1.1.5.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
const SHA1_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];
/// ecdsa-with-SHA1, 1.2.840.10045.4.1.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
