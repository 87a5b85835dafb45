//! What is kept of issuers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use acme_core::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::crd::issuer::{ClusterIssuer, Issuer, IssuerSpec, IssuerStatus};
use crate::engine::{Engine, Found, Read, Verdict};
use crate::key::{Identity, Name};
use crate::world::Record;

/// What is kept of an Issuer or a ClusterIssuer: all of it, since there are few.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) spec: Arc<IssuerSpec>,
    pub(crate) status: Arc<IssuerStatus>,
    pub(crate) annotations: Arc<BTreeMap<String, String>>,
    pub(crate) generation: i64,
    /// Whether somebody deleted it, and it is about to go.
    pub(crate) leaving: bool,
    pub(crate) memory: Memory,
}

/// What only this process remembers of an issuer.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// How the last set-up went.
    pub(crate) tried: Option<Tried>,
    /// Whether a Secret that it read changed since.
    pub(crate) outdated: bool,
    /// When the ACME server said last that it does not know the account.
    pub(crate) forgotten: Option<Timestamp>,
    /// Whether the server is asked for the account, whatever the status says.
    pub(crate) asks_account: bool,
    /// No write before this time: the last one was refused.
    pub(crate) quiet_until: Option<Timestamp>,
    /// How many writes were refused in a row.
    pub(crate) refusals: u32,
}

/// How a set-up went.
pub(crate) struct Tried {
    /// Which spec it was.
    pub(crate) generation: i64,
    /// What came of it.
    pub(crate) found: Found,
    /// The Secrets that were read.
    pub(crate) read: Vec<Read>,
    /// When it is tried again.
    pub(crate) again: Option<Timestamp>,
    /// How often it failed in a row.
    pub(crate) failures: u32,
}

impl Kept {
    fn read(metadata: ObjectMeta, spec: IssuerSpec, status: Option<IssuerStatus>, before: Option<Memory>) -> Self {
        Self {
            spec: Arc::new(spec),
            status: Arc::new(status.unwrap_or_default()),
            annotations: Arc::new(metadata.annotations.unwrap_or_default()),
            generation: metadata.generation.unwrap_or_default(),
            leaving: metadata.deletion_timestamp.is_some(),
            memory: before.map(|it| Memory { quiet_until: None, ..it }).unwrap_or_default(),
        }
    }

    /// What signs, once the issuer is set up as its newest spec says.
    pub(crate) fn engine(&self) -> Option<&Engine> {
        self.verdict()?.engine.as_ref()
    }

    /// What the set-up of its newest spec found.
    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        match &self.tried()?.found {
            Found::Verdict(verdict) => Some(verdict),
            Found::NewKey(_) => None,
        }
    }

    /// How the set-up of its newest spec went.
    pub(crate) fn tried(&self) -> Option<&Tried> {
        self.memory.tried.as_ref().filter(|tried| tried.generation == self.generation)
    }
}

impl fmt::Debug for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tried")
            .field("generation", &self.generation)
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

/// What is kept of an Issuer.
#[derive(Debug)]
pub(crate) struct IssuerRecord(pub(crate) Kept);

impl Record for IssuerRecord {
    type Object = Issuer;

    fn name(object: &Self::Object) -> Name {
        Name::of(&object.metadata)
    }

    fn identity(object: &Self::Object) -> Option<Identity> {
        Identity::of(&object.metadata)
    }

    fn read(object: Self::Object, before: Option<Self>) -> Option<Self> {
        Some(Self(Kept::read(object.metadata, object.spec, object.status, before.map(|it| it.0.memory))))
    }
}

/// What is kept of a ClusterIssuer: the same.
#[derive(Debug)]
pub(crate) struct ClusterIssuerRecord(pub(crate) Kept);

impl Record for ClusterIssuerRecord {
    type Object = ClusterIssuer;

    fn name(object: &Self::Object) -> Name {
        Name::of(&object.metadata)
    }

    fn identity(object: &Self::Object) -> Option<Identity> {
        Identity::of(&object.metadata)
    }

    fn read(object: Self::Object, before: Option<Self>) -> Option<Self> {
        Some(Self(Kept::read(object.metadata, object.spec, object.status, before.map(|it| it.0.memory))))
    }
}
