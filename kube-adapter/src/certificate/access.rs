//! The Secrets of a Certificate where each is followed by its name: which they are, and whether they may be relied upon.

use super::key;
use super::record::CertificateRecord;
use crate::key::{Key, Kind, Name};
use crate::plan::certificate::{Lacking, TAKEN};
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
        let object = record.object();
        let told = object.as_ref().and_then(|it| it.status.as_ref()?.next_private_key_secret_name.as_deref());
        secrets.extend(told.filter(|it| !it.is_empty()).map(|it| name.beside(it)));
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
    if let Access::Closed(closed) = of(world, name, record) {
        return Some(Lacking { reason: closed.reason, message: closed.message, is_closed: true });
    }
    let memory = record.memory.as_deref()?;
    memory.trouble.as_ref().filter(|it| it.is_told)?;
    if memory.taken_names > 0 {
        let message = format!(
            "Secret {} is somebody else's, and the next private key must be stored under this name: rename or delete that Secret, or give the \
             Certificate another secretName",
            key::named(&record.secret)
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

/// The Secrets without which nothing is done.
fn needed(record: &CertificateRecord) -> Vec<Name> {
    let own = [record.secret.clone(), key::named(&record.secret)];
    own.into_iter().chain(record.passwords.iter().cloned()).collect()
}

fn key_of(name: &Name) -> Key {
    Key::new(Kind::Certificate, name.clone())
}
