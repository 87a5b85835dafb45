//! A table of records: what the watch said of one kind, and what our own writes said since.

use std::sync::Arc;

use crate::key::{Identity, Name, Uid, Version};
use crate::maps::HashMap;
use crate::metrics::{Measured, Words};
use crate::watch::Event;

use super::rows::Rows;

/// What is kept of an object. Whole objects where there are few, digests where there are many.
pub(crate) trait Record: Sized {
    /// What the watch delivers.
    type Object: Measured;

    /// Its name.
    fn name(object: &Self::Object) -> Name;

    /// Its uid and version. `None`, which no API server sends, leaves the object out.
    fn identity(object: &Self::Object) -> Option<Identity>;

    /// What is kept of it; `None` keeps nothing. `before` is what was kept so far: what only this process remembers is carried over by the record itself.
    fn read(object: Self::Object, before: Option<Self>) -> Option<Self>;
}

/// What one stream of a kind brought.
#[derive(Debug)]
pub(crate) struct News<O> {
    /// The namespace that the stream is about; `None` is the whole cluster.
    pub(crate) scope: Option<Arc<str>>,
    /// What it brought.
    pub(crate) event: Event<O>,
}

/// The records of one kind.
pub(crate) struct Table<R: Record> {
    rows: Rows<Row<R>>,
    /// Texts that many rows share.
    words: Words,
    /// Objects that we deleted, until the watch says so, too: older news of them must not bring them back.
    deleted: HashMap<Name, Uid>,
    /// How far each stream's list is.
    lists: HashMap<Option<Arc<str>>, List>,
    /// How many streams there are.
    streams: usize,
}

#[derive(Debug, Default)]
struct List {
    epoch: u8,
    complete: bool,
}

struct Row<R: Record> {
    record: R,
    /// What metrics are made from.
    facts: <R::Object as Measured>::Facts,
    identity: Identity,
    epoch: u8,
}

/// What a piece of news changed.
#[derive(Debug)]
pub(crate) struct Changed<R> {
    /// Whose record.
    pub(crate) name: Name,
    /// The record that is gone, when it was removed.
    pub(crate) removed: Option<R>,
}

impl<R: Record> Table<R> {
    /// Nothing is known yet, and `streams` will tell.
    pub(crate) fn fed_by(streams: usize) -> Self {
        let (deleted, lists) = (HashMap::default(), HashMap::default());
        Self { rows: Rows::default(), words: Words::default(), deleted, lists, streams }
    }

    /// Takes in news of the watch; tells whose records changed. Older news than what is known already changes nothing.
    pub(crate) fn take(&mut self, news: News<R::Object>) -> Vec<Changed<R>> {
        let News { scope, event } = news;
        match event {
            Event::Rewound => {
                let within = |name: &Name| scope.as_deref().is_none_or(|scope| scope == name.namespace());
                let names: Vec<Name> = self.rows.iter().map(|(name, _)| name.clone()).filter(within).collect();
                for name in names {
                    if let Some(row) = self.rows.get_mut(&name) {
                        row.identity.version = Version::OLDEST;
                    }
                }
                self.deleted.retain(|name, _| !within(name));
                Vec::new()
            }
            Event::Init => {
                let list = self.lists.entry(scope).or_default();
                list.epoch = list.epoch.wrapping_add(1);
                Vec::new()
            }
            Event::InitApply(object) | Event::Apply(object) => {
                self.put(object, self.epoch(&scope)).into_iter().collect()
            }
            Event::Delete(object) => {
                let name = R::name(&object);
                let Some(identity) = R::identity(&object) else { return Vec::new() };
                self.deleted.remove(&name);
                match self.rows.get(&name) {
                    Some(row) if row.identity.uid == identity.uid => self.remove(&name).into_iter().collect(),
                    Some(_) | None => Vec::new(),
                }
            }
            Event::InitDone(shown) => {
                let epoch = self.epoch(&scope);
                let within = |name: &Name| scope.as_deref().is_none_or(|scope| scope == name.namespace());
                let unseen: Vec<Name> = self
                    .rows
                    .iter()
                    .filter(|(name, row)| row.epoch != epoch && within(name))
                    .filter(|(_, row)| !shown.is_older_than(&row.identity.version))
                    .map(|(name, _)| name.clone())
                    .collect();
                self.deleted.retain(|name, _| !within(name));
                self.lists.entry(scope).or_default().complete = true;
                unseen.iter().filter_map(|name| self.remove(name)).collect()
            }
        }
    }

    /// Was everything seen at least once? Before that, absence means nothing.
    pub(crate) fn is_complete(&self) -> bool {
        self.lists.values().filter(|list| list.complete).count() >= self.streams
    }

    /// The record of an object.
    pub(crate) fn get(&self, name: &Name) -> Option<&R> {
        self.rows.get(name).map(|row| &row.record)
    }

    /// The name of an object as it is held here: another holder of the same text costs nothing.
    pub(crate) fn name(&self, name: &Name) -> Option<&Name> {
        self.rows.name(name)
    }

    /// Names the record of an object by a text that others hold as well.
    pub(crate) fn share(&mut self, name: &Name) {
        self.rows.rename(name);
    }

    /// The record of an object, to change what only this process remembers.
    pub(crate) fn get_mut(&mut self, name: &Name) -> Option<&mut R> {
        self.rows.get_mut(name).map(|row| &mut row.record)
    }

    /// The newest state of an object that is known: what writes insist on.
    pub(crate) fn identity(&self, name: &Name) -> Option<&Identity> {
        self.rows.get(name).map(|row| &row.identity)
    }

    /// All records.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, &R)> {
        self.rows.iter().map(|(name, row)| (name, &row.record))
    }

    /// What metrics are made from beside the record.
    pub(crate) fn measured(&self) -> impl Iterator<Item = (&Name, &R, &<R::Object as Measured>::Facts)> {
        self.rows.iter().map(|(name, row)| (name, &row.record, &row.facts))
    }

    /// How many records there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes in an object that was read by itself, as news of the watch.
    pub(crate) fn look(&mut self, object: R::Object) -> Option<Changed<R>> {
        let epoch = self.epoch_of(&R::name(&object));
        self.put(object, epoch)
    }

    /// Did the watch tell of a newer state already, when a write of ours was answered with this one?
    pub(crate) fn is_overtaken(&self, name: &Name, identity: &Identity) -> bool {
        let known = self.identity(name).filter(|known| known.uid == identity.uid);
        known.is_some_and(|known| identity.version.is_older_than(&known.version))
    }

    /// Puts in what a write of ours made or changed: the object as it was written, under the identity that the answer told. An answer that the watch
    /// overtook changes nothing: what somebody wrote since would be forgotten, and nobody would tell of it again.
    pub(crate) fn learn(&mut self, name: Name, identity: Identity, record: R) {
        if self.is_overtaken(&name, &identity) {
            return;
        }
        let epoch = self.epoch_of(&name);
        self.deleted.remove(&name);
        let (name, facts) = match self.rows.remove(&name) {
            Some((name, row)) => (name, row.facts),
            None => (name, Default::default()),
        };
        self.rows.insert(name, Row { record, facts, identity, epoch });
    }

    /// The object has this identity now, by the answer to a write of ours that the record need not show.
    pub(crate) fn touch(&mut self, name: &Name, identity: Identity) {
        if self.is_overtaken(name, &identity) {
            return;
        }
        if let Some(row) = self.rows.get_mut(name) {
            row.identity = identity;
        }
    }

    /// Takes in how the object is now for the metrics, by a write of ours that no watch tells of.
    pub(crate) fn measure(&mut self, name: &Name, object: &R::Object) {
        let facts = object.facts(&mut self.words);
        if let Some(row) = self.rows.get_mut(name) {
            row.facts = facts;
        }
    }

    /// Takes out what a deletion of ours removed. News of it that is still under way is passed over.
    pub(crate) fn forget(&mut self, name: &Name) -> Option<R> {
        let (name, row) = self.rows.remove(name)?;
        self.deleted.insert(name, row.identity.uid);
        Some(row.record)
    }

    /// Takes out an object that is not there, or that nobody tells of any more.
    pub(crate) fn lose(&mut self, name: &Name) -> Option<Changed<R>> {
        self.deleted.remove(name);
        self.remove(name)
    }

    /// The history of an object went back: what is told of it next counts, however old it is.
    pub(crate) fn rewind(&mut self, name: &Name) {
        self.deleted.remove(name);
        if let Some(row) = self.rows.get_mut(name) {
            row.identity.version = Version::OLDEST;
        }
    }

    fn put(&mut self, object: R::Object, epoch: u8) -> Option<Changed<R>> {
        let mut name = R::name(&object);
        let identity = R::identity(&object)?;
        if self.deleted.get(&name) == Some(&identity.uid) {
            return None;
        }
        let before = match self.rows.get_mut(&name) {
            Some(row) if row.identity.uid == identity.uid && identity.version.is_older_than(&row.identity.version) => {
                row.epoch = epoch;
                return None;
            }
            Some(_) => self.rows.remove(&name).map(|(known, row)| {
                name = known;
                row
            }),
            None => None,
        };
        let (before, replaced) = match before {
            Some(row) if row.identity.uid == identity.uid => (Some(row.record), None),
            Some(row) => (None, Some(row.record)),
            None => (None, None),
        };
        let was_kept = before.is_some();
        let facts = object.facts(&mut self.words);
        match R::read(object, before) {
            Some(record) => {
                self.rows.insert(name.clone(), Row { record, facts, identity, epoch });
                Some(Changed { name, removed: replaced })
            }
            None if was_kept || replaced.is_some() => Some(Changed { name, removed: replaced }),
            None => None,
        }
    }

    fn remove(&mut self, name: &Name) -> Option<Changed<R>> {
        let (name, row) = self.rows.remove(name)?;
        Some(Changed { name, removed: Some(row.record) })
    }

    fn epoch(&self, scope: &Option<Arc<str>>) -> u8 {
        self.lists.get(scope).map_or(0, |list| list.epoch)
    }

    /// The epoch of the stream that tells of this name.
    fn epoch_of(&self, name: &Name) -> u8 {
        let everywhere = self.lists.get(&None);
        everywhere.or_else(|| self.lists.get(&Some(name.namespace().into()))).map_or(0, |list| list.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::{News, Record, Table};
    use crate::key::{Identity, Name, Uid, Version};
    use crate::metrics::{Measured, Words};
    use crate::watch::Event;

    #[derive(Debug, PartialEq, Clone, Copy)]
    struct Number(u64);

    type Object = (&'static str, u128, u64);

    impl Measured for Object {
        type Facts = ();

        fn facts(&self, _: &mut Words) {}
    }

    impl Record for Number {
        type Object = Object;

        fn name(object: &Object) -> Name {
            Name::new("space", object.0)
        }

        fn identity(object: &Object) -> Option<Identity> {
            Some(Identity { uid: Uid::parse(&object.1.to_string()), version: Version::Number(object.2) })
        }

        fn read(object: Object, _: Option<Self>) -> Option<Self> {
            Some(Self(object.2))
        }
    }

    const NEWEST: Version = Version::Number(1000);

    fn news(event: Event<Object>) -> News<Object> {
        News { scope: None, event }
    }

    fn listed(objects: &[Object]) -> Table<Number> {
        let mut table = Table::fed_by(1);
        table.take(news(Event::Init));
        for object in objects {
            table.take(news(Event::InitApply(*object)));
        }
        table.take(news(Event::InitDone(NEWEST)));
        table
    }

    fn name(object: &'static str) -> Name {
        Name::new("space", object)
    }

    #[test]
    fn a_history_that_went_back_is_taken_as_it_is() {
        let mut table = listed(&[("a", 1, 5), ("b", 2, 6)]);
        table.forget(&Name::new("space", "b"));
        table.take(news(Event::Rewound));
        table.take(news(Event::Init));
        table.take(news(Event::InitApply(("a", 1, 3))));
        table.take(news(Event::InitApply(("b", 2, 2))));
        table.take(news(Event::InitDone(NEWEST)));
        assert_eq!(table.get(&Name::new("space", "a")), Some(&Number(3)));
        assert_eq!(table.get(&Name::new("space", "b")), Some(&Number(2)), "what was deleted is there again");
    }

    #[test]
    fn what_a_new_list_does_not_show_is_gone() {
        let mut table = listed(&[("a", 1, 1), ("b", 2, 2)]);
        table.take(news(Event::Init));
        table.take(news(Event::InitApply(("b", 2, 2))));
        let changed = table.take(news(Event::InitDone(NEWEST)));
        assert_eq!(changed.iter().map(|it| it.name.object()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn what_we_wrote_after_the_state_that_a_list_shows_stays() {
        let mut table = listed(&[("a", 1, 5), ("b", 2, 6)]);
        let written = |version| Identity { uid: Uid::parse("3"), version: Version::Number(version) };
        table.learn(name("c"), written(8), Number(8));
        table.learn(name("d"), written(9), Number(9));
        table.take(news(Event::Init));
        table.take(news(Event::InitApply(("b", 2, 6))));
        let gone = table.take(news(Event::InitDone(Version::Number(8))));
        let mut gone: Vec<_> = gone.iter().map(|it| it.name.object()).collect();
        gone.sort_unstable();
        assert_eq!((gone, table.get(&name("d"))), (vec!["a", "c"], Some(&Number(9))));
    }

    #[test]
    fn older_news_changes_nothing() {
        let mut table = listed(&[("a", 1, 5)]);
        table.touch(&name("a"), Identity { uid: Uid::parse("1"), version: Version::Number(9) });
        assert!(table.take(news(Event::Apply(("a", 1, 7)))).is_empty());
        assert_eq!(table.take(news(Event::Apply(("a", 1, 9)))).len(), 1);
        assert_eq!(table.get(&name("a")), Some(&Number(9)));
    }

    #[test]
    fn an_answer_that_the_watch_overtook_changes_nothing() {
        let mut table = listed(&[("a", 1, 5)]);
        let identity = |version| Identity { uid: Uid::parse("1"), version: Version::Number(version) };
        table.take(news(Event::Apply(("a", 1, 9))));
        table.learn(name("a"), identity(7), Number(7));
        table.touch(&name("a"), identity(8));
        assert_eq!((table.get(&name("a")), table.identity(&name("a"))), (Some(&Number(9)), Some(&identity(9))));
        table.learn(name("a"), identity(10), Number(10));
        assert_eq!(table.get(&name("a")), Some(&Number(10)));
    }

    #[test]
    fn what_we_deleted_does_not_come_back() {
        let mut table = listed(&[("a", 1, 5)]);
        table.forget(&name("a"));
        assert!(table.take(news(Event::Apply(("a", 1, 4)))).is_empty());
        assert!(table.take(news(Event::Delete(("a", 1, 6)))).is_empty());
        assert_eq!(
            table.take(news(Event::Apply(("a", 2, 7)))).len(),
            1,
            "another object of the same name is another object"
        );
    }

    #[test]
    fn a_successor_under_the_same_name_shows_its_predecessor_as_removed() {
        let mut table = listed(&[("a", 1, 5)]);
        let changed = table.take(news(Event::Apply(("a", 2, 6))));
        assert_eq!(changed[0].removed, Some(Number(5)));
    }

    #[test]
    fn a_list_of_one_namespace_says_nothing_about_others() {
        let mut table: Table<Number> = Table::fed_by(2);
        let of = |scope: &str, event| News { scope: Some(scope.into()), event };
        table.take(of("space", Event::Init));
        table.take(of("space", Event::InitApply(("a", 1, 1))));
        table.take(of("space", Event::InitDone(NEWEST)));
        assert!(!table.is_complete());
        table.take(of("other", Event::Init));
        assert!(table.take(of("other", Event::InitDone(NEWEST))).is_empty());
        assert!(table.is_complete());
    }

    #[test]
    fn before_the_first_list_is_done_absence_means_nothing() {
        let mut table: Table<Number> = Table::fed_by(1);
        table.take(news(Event::Init));
        assert!(!table.is_complete());
        table.take(news(Event::InitDone(NEWEST)));
        assert!(table.is_complete());
    }
}
