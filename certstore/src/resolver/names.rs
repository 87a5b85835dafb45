//! Names to certificates, read without locks and changed without copying all of them.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::entry::Entry;

/// A map in many small immutable parts, each behind an atomic pointer. A change copies one part: at a million names, some sixty pointers.
pub(super) struct Names {
    hasher: RandomState,
    parts: Box<[ArcSwap<Part>]>,
}

/// Slots in the order of their hashes.
type Part = Vec<Slot>;

#[derive(Clone)]
struct Slot {
    hash: u64,
    entry: Arc<Entry>,
}

impl Names {
    pub(super) fn new() -> Self {
        let empty = Arc::new(Part::new());
        Self { hasher: RandomState::new(), parts: (0..PARTS).map(|_| ArcSwap::new(Arc::clone(&empty))).collect() }
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Entry>> {
        let hash = self.hash(name);
        let part = self.part(hash).load();
        let from = part.partition_point(|slot| slot.hash < hash);
        part[from..]
            .iter()
            .take_while(|slot| slot.hash == hash)
            .find(|slot| slot.entry.names().any(|it| it == name))
            .map(|slot| Arc::clone(&slot.entry))
    }

    /// The wildcard that stands for the first label of `name`.
    pub(super) fn find_wildcard_above(&self, name: &str) -> Option<Arc<Entry>> {
        let (first, _) = name.split_once('.')?;
        let above = &name.as_bytes()[first.len()..];
        let mut text = [0; LONGEST];
        text[0] = b'*';
        text.get_mut(1..=above.len())?.copy_from_slice(above);
        self.find(std::str::from_utf8(&text[..=above.len()]).ok()?)
    }

    /// Puts `entry` under `name`, in place of whatever was there.
    pub(super) fn put(&self, name: &str, entry: &Arc<Entry>) {
        self.change(name, |part, hash| {
            part.retain(|slot| slot.hash != hash || !slot.entry.names().any(|it| it == name));
            let at = part.partition_point(|slot| slot.hash < hash);
            let entry = Arc::clone(entry);
            part.insert(at, Slot { hash, entry });
        });
    }

    /// Removes `name` if it leads to exactly this entry.
    pub(super) fn remove_if(&self, name: &str, entry: &Arc<Entry>) {
        self.change(name, |part, hash| {
            part.retain(|slot| slot.hash != hash || !Arc::ptr_eq(&slot.entry, entry));
        });
    }

    /// Callers hold the lock of those who write.
    fn change(&self, name: &str, change: impl FnOnce(&mut Part, u64)) {
        let hash = self.hash(name);
        let part = self.part(hash);
        let mut next = Part::clone(&part.load());
        change(&mut next, hash);
        next.shrink_to_fit();
        part.store(Arc::new(next));
    }

    fn part(&self, hash: u64) -> &ArcSwap<Part> {
        // The upper bits choose the part, all of them the place in it.
        let at = usize::try_from(hash >> (64 - PARTS.ilog2())).unwrap_or(0);
        &self.parts[at]
    }

    fn hash(&self, name: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name.as_bytes());
        hasher.finish()
    }
}

/// 128 KiB of pointers; a part holds one name in 16,384.
const PARTS: usize = 1 << 14;
/// DNS names end at 253 characters.
const LONGEST: usize = 256;
