//! Which Certificates claim a Secret.

use std::time::Duration;

use acme_core::Timestamp;
use acme_core::backoff::fraction;

use super::access;
use super::record::CertificateRecord;
use super::shelf::Shelf;
use crate::few::Few;
use crate::key::{Key, Kind, Name, Version};
use crate::maps::{HashMap, HashSet};
use crate::world::{Changed, World};

/// What finds a Certificate by something else than its name.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By the Secret that they want, where that has another name than they.
    claims: HashMap<Name, Few<Name>>,
    /// Whole Certificates for which something is to be done.
    shelf: Shelf,
    /// Issuers that tell when certificates should be renewed: the numbers that stand for them, and their namespaces; none for a ClusterIssuer.
    informing: HashMap<u64, HashSet<Box<str>>>,
    /// Secrets that are put in order though nobody asked for it.
    pub(super) fix_ups: FixUps,
}

impl Index {
    /// Gives back what a storm took, once it is over.
    pub(crate) fn shrink(&mut self) {
        self.shelf.tidy();
    }

    /// How many bytes those take that wait whole.
    #[cfg(test)]
    pub(super) fn shelved(&self) -> usize {
        self.shelf.taken()
    }
}

/// The Certificates that want this Secret, in no order.
pub(crate) fn claimants<'a>(world: &'a World, secret: &Name) -> impl Iterator<Item = &'a Name> {
    let others = world.certificate_index.claims.get(secret).map_or(&[][..], Few::as_slice);
    namesake(world, secret).into_iter().chain(others)
}

/// The name of a Secret as it is held by whoever wants it: another holder of the same text costs nothing.
pub(crate) fn claimed<'a>(world: &'a World, secret: &Name) -> Option<&'a Name> {
    let held = world.certificate_index.claims.get_key_value(secret).map(|(name, _)| name);
    held.or_else(|| namesake(world, secret))
}

/// The Certificate of the same name, where it wants this Secret.
fn namesake<'a>(world: &'a World, secret: &Name) -> Option<&'a Name> {
    let record = world.certificates.get(secret)?;
    world.certificates.name(secret).filter(|_| record.secret == *secret)
}

/// The one of them that gets it: whom the Secret names, else the oldest, then the first by name. `named` is whom the Secret names.
pub(crate) fn owner<'a>(world: &'a World, secret: &Name, named: Option<&str>) -> Option<&'a Name> {
    let is_named = |it: &&Name| named.is_some_and(|named| named == it.object());
    let age = |name: &Name| world.certificates.get(name).map_or(i64::MAX, |it| it.created);
    let oldest = || claimants(world, secret).min_by_key(|it| (age(it), it.object()));
    claimants(world, secret).find(is_named).or_else(oldest)
}

/// One of them changed: it is woken, and who shares a Secret with it.
pub(crate) fn changed(world: &mut World, changed: Changed<CertificateRecord>) {
    let Changed { name, removed } = changed;
    let key = Key::new(Kind::Certificate, name.clone());
    if let Some(removed) = removed {
        leave(world, &removed.secret, &name);
        if let Some(before) = removed.left {
            leave(world, &before, &name);
        }
    }
    let Some(record) = world.certificates.get_mut(&name) else {
        world.secret_index.refer(&key, []);
        access::refer(world, &name);
        return;
    };
    if record.secret == name {
        record.secret = name.clone();
    }
    let (uid, secret, left) = (record.uid.clone(), record.secret.clone(), record.left.take());
    let passwords = record.passwords.to_vec();
    record.shelve(&mut world.certificate_index.shelf);
    if let Some(before) = left {
        leave(world, &before, &name);
    }
    // Certificate and Secret are named many times, and once in memory.
    crate::request::name_owner(world, &uid, &name);
    crate::secret::share(world, &secret, &name);
    if secret != name {
        world.certificate_index.claims.entry(secret).or_default().insert(name.clone());
    }
    world.secret_index.refer(&key, passwords);
    access::refer(world, &name);
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
    let claimants: Vec<Name> = claimants(world, secret).cloned().collect();
    for name in claimants {
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

/// Whether the issuer of this number, referred to by this Certificate, tells when certificates should be renewed.
pub(super) fn informs(world: &World, name: &Name, issuer: u64) -> bool {
    let namespaces = world.certificate_index.informing.get(&issuer);
    namespaces.is_some_and(|it| it.contains(name.namespace()) || it.contains(""))
}

/// The issuer of this number, referred to by this Certificate, was asked and tells nothing of renewals.
pub(super) fn falls_silent(world: &mut World, name: &Name, issuer: u64) {
    if let Some(namespaces) = world.certificate_index.informing.get_mut(&issuer) {
        namespaces.remove(name.namespace());
        namespaces.remove("");
    }
}

/// The account of an issuer is usable, and may be asked about renewals or shall not be; or it is not usable any more. Certificates whose renewal that
/// concerns are woken.
pub(super) fn account_changed(world: &mut World, issuer: &Name, number: u64, asks: Option<bool>) {
    let namespaces = world.certificate_index.informing.entry(number).or_default();
    let is_news = match asks {
        Some(true) => namespaces.insert(issuer.namespace().into()),
        Some(false) => {
            namespaces.remove(issuer.namespace());
            true
        }
        None => {
            namespaces.remove(issuer.namespace());
            false
        }
    };
    if !is_news {
        return;
    }
    let is_of = |name: &Name, it: &CertificateRecord| {
        let is_beside = issuer.namespace().is_empty() || issuer.namespace() == name.namespace();
        it.issuer == number && is_beside && (asks == Some(true) || it.next_check.get().is_some())
    };
    let concerned: Vec<Name> =
        world.certificates.iter().filter(|(name, it)| is_of(name, it)).map(|(name, _)| name.clone()).collect();
    for name in concerned {
        if asks == Some(false)
            && let Some(record) = world.certificates.get_mut(&name)
        {
            // What the status says of it is taken back.
            record.memory();
        }
        world.wake(Key::new(Kind::Certificate, name));
    }
}

/// How fast Secrets are put in order that nobody waits for: after an upgrade there may be thousands.
#[derive(Debug, Default)]
pub(super) struct FixUps {
    /// When what was begun so far would be over at the pace that is kept.
    paid_until: Timestamp,
}

impl FixUps {
    /// When one more may begin. Of many that wait each looks again at another time.
    pub(super) fn next(&self, seed: &str, now: Timestamp) -> Timestamp {
        let opens = self.paid_until - BURST;
        if opens.is_due(now) { now } else { opens + CROWD.mul_f64(fraction(seed.as_bytes())) }
    }

    /// One begins.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.paid_until = self.paid_until.max(now) + EACH;
    }
}

/// Five in a second.
const EACH: Duration = Duration::from_millis(200);
const BURST: Duration = Duration::from_millis(800);

/// Over this time those that wait are spread.
const CROWD: Duration = Duration::from_secs(60);

fn leave(world: &mut World, secret: &Name, name: &Name) {
    let claims = &mut world.certificate_index.claims;
    if claims.get_mut(secret).is_some_and(|it| it.remove(name)) {
        claims.remove(secret);
    }
    let left: Vec<Name> = claimants(world, secret).filter(|it| *it != name).cloned().collect();
    for other in left {
        world.wake(Key::new(Kind::Certificate, other));
    }
}

#[cfg(test)]
mod tests {
    use acme_core::Timestamp;

    use super::FixUps;

    #[test]
    fn five_secrets_in_a_second_are_put_in_order_and_the_rest_wait() {
        let (mut fix_ups, now) = (FixUps::default(), Timestamp::from_unix_seconds(1_800_000_000));
        for _ in 0..5 {
            assert_eq!(fix_ups.next("a", now), now);
            fix_ups.begin(now);
        }
        let next = fix_ups.next("a", now);
        assert!(next > now);
        assert_eq!(fix_ups.next("a", next), next);
    }
}
