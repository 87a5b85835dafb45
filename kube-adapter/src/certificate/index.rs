//! Which Certificates claim a Secret.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::record::CertificateRecord;
use crate::few::Few;
use crate::key::{Key, Kind, Name, Version};
use crate::world::{Changed, World};

/// What finds a Certificate by something else than its name.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By the Secret that they want.
    claims: HashMap<Name, Few<Name>>,
    /// How many bytes of whole Certificates are kept for which something is to be done.
    packed: Arc<AtomicUsize>,
}

/// The Certificates that want this Secret, in no order.
pub(crate) fn claimants<'a>(world: &'a World, secret: &Name) -> &'a [Name] {
    world.certificate_index.claims.get(secret).map_or(&[], Few::as_slice)
}

/// The one of them that gets it: whom the Secret names, else the oldest, then the first by name. `named` is whom the Secret names.
pub(crate) fn owner<'a>(world: &'a World, secret: &Name, named: Option<&str>) -> Option<&'a Name> {
    let claimants = claimants(world, secret);
    let is_named = |it: &&Name| named.is_some_and(|named| named == it.object());
    let age = |name: &Name| world.certificates.get(name).map_or(i64::MAX, |it| it.created);
    claimants.iter().find(is_named).or_else(|| claimants.iter().min_by_key(|it| (age(it), it.object())))
}

/// One of them changed: it is woken, and who shares a Secret with it.
pub(crate) fn changed(world: &mut World, changed: Changed<CertificateRecord>) {
    let Changed { name, removed } = changed;
    let key = Key::new(Kind::Certificate, name.clone());
    if let Some(removed) = removed {
        leave(world, &name.beside(removed.secret), &name);
        if let Some(before) = removed.left {
            leave(world, &name.beside(before), &name);
        }
    }
    let Some(record) = world.certificates.get_mut(&name) else {
        world.secret_index.refer(&key, []);
        return;
    };
    let (secret, left) = (name.beside(record.secret.clone()), record.left.take());
    let passwords: Vec<Name> = record.passwords.iter().map(|it| name.beside(it.clone())).collect();
    // What there is no room for is read again when it is its turn.
    if !record.fits(&world.certificate_index.packed) {
        record.whole = None;
    }
    if let Some(before) = left {
        leave(world, &name.beside(before), &name);
    }
    let secret = world.tls_secrets.name(&secret).cloned().unwrap_or(secret);
    world.certificate_index.claims.entry(secret).or_default().insert(name.clone());
    world.secret_index.refer(&key, passwords);
    world.wake(key);
}

/// What it lacked may be there now.
pub(crate) fn try_again(world: &mut World, name: &Name) {
    if let Some(memory) = world.certificates.get_mut(name).and_then(|it| it.memory.as_deref_mut()) {
        memory.trouble = None;
    }
}

/// A watch told of a Secret in this state: what was read of an earlier one does not count.
pub(crate) fn target_heard(world: &mut World, secret: &Name, state: Option<&Version>) {
    for name in claimants(world, secret).to_vec() {
        let record = world.certificates.get_mut(&name);
        let Some(memory) = record.and_then(|it| it.memory.as_deref_mut()) else { continue };
        let Some(seen) = &memory.target else { continue };
        let is_news = match (&seen.version, state) {
            (Some(seen), Some(state)) => seen != state && !state.is_older_than(seen),
            (None, Some(_)) | (Some(_), None) => true,
            (None, None) => false,
        };
        if is_news {
            memory.target = None;
            world.wake(Key::new(Kind::Certificate, name));
        }
    }
}

fn leave(world: &mut World, secret: &Name, name: &Name) {
    let Some(claims) = world.certificate_index.claims.get_mut(secret) else { return };
    claims.remove(name);
    let left = claims.as_slice().to_vec();
    if left.is_empty() {
        world.certificate_index.claims.remove(secret);
    }
    for other in left {
        world.wake(Key::new(Kind::Certificate, other));
    }
}
