//! Whether what is there is what is wanted.

use std::collections::BTreeSet;
use std::fmt;

use acme_core::Identifier;
use issuers::IssuerId;

use crate::Spec;
use crate::record::{Credential, Pending};

/// In what a certificate differs from what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Difference {
    /// It is for other names or addresses.
    Identifiers,
    /// Its key is of another kind.
    KeyType,
    /// Somebody else issued it.
    Issuer,
    /// It was asked for with another profile.
    Profile,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identifiers => "other names are wanted",
            Self::KeyType => "another kind of key is wanted",
            Self::Issuer => "another issuer is wanted",
            Self::Profile => "another profile is wanted",
        })
    }
}

/// In what the certificate in use differs from what is wanted. `issuer` is who shall issue, when that was said.
pub fn difference(spec: &Spec, issuer: Option<&IssuerId>, credential: &Credential) -> Option<Difference> {
    if set(&spec.identifiers) != set(&credential.identifiers) {
        Some(Difference::Identifiers)
    } else if spec.key_type != credential.key_type {
        Some(Difference::KeyType)
    } else if issuer.is_some_and(|issuer| *issuer != credential.issuer) {
        Some(Difference::Issuer)
    } else if spec.profile != credential.profile {
        Some(Difference::Profile)
    } else {
        None
    }
}

/// Is the issuance under way for what is wanted now?
pub fn serves(spec: &Spec, issuer: &IssuerId, pending: &Pending) -> bool {
    set(&spec.identifiers) == set(&pending.identifiers)
        && spec.key_type == pending.key_type
        && spec.profile == pending.profile
        && *issuer == pending.issuer
}

fn set(identifiers: &[Identifier]) -> BTreeSet<&Identifier> {
    identifiers.iter().collect()
}
