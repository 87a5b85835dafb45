//! Maps and sets by what objects are called: a start before ten thousand Certificates asks them a quarter of a million times.
//!
//! The hash is foldhash, which takes a fraction of the time of the standard library's. Names come from whoever may make objects; seeds are drawn at random in
//! each process, so nobody outside knows which names share a place.

pub(crate) use foldhash::fast::RandomState as Hasher;

pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, Hasher>;
pub(crate) type HashSet<K> = std::collections::HashSet<K, Hasher>;
