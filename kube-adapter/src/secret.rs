//! Secrets: what their metadata tells, and who is woken when one changes.

pub(crate) mod applied;
mod applied_fields;
mod details;
mod metadata;
mod proof;
pub(crate) mod target;

use std::collections::HashMap;

use crate::few::Few;
use crate::key::{Identity, Key, Kind, Name, Uid, Version};
use crate::watch::Event;
use crate::world::{Changed, News, Record, World};

use metadata::Marked;

pub(crate) use metadata::SecretMetadata;
pub(crate) use proof::{CERTIFICATE_NAME, Dress, Proof, issuer_digest};

/// What is kept of a Secret that is labelled as cert-manager's; nothing of others.
#[derive(Debug)]
pub(crate) struct SecretRecord {
    /// The Certificate whose next key it is.
    next_key_of: Option<Uid>,
    /// What its metadata proves.
    proof: Proof,
    /// The state that this speaks of.
    version: Version,
    /// Somebody else wrote it while this process looked on.
    touched: bool,
}

impl SecretRecord {
    /// What is kept of a Secret that this process just wrote.
    pub(crate) fn written(proof: Proof, version: Version) -> Self {
        Self { next_key_of: None, proof, version, touched: false }
    }

    /// What is kept of a next key that this process just stored for the Certificate of this uid.
    pub(crate) fn next_key(owner: Uid, version: Version) -> Self {
        Self { next_key_of: Some(owner), proof: Proof::default(), version, touched: false }
    }

    /// What its metadata proves; `None` once somebody else wrote it while this process looked on: then only its contents tell.
    pub(crate) fn proof(&self) -> Option<&Proof> {
        (!self.touched).then_some(&self.proof)
    }

    /// The name in the annotation that says which Certificate it is for.
    pub(crate) fn certificate(&self) -> Option<&str> {
        self.proof.certificate()
    }
}

impl Record for SecretRecord {
    type Object = SecretMetadata;

    fn name(object: &Self::Object) -> Name {
        object.name.clone()
    }

    fn identity(object: &Self::Object) -> Option<Identity> {
        object.identity.clone()
    }

    fn read(object: Self::Object, before: Option<Self>) -> Option<Self> {
        let version = object.identity?.version;
        let touched = before.is_some_and(|it| it.touched || it.version != version);
        let (next_key_of, proof) = match object.marked? {
            Marked::NextKey(owner) => (owner, Proof::default()),
            Marked::Target(proof) => (None, proof),
        };
        Some(Self { next_key_of, proof, version, touched })
    }
}

/// Who refers to which Secret.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Whoever has to look when a Secret changes, however little is kept of it: issuers, the passwords of key stores, self-signed requests.
    referrers: HashMap<Name, Vec<Key>>,
    /// The reverse.
    referred: HashMap<Key, Vec<Name>>,
    /// Next keys, by the uid of their Certificate.
    next_keys: HashMap<Uid, Few<Name>>,
}

impl Index {
    /// Says to which Secrets `key` refers, instead of what was said before: it is woken whenever one of them is made, changed or deleted.
    pub(crate) fn refer(&mut self, key: &Key, secrets: impl IntoIterator<Item = Name>) {
        let secrets: Vec<Name> = secrets.into_iter().collect();
        let before = self.referred.get(key).map_or(&[][..], Vec::as_slice);
        if before == secrets {
            return;
        }
        for secret in self.referred.remove(key).unwrap_or_default() {
            if let Some(keys) = self.referrers.get_mut(&secret) {
                keys.retain(|it| it != key);
                if keys.is_empty() {
                    self.referrers.remove(&secret);
                }
            }
        }
        for secret in &secrets {
            self.referrers.entry(secret.clone()).or_default().push(key.clone());
        }
        if !secrets.is_empty() {
            self.referred.insert(key.clone(), secrets);
        }
    }

    /// The stored next keys of the Certificate of this uid.
    pub(crate) fn next_keys(&self, owner: &Uid) -> &[Name] {
        self.next_keys.get(owner).map_or(&[], Few::as_slice)
    }
}

/// The record of a Secret of any type.
pub(crate) fn record<'a>(world: &'a World, name: &Name) -> Option<&'a SecretRecord> {
    world.tls_secrets.get(name).or_else(|| world.other_secrets.get(name))
}

/// The newest state of a Secret of any type that is known.
pub(crate) fn identity<'a>(world: &'a World, name: &Name) -> Option<&'a Identity> {
    world.tls_secrets.identity(name).or_else(|| world.other_secrets.identity(name))
}

/// A Secret of any type was read whole in this state, so it is known as it is.
pub(crate) fn settle(world: &mut World, name: &Name, state: &Version) {
    let record = world.tls_secrets.get_mut(name).or_else(|| world.other_secrets.get_mut(name));
    if let Some(record) = record.filter(|it| it.version == *state) {
        record.touched = false;
    }
}

/// A watch told of these Secrets, whether anything is kept of them or not: who refers to them is woken.
pub(crate) fn heard(world: &mut World, news: &News<SecretMetadata>) {
    let (Event::Apply(object) | Event::InitApply(object) | Event::Delete(object)) = &news.event else { return };
    let name = object.name.clone();
    for key in world.secret_index.referrers.get(&name).cloned().unwrap_or_default() {
        if key.kind == Kind::Certificate {
            crate::certificate::try_again(world, &key.name);
        }
        world.wake(key);
    }
    let is_there = !matches!(&news.event, Event::Delete(_));
    let state = object.identity.clone().filter(|_| is_there);
    crate::issuer::secret_changed(world, &name, state.as_ref());
    crate::request::secret_changed(world, &name);
    crate::certificate::target_heard(world, &name, state.as_ref().map(|it| &it.version));
}

/// One of them changed.
pub(crate) fn changed(world: &mut World, changed: Changed<SecretRecord>) {
    let Changed { name, removed } = changed;
    if let Some(owner) = removed.and_then(|it| it.next_key_of) {
        leave(world, &owner, &name);
    }
    if let Some(owner) = record(world, &name).and_then(|it| it.next_key_of.clone()) {
        enter(world, owner, &name);
    }
    for key in world.secret_index.referrers.get(&name).cloned().unwrap_or_default() {
        world.wake(key);
    }
    let state = identity(world, &name).cloned();
    crate::issuer::secret_changed(world, &name, state.as_ref());
    crate::request::secret_changed(world, &name);
    for certificate in crate::certificate::claimants(world, &name).to_vec() {
        world.wake(Key::new(Kind::Certificate, certificate));
    }
}

/// Puts in a next key that this process just stored for the Certificate of this uid.
pub(crate) fn learn_next_key(world: &mut World, name: &Name, identity: Identity, owner: Uid) {
    let record = SecretRecord::next_key(owner.clone(), identity.version.clone());
    world.other_secrets.learn(name.clone(), identity, record);
    enter(world, owner, name);
}

/// Takes out a next key that this process just deleted.
pub(crate) fn forget_next_key(world: &mut World, name: &Name) {
    let record = world.other_secrets.forget(name).or_else(|| world.tls_secrets.forget(name));
    if let Some(owner) = record.and_then(|it| it.next_key_of) {
        leave(world, &owner, name);
    }
}

fn enter(world: &mut World, owner: Uid, name: &Name) {
    world.secret_index.next_keys.entry(owner).or_default().insert(name.clone());
}

fn leave(world: &mut World, owner: &Uid, name: &Name) {
    if world.secret_index.next_keys.get_mut(owner).is_some_and(|names| names.remove(name)) {
        world.secret_index.next_keys.remove(owner);
    }
}

/// The label of all Secrets that cert-manager wants to see whole.
pub(crate) const ATTENTION: &str = "controller.cert-manager.io/fao";

/// The label of keys that wait for their certificate.
pub(crate) const NEXT_KEY: &str = "cert-manager.io/next-private-key";
