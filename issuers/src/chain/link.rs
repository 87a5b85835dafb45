//! Whether one certificate can have issued another (RFC 5280 section 6.1.4).

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
