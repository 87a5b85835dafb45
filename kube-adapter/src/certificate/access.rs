//! The Secrets of a Certificate where each is followed by its name: which they are, and whether they may be relied upon.

use super::record::CertificateRecord;
use super::{key, wanted};
use crate::crd::certificate::Certificate;
use crate::key::{Key, Kind, Name};
use crate::plan::certificate::{Lacking, TAKEN, TOO_LONG};
use crate::secret::named::{self, Access};
use crate::world::World;

/// Says which Secrets it refers to, so that those are followed.
pub(super) fn refer(world: &mut World, name: &Name) {
    if !named::are_named(world) {
        return;
    }
    let mut secrets = Vec::new();
    if let Some(record) = world.certificates.get(name) {
        secrets = needed(record);
        // What was stored under another name, as before Secrets were followed by name, is used up and goes.
        secrets.extend(world.secret_index.next_keys(&record.uid).iter().cloned());
        if let Some(object) = record.object() {
            secrets.extend(told_key(&object));
        }
    }
    named::want(world, &key_of(name), secrets);
}

/// Whether its Secrets may be relied upon.
pub(super) fn of(world: &World, name: &Name, record: &CertificateRecord) -> Access {
    if named::are_named(world) { named::access(world, &key_of(name), &needed(record)) } else { Access::Open }
}

/// What it may not do, and what to do about it.
pub(super) fn lacking(world: &World, name: &Name, record: &CertificateRecord) -> Option<Lacking> {
    if !named::are_named(world) {
        return None;
    }
    let next = key::named(&record.secret);
    if next.object().len() > LONGEST_NAME {
        let message = format!(
            "The next private key must be stored under the secretName and \"-next\", and that is too long a name: give the Certificate a \
             secretName of at most {} characters",
            LONGEST_NAME - (next.object().len() - record.secret.object().len())
        );
        return Some(Lacking { reason: TOO_LONG, message, is_closed: true });
    }
    if let Access::Closed(closed) = of(world, name, record) {
        return Some(Lacking { reason: closed.reason, message: closed.message, is_closed: true });
    }
    let memory = record.memory.as_deref()?;
    memory.trouble.as_ref().filter(|it| it.is_told)?;
    if memory.taken_names > 0 {
        let message = format!(
            "Secret {} is somebody else's, and the next private key must be stored under this name: rename or delete that Secret, or give the \
             Certificate another secretName",
            next
        );
        return Some(Lacking { reason: TAKEN, message, is_closed: false });
    }
    let denied = named::denied(world, &key_of(name))?;
    Some(Lacking { reason: denied.reason, message: denied.message, is_closed: false })
}

/// A Secret that was in the way is gone.
pub(crate) fn name_freed(world: &mut World, name: &Name) {
    let Some(memory) = world.certificates.get_mut(name).and_then(|it| it.memory.as_deref_mut()) else { return };
    if memory.taken_names > 0 {
        memory.taken_names = 0;
        memory.trouble = None;
        world.wake(key_of(name));
    }
}

/// The Secrets of a Certificate that are written: its own, that of its next key, and the one that its status tells of.
pub(crate) fn kept_secrets(object: &Certificate) -> Vec<Name> {
    let target = Name::of(&object.metadata).beside(&object.spec.secret_name);
    let next = key::named(&target);
    [target, next].into_iter().chain(told_key(object)).collect()
}

/// Those that are only read.
pub(crate) fn read_secrets(object: &Certificate) -> Vec<Name> {
    let name = Name::of(&object.metadata);
    wanted::password_secrets(&object.spec).map(|it| name.beside(it)).collect()
}

/// The Secret of the next key, as the status tells of it.
fn told_key(object: &Certificate) -> Option<Name> {
    let told = object.status.as_ref()?.next_private_key_secret_name.as_deref().filter(|it| !it.is_empty())?;
    Some(Name::of(&object.metadata).beside(told))
}

/// The Secrets without which nothing is done.
fn needed(record: &CertificateRecord) -> Vec<Name> {
    let own = [record.secret.clone(), key::named(&record.secret)];
    own.into_iter().chain(record.passwords.iter().cloned()).collect()
}

fn key_of(name: &Name) -> Key {
    Key::new(Kind::Certificate, name.clone())
}

/// What the API server takes as a name.
const LONGEST_NAME: usize = 253;
