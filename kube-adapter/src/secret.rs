//! Secrets: what their metadata tells, and who is woken when one changes.

pub(crate) mod applied;
mod applied_fields;
mod details;
mod heard;
mod metadata;
pub(crate) mod named;
mod proof;
pub(crate) mod target;

use acme_core::Timestamp;
use tokio::sync::mpsc;

use crate::few::Few;
use crate::key::{Identity, Key, Kind, Name, Uid, Version};
use crate::maps::HashMap;
use crate::settings::{Settings, WatchedSecrets};
use crate::watch::{Event, Follow};
use crate::world::{Changed, News, Record, World};

use heard::Heard;
use metadata::Marked;
use named::Named;

pub(crate) use metadata::SecretMetadata;
pub(crate) use proof::{CERTIFICATE_NAME, Dress, Proof, issuer_digest};

/// The Certificate that a next key belongs to.
#[derive(Debug, Clone)]
struct Owner {
    name: Name,
    uid: Uid,
}

/// What is kept of a Secret that is labelled as cert-manager's; nothing of others.
#[derive(Debug)]
pub(crate) struct SecretRecord {
    /// The Certificate whose next key it is.
    next_key_of: Option<Box<Owner>>,
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

    /// What is kept of a next key that this process just stored.
    fn next_key(owner: Owner, version: Version) -> Self {
        Self { next_key_of: Some(Box::new(owner)), proof: Proof::default(), version, touched: false }
    }

    /// What its metadata proves; `None` once somebody else wrote it while this process looked on: then only its contents tell.
    pub(crate) fn proof(&self) -> Option<&Proof> {
        (!self.touched).then_some(&self.proof)
    }

    /// The name in the annotation that says which Certificate it is for.
    pub(crate) fn certificate(&self) -> Option<&str> {
        self.proof.certificate().map(Name::object)
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
    /// Of which Secrets the watches told.
    heard: Heard,
    /// Those that are followed by their names, where they are.
    named: Option<Named>,
    orders: Option<mpsc::UnboundedReceiver<Follow>>,
}

impl Index {
    /// Nothing is known yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        match settings.secrets {
            WatchedSecrets::All => Self::default(),
            WatchedSecrets::Named => {
                let (named, orders) = Named::new(settings.most_named_secrets);
                Self { named: Some(named), orders: Some(orders), ..Self::default() }
            }
        }
    }

    /// Which Secrets are to be followed by their names, where they are: for whoever follows them.
    pub(crate) fn orders(&mut self) -> Option<mpsc::UnboundedReceiver<Follow>> {
        self.orders.take()
    }

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

/// A Secret that this process wrote.
pub(crate) struct Written {
    pub(crate) name: Name,
    pub(crate) identity: Identity,
    pub(crate) proof: Proof,
    pub(crate) is_tls: bool,
}

/// The record of a Secret of any type.
pub(crate) fn record<'a>(world: &'a World, name: &Name) -> Option<&'a SecretRecord> {
    world.tls_secrets.get(name).or_else(|| world.other_secrets.get(name))
}

/// The newest state of a Secret of any type that is known.
pub(crate) fn identity<'a>(world: &'a World, name: &Name) -> Option<&'a Identity> {
    world.tls_secrets.identity(name).or_else(|| world.other_secrets.identity(name))
}

/// Whether there is no such Secret, nor was a moment ago and at this time, by all that the watches told: `heard` says how that is proved.
pub(crate) fn is_lacking(world: &World, name: &Name, at: Timestamp, now: Timestamp) -> bool {
    identity(world, name).is_none() && world.secret_index.heard.lacks(scope(world, name), name, at, now)
}

/// This process wrote a Secret: its new state, and when that was sent.
pub(crate) fn written(world: &mut World, secret: Written, at: Timestamp) {
    let Written { name, identity, proof, is_tls } = secret;
    let record = SecretRecord::written(proof, identity.version.clone());
    // Of a Secret that is followed by its name no watch tells the type.
    if is_tls && !named::are_named(world) {
        sent(world, &name, identity.version.clone(), at);
        world.tls_secrets.learn(name, identity, record);
    } else {
        world.other_secrets.learn(name, identity, record);
    }
}

/// This process wrote a TLS Secret: its new state, and when that was sent.
pub(crate) fn sent(world: &mut World, name: &Name, state: Version, at: Timestamp) {
    let scope = scope(world, name).to_owned();
    world.secret_index.heard.sent(&scope, state, at);
}

/// The namespace of the watch that tells of a Secret; nothing is the whole cluster.
fn scope<'a>(world: &World, name: &'a Name) -> &'a str {
    if world.settings.namespaces.is_some() { name.namespace() } else { "" }
}

/// A Secret of any type was read whole in this state, so it is known as it is.
pub(crate) fn settle(world: &mut World, name: &Name, state: &Version) {
    let record = world.tls_secrets.get_mut(name).or_else(|| world.other_secrets.get_mut(name));
    if let Some(record) = record.filter(|it| it.version == *state) {
        record.touched = false;
    }
}

/// A watch told of these Secrets, whether anything is kept of them or not: who refers to them is woken.
pub(crate) fn heard(world: &mut World, news: &mut News<SecretMetadata>, are_tls: bool) {
    let scope = news.scope.clone();
    let scope = scope.as_deref().unwrap_or_default();
    let heard = &mut world.secret_index.heard;
    match &news.event {
        Event::Rewound | Event::Init if are_tls => heard.begins(scope),
        Event::Rewound | Event::Init | Event::InitDone(_) => {}
        Event::InitApply(object) => heard.mark(&object.name),
        Event::Apply(object) => {
            heard.mark(&object.name);
            // Lists have another order.
            if let Some(identity) = object.identity.as_ref().filter(|_| are_tls) {
                heard.reached(scope, &identity.version);
            }
        }
        Event::Delete(_) => {}
    }
    let is_there = !matches!(&news.event, Event::Delete(_));
    let (Event::Apply(object) | Event::InitApply(object) | Event::Delete(object)) = &mut news.event else { return };
    if let Some(claimed) = crate::certificate::claimed(world, &object.name) {
        object.name = claimed.clone();
    }
    if let Some(proof) = object.proof_mut()
        && let Some(certificate) = proof.certificate().and_then(|it| world.certificates.name(it))
    {
        proof.share(certificate);
    }
    let name = object.name.clone();
    let state = object.identity.clone().filter(|_| is_there);
    tell(world, &name, state.as_ref());
}

/// Wakes who refers to a Secret that is in this state now, or gone.
fn tell(world: &mut World, name: &Name, state: Option<&Identity>) {
    for key in world.secret_index.referrers.get(name).cloned().unwrap_or_default() {
        if key.kind == Kind::Certificate {
            crate::certificate::try_again(world, &key.name);
        }
        world.wake(key);
    }
    crate::issuer::secret_changed(world, name, state);
    crate::request::secret_changed(world, name);
    crate::certificate::target_heard(world, name, state.map(|it| &it.version));
}

/// Names a Secret, and in it the Certificate that it is for, by names that others hold as well.
pub(crate) fn share(world: &mut World, secret: &Name, certificate: &Name) {
    world.tls_secrets.share(secret);
    if let Some(record) = world.tls_secrets.get_mut(secret) {
        record.proof.share(certificate);
    }
}

/// One of them changed.
pub(crate) fn changed(world: &mut World, changed: Changed<SecretRecord>) {
    let Changed { name, removed } = changed;
    if let Some(owner) = removed.and_then(|it| it.next_key_of) {
        leave(world, &owner.uid, &name);
        world.wake(Key::new(Kind::Certificate, owner.name));
    }
    if let Some(owner) = record(world, &name).and_then(|it| it.next_key_of.clone()) {
        // One that this process did not store may have been on its way for long, and is swept.
        if !world.secret_index.next_keys(&owner.uid).contains(&name) {
            world.wake(Key::new(Kind::Certificate, owner.name));
        }
        enter(world, owner.uid, &name);
    }
    for key in world.secret_index.referrers.get(&name).cloned().unwrap_or_default() {
        world.wake(key);
    }
    let state = identity(world, &name).cloned();
    crate::issuer::secret_changed(world, &name, state.as_ref());
    crate::request::secret_changed(world, &name);
    let claimants: Vec<Name> = crate::certificate::claimants(world, &name).cloned().collect();
    for certificate in claimants {
        world.wake(Key::new(Kind::Certificate, certificate));
    }
}

/// Puts in a next key that this process just stored for a Certificate.
pub(crate) fn learn_next_key(world: &mut World, name: &Name, identity: Identity, certificate: &Name, uid: Uid) {
    let owner = Owner { name: certificate.clone(), uid: uid.clone() };
    let record = SecretRecord::next_key(owner, identity.version.clone());
    world.other_secrets.learn(name.clone(), identity, record);
    enter(world, uid, name);
}

/// Takes out a next key that this process just deleted.
pub(crate) fn forget_next_key(world: &mut World, name: &Name) {
    let record = world.other_secrets.forget(name).or_else(|| world.tls_secrets.forget(name));
    if let Some(owner) = record.and_then(|it| it.next_key_of) {
        leave(world, &owner.uid, name);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use acme_core::Timestamp;
    use serde_json::json;

    use crate::key::{Identity, Key, Kind, Name, Uid, Version};
    use crate::secret;
    use crate::settings::Settings;
    use crate::watch::Event;
    use crate::world::{Change, News, World};

    fn next_key(uid: &str) -> Change {
        let object = json!({ "metadata": {
            "name": "web-2x4kq", "namespace": "shop", "uid": uid, "resourceVersion": "9",
            "labels": { "cert-manager.io/next-private-key": "true" },
            "ownerReferences": [{ "kind": "Certificate", "controller": true, "name": "web", "uid": "c" }],
        } });
        let object = serde_json::from_str(&object.to_string()).expect("metadata");
        Change::OtherSecret(News { scope: None, event: Event::Apply(object) })
    }

    #[test]
    fn a_key_that_comes_late_wakes_the_certificate_it_is_for() {
        let mut world = World::new(Arc::new(Settings::default()));
        let (web, stored, now) = (Name::new("shop", "web"), Name::new("shop", "web-2x4kq"), Timestamp::EPOCH);
        let identity = Identity { uid: Uid::parse("a"), version: Version::parse("7") };
        secret::learn_next_key(&mut world, &stored, identity, &web, Uid::parse("c"));
        secret::forget_next_key(&mut world, &stored);
        assert_eq!(world.take_woken(), []);
        world.take(next_key("b"), now);
        assert_eq!(world.take_woken(), [Key::new(Kind::Certificate, web)]);
        assert_eq!(world.secret_index.next_keys(&Uid::parse("c")), [stored]);
    }
}
