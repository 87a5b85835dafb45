//! Which requests belong together: to one Certificate, to one issuer, to one Secret with a key.

use std::collections::BTreeSet;
use std::hash::Hash;

use super::record::RequestRecord;
use super::rights::{Rights, Signer};
use crate::few::Few;
use crate::key::{Name, Uid};
use crate::maps::HashMap;

/// What finds a request by something else than its name.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By the Certificate that owns them.
    owned: HashMap<Uid, Few<Name>>,
    /// Those that go on, by their issuer.
    waiting: HashMap<Signer, BTreeSet<Name>>,
    waits_for: HashMap<Name, Signer>,
    /// Those that wait for a key, by its Secret.
    keys: HashMap<Name, BTreeSet<Name>>,
    key_of: HashMap<Name, Name>,
    /// Certificates that wait a moment for news of their issuer before they ask it.
    expecting: HashMap<Signer, BTreeSet<Name>>,
    expects: HashMap<Name, Signer>,
    /// What may be approved.
    pub(super) rights: Rights,
}

impl Index {
    /// Takes in a request as it is now.
    pub(super) fn enter(&mut self, name: &Name, record: &RequestRecord) {
        if let Some((owner, uid)) = record.owner() {
            self.met(owner);
            self.owned.entry(uid.clone()).or_default().insert(name.clone());
        }
        match record.whole() {
            Some(object) if record.ended().is_none() => {
                let signer = Signer::of(name.namespace(), &object.spec.issuer_ref);
                self.waiting.entry(signer.clone()).or_default().insert(name.clone());
                self.waits_for.insert(name.clone(), signer);
            }
            Some(_) | None => self.settle(name),
        }
    }

    /// Whether a request of a Certificate was taken in before.
    pub(super) fn knows(&self, name: &Name, record: &RequestRecord) -> bool {
        record.owner().is_none_or(|(_, uid)| self.owned.get(uid).is_some_and(|it| it.as_slice().contains(name)))
    }

    /// A request goes on no more.
    pub(super) fn settle(&mut self, name: &Name) {
        if let Some(signer) = self.waits_for.remove(name) {
            take_out(&mut self.waiting, &signer, name);
        }
        if let Some(secret) = self.key_of.remove(name) {
            take_out(&mut self.keys, &secret, name);
        }
    }

    /// A request is gone.
    pub(super) fn leave(&mut self, name: &Name, record: &RequestRecord) {
        if let Some((_, uid)) = record.owner()
            && let Some(owned) = self.owned.get_mut(uid)
            && owned.remove(name)
        {
            self.owned.remove(uid);
        }
        self.settle(name);
    }

    /// The requests of a Certificate, in no order.
    pub(super) fn owned(&self, uid: &Uid) -> &[Name] {
        self.owned.get(uid).map_or(&[], Few::as_slice)
    }

    /// The requests that go on and are for signers that `which` takes.
    pub(super) fn waiting(&self, which: impl Fn(&Signer) -> bool) -> Vec<Name> {
        let found = self.waiting.iter().filter(|(signer, _)| which(signer));
        found.flat_map(|(_, names)| names.iter().cloned()).collect()
    }

    /// A Certificate waits a moment for news of this signer, until there is a request of it.
    pub(super) fn expect(&mut self, signer: Signer, certificate: Name) {
        self.met(&certificate);
        self.expecting.entry(signer.clone()).or_default().insert(certificate.clone());
        self.expects.insert(certificate, signer);
    }

    fn met(&mut self, certificate: &Name) {
        if let Some(signer) = self.expects.remove(certificate) {
            take_out(&mut self.expecting, &signer, certificate);
        }
    }

    /// The Certificates that wait for news of signers that `which` takes.
    pub(super) fn expecting(&self, which: impl Fn(&Signer) -> bool) -> Vec<Name> {
        let found = self.expecting.iter().filter(|(signer, _)| which(signer));
        found.flat_map(|(_, names)| names.iter().cloned()).collect()
    }

    /// A request looks into this Secret for its key.
    pub(super) fn look_for_key(&mut self, secret: Name, request: &Name) {
        self.keys.entry(secret.clone()).or_default().insert(request.clone());
        self.key_of.insert(request.clone(), secret);
    }

    /// The requests that look into a Secret for their keys.
    pub(super) fn seekers(&self, secret: &Name) -> Vec<Name> {
        self.keys.get(secret).into_iter().flatten().cloned().collect()
    }
}

fn take_out<K: Eq + Hash>(sets: &mut HashMap<K, BTreeSet<Name>>, of: &K, name: &Name) {
    if let Some(set) = sets.get_mut(of) {
        set.remove(name);
        if set.is_empty() {
            sets.remove(of);
        }
    }
}
