//! Secrets: what their metadata tells, and what target Secrets hold.

use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;

use crate::key::{Identity, Name};
use crate::world::{Changed, Record, World};

/// What is kept of a Secret that is labelled as ours or referred to; nothing of others.
#[derive(Debug)]
pub(crate) struct SecretRecord;

/// Who refers to which Secret.
#[derive(Debug, Default)]
pub(crate) struct Index;

impl Record for SecretRecord {
    type Object = PartialObjectMeta<Secret>;

    fn name(object: &Self::Object) -> Name {
        Name::of(&object.metadata)
    }

    fn identity(object: &Self::Object) -> Option<Identity> {
        Identity::of(&object.metadata)
    }

    fn read(_object: Self::Object, _before: Option<Self>) -> Option<Self> {
        Some(Self)
    }
}

/// One of them changed: whoever reads it is woken.
pub(crate) fn changed(world: &mut World, changed: Changed<SecretRecord>) {
    let state = world.tls_secrets.identity(&changed.name).or_else(|| world.other_secrets.identity(&changed.name));
    let state = state.cloned();
    crate::issuer::secret_changed(world, &changed.name, state.as_ref());
    crate::request::secret_changed(world, &changed.name);
}
