//! Whether what is there is what is wanted.

use std::collections::BTreeSet;
use std::fmt;

use acme_core::Identifier;
use issuers::IssuerId;

use crate::record::{Credential, Pending};
use crate::{Contents, Spec};

mod fields;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod held;

pub use fields::{Field, fields_of_certificate, fields_of_request};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use held::{Flaw, Held};

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
    /// Its subject is another.
    Subject,
    /// It is for other e-mail addresses, URIs or names of other kinds.
    OtherNames,
    /// It is for other usages.
    Usages,
    /// It is a certificate authority and shall be none, or shall be one, or one that may do something else.
    Authority,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identifiers => "other names are wanted",
            Self::KeyType => "another kind of key is wanted",
            Self::Issuer => "another issuer is wanted",
            Self::Profile => "another profile is wanted",
            Self::Subject => "another subject is wanted",
            Self::OtherNames => "other e-mail addresses, URIs or other names are wanted",
            Self::Usages => "other usages are wanted",
            Self::Authority => "another kind of authority is wanted",
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
        contents_difference(&spec.contents, &credential.contents)
    }
}

/// Is the issuance under way for what is wanted now?
pub fn serves(spec: &Spec, issuer: &IssuerId, pending: &Pending) -> bool {
    set(&spec.identifiers) == set(&pending.identifiers)
        && spec.key_type == pending.key_type
        && spec.profile == pending.profile
        && contents_difference(&spec.contents, &pending.contents).is_none()
        && *issuer == pending.issuer
}

/// In what is wanted and was asked for beside names and addresses. Order counts nowhere but in subjects, and where usages are said does not count at all.
fn contents_difference(wanted: &Contents, asked: &Contents) -> Option<Difference> {
    let subject = |it: &Contents| it.subject().ok().map(|it| it.to_raw());
    let are_same_usages = match (wanted.usages(), asked.usages()) {
        (Some(wanted), Some(asked)) => wanted.same_as(&asked),
        (wanted, asked) => wanted.is_none() && asked.is_none(),
    };
    if subject(wanted) != subject(asked) {
        Some(Difference::Subject)
    } else if names(wanted) != names(asked) {
        Some(Difference::OtherNames)
    } else if wanted.authority != asked.authority {
        Some(Difference::Authority)
    } else if !are_same_usages {
        Some(Difference::Usages)
    } else {
        None
    }
}

/// Every name beside DNS names and addresses, with its kind.
fn names(contents: &Contents) -> BTreeSet<(String, &str)> {
    let emails = contents.emails.iter().map(|it| ("e-mail".to_owned(), it.as_str()));
    let uris = contents.uris.iter().map(|it| ("URI".to_owned(), it.as_str()));
    let others = contents.other_names.iter().map(|it| (it.oid.to_string(), it.utf8_value.as_str()));
    emails.chain(uris).chain(others).collect()
}

fn set(identifiers: &[Identifier]) -> BTreeSet<&Identifier> {
    identifiers.iter().collect()
}
