//! The Secrets that an issuer reads, as they are now.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use acme_core::{PrivateKey, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use crate::api::{Api, Refusal, Resource};
use crate::crd::base64::Base64;
use crate::key::{Identity, Name};

/// Reads Secrets of one namespace, and remembers which state of them was read.
pub(crate) struct Secrets<'a> {
    api: &'a Api,
    namespace: Arc<str>,
    read: Vec<Read>,
}

/// Which state of a Secret was read; none where it was not there.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) name: Name,
    pub(crate) identity: Option<Identity>,
}

impl Read {
    /// Was this state or a newer one read?
    pub(crate) fn is_as_new_as(&self, seen: Option<&Identity>) -> bool {
        match (&self.identity, seen) {
            (None, None) => true,
            (Some(read), Some(seen)) => {
                read.uid == seen.uid && (read.version == seen.version || seen.version.is_older_than(&read.version))
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

/// What a Secret holds.
pub(crate) struct Contents {
    secret: Name,
    data: BTreeMap<String, Secret<Vec<u8>>>,
}

/// Why there is nothing to read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// There is no such Secret.
    Missing(Name),
    /// The Secret is there, and lacks this key.
    Lacking(Name, String),
    /// The API server did not answer the question.
    Refused(Refusal),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The API server's own words, which cert-manager passes on.
            Self::Missing(name) => write!(f, "secrets \"{}\" not found", name.object()),
            Self::Lacking(name, key) => write!(f, "no data for \"{key}\" in secret '{name}'"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl<'a> Secrets<'a> {
    /// The Secrets of a namespace.
    pub(crate) fn new(api: &'a Api, namespace: Arc<str>) -> Self {
        Self { api, namespace, read: Vec::new() }
    }

    /// Which states were read.
    pub(crate) fn into_read(self) -> Vec<Read> {
        self.read
    }

    /// A Secret as it is now.
    pub(crate) async fn whole(&mut self, name: &str) -> Result<Contents, Unread> {
        let name = Name::new(Arc::clone(&self.namespace), name);
        let object: Option<Object> = self.api.read(Resource::SECRETS, &name).await.map_err(Unread::Refused)?;
        let identity = object.as_ref().and_then(|object| Identity::of(&object.metadata));
        self.read.push(Read { name: name.clone(), identity });
        let Some(object) = object else { return Err(Unread::Missing(name)) };
        let data = object.data.into_iter().map(|(key, value)| (key, Secret::new(value.as_slice().to_vec()))).collect();
        Ok(Contents { secret: name, data })
    }

    /// One value of a Secret as it is now.
    pub(crate) async fn value(&mut self, name: &str, key: &str) -> Result<Secret<Vec<u8>>, Unread> {
        self.whole(name).await?.take(key)
    }
}

impl Contents {
    /// Takes a value out.
    pub(crate) fn take(&mut self, key: &str) -> Result<Secret<Vec<u8>>, Unread> {
        self.find(key).ok_or_else(|| Unread::Lacking(self.secret.clone(), key.to_owned()))
    }

    /// Takes a value out, where it is there.
    pub(crate) fn find(&mut self, key: &str) -> Option<Secret<Vec<u8>>> {
        self.data.remove(key).filter(|value| !value.expose().is_empty())
    }
}

/// Reads a private key in PEM.
pub(crate) fn read_key(pem: &Secret<Vec<u8>>) -> Option<PrivateKey> {
    PrivateKey::from_pem(std::str::from_utf8(pem.expose()).ok()?).ok()
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    data: BTreeMap<String, Base64>,
}
