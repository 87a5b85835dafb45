//! What is shown to Vault.

use std::fmt;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Secret};
use bytes::Bytes;
use serde::ser::SerializeMap as _;

use crate::vault::path::{Mount, Path};

/// What an [`Auth`](super::Auth) shows.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "an issuer must obey both")]
pub enum Proof {
    /// A token that is ready to be used.
    Token(Arc<Secret<String>>),
    /// A request that Vault answers with a token.
    Login(Login),
}

/// A login request: what is posted to a mount's `login`.
pub struct Login {
    path: Path,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    value: Secret<String>,
    exposure: Exposure,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Exposure {
    Public,
    Hidden,
}

impl Login {
    /// A login without any field.
    pub fn at(mount: &Mount) -> Self {
        Self { path: mount.login(), fields: Vec::new() }
    }

    /// Adds a field that may be known to anybody.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        self.field(name, value.into(), Exposure::Public)
    }

    /// Adds a field that proves something; no error repeats it.
    #[must_use]
    pub fn with_secret(self, name: &'static str, value: &Secret<String>) -> Self {
        self.field(name, value.expose().trim().to_owned(), Exposure::Hidden)
    }

    fn field(mut self, name: &'static str, value: String, exposure: Exposure) -> Self {
        self.fields.push(Field { name, value: Secret::new(value), exposure });
        self
    }

    pub(in crate::vault) fn path(&self) -> &str {
        self.path.as_str()
    }

    pub(in crate::vault) fn secrets(&self) -> impl Iterator<Item = &Secret<String>> {
        self.fields.iter().filter(|it| it.exposure == Exposure::Hidden).map(|it| &it.value)
    }

    pub(in crate::vault) fn body(&self) -> Result<Bytes, Error> {
        serde_json::to_vec(self).map(Bytes::from).map_err(|source| {
            Error::new(ErrorKind::Internal, "a login to vault could not be written as JSON").with_source(source)
        })
    }

    /// Whether another login shows anything else.
    pub(in crate::vault) fn differs_from(&self, other: &Self) -> bool {
        self.fields.len() != other.fields.len()
            || self.fields.iter().zip(&other.fields).any(|(ours, theirs)| ours.value.expose() != theirs.value.expose())
    }
}

impl serde::Serialize for Login {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for field in &self.fields {
            map.serialize_entry(field.name, field.value.expose())?;
        }
        map.end()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("path", &self.path.as_str()).finish_non_exhaustive()
    }
}
