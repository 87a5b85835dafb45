//! Who is next: urgency first, and fair between namespaces.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::key::Key;
use crate::maps::HashMap;

/// How urgent a key is. The first two are strict; the others share what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Something is in flight: a key in memory, an order that is ready, clean-up.
    InFlight,
    /// Expired or nearly so, renewed by hand, a Secret that is gone or broken.
    Urgent,
    /// New or changed.
    New,
    /// A renewal with time in hand.
    Renewal,
    /// Fix-ups and verification.
    FixUp,
}

/// The keys that want a step. A key is in it once, in the most urgent class it was put in with.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    classes: HashMap<Key, Class>,
    in_flight: Lines,
    urgent: Lines,
    new: Lines,
    renewal: Lines,
    fix_up: Lines,
    /// How far the round of the three that share has come.
    turn: usize,
}

impl Queue {
    /// Puts a key in; a more urgent class than before moves it up.
    pub(crate) fn push(&mut self, key: Key, class: Class) {
        match self.classes.get(&key) {
            Some(known) if *known <= class => {}
            Some(_) | None => {
                self.classes.insert(key.clone(), class);
                self.lines(class).push(key);
            }
        }
    }

    /// Takes out the next one.
    pub(crate) fn pop(&mut self) -> Option<Key> {
        if let Some(key) = self.pop_of(Class::InFlight).or_else(|| self.pop_of(Class::Urgent)) {
            return Some(key);
        }
        for _ in 0..ROUND.len() {
            let class = ROUND[self.turn % ROUND.len()];
            self.turn = (self.turn + 1) % ROUND.len();
            if let Some(key) = self.pop_of(class) {
                return Some(key);
            }
        }
        None
    }

    /// Gives back what a storm took, once it is over.
    pub(crate) fn shrink(&mut self) {
        if self.classes.is_empty() {
            *self = Self { turn: self.turn, ..Self::default() };
        }
    }

    /// How many keys are in it.
    pub(crate) fn len(&self) -> usize {
        self.classes.len()
    }

    /// How many keys of each class are in it, for the metrics.
    pub(crate) fn depths(&self) -> [(&'static str, usize); 5] {
        let count = |class| self.classes.values().filter(|it| **it == class).count();
        [
            ("in_flight", count(Class::InFlight)),
            ("urgent", count(Class::Urgent)),
            ("new", count(Class::New)),
            ("renewal", count(Class::Renewal)),
            ("fix_up", count(Class::FixUp)),
        ]
    }

    /// The next of one class; what was moved up since is passed over here.
    fn pop_of(&mut self, class: Class) -> Option<Key> {
        while let Some(key) = self.lines(class).pop() {
            if self.classes.get(&key) == Some(&class) {
                self.classes.remove(&key);
                return Some(key);
            }
        }
        None
    }

    fn lines(&mut self, class: Class) -> &mut Lines {
        match class {
            Class::InFlight => &mut self.in_flight,
            Class::Urgent => &mut self.urgent,
            Class::New => &mut self.new,
            Class::Renewal => &mut self.renewal,
            Class::FixUp => &mut self.fix_up,
        }
    }
}

/// One line for each namespace, served in turn.
#[derive(Debug, Default)]
struct Lines {
    of_namespace: HashMap<Arc<str>, VecDeque<Key>>,
    order: VecDeque<Arc<str>>,
}

impl Lines {
    fn push(&mut self, key: Key) {
        let namespace: Arc<str> = key.name.namespace().into();
        let line = self.of_namespace.entry(Arc::clone(&namespace)).or_default();
        if line.is_empty() {
            self.order.push_back(namespace);
        }
        line.push_back(key);
    }

    fn pop(&mut self) -> Option<Key> {
        let namespace = self.order.pop_front()?;
        let line = self.of_namespace.get_mut(&namespace)?;
        let key = line.pop_front();
        if line.is_empty() {
            self.of_namespace.remove(&namespace);
        } else {
            self.order.push_back(namespace);
        }
        key
    }
}

/// New and changed, renewals, fix-ups: eight, three and one of twelve.
const ROUND: [Class; 12] = [
    Class::New,
    Class::Renewal,
    Class::New,
    Class::New,
    Class::FixUp,
    Class::New,
    Class::Renewal,
    Class::New,
    Class::New,
    Class::New,
    Class::Renewal,
    Class::New,
];

#[cfg(test)]
mod tests {
    use super::{Class, Queue};
    use crate::key::{Key, Kind, Name};

    fn key(namespace: &str, object: &str) -> Key {
        Key::new(Kind::Certificate, Name::new(namespace, object))
    }

    fn all(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop()).map(|key| key.name.to_string()).collect()
    }

    #[test]
    fn an_urgent_key_passes_a_storm() {
        let mut queue = Queue::default();
        for number in 0..1000 {
            queue.push(key("storm", &number.to_string()), Class::New);
        }
        queue.push(key("shop", "expiring"), Class::Urgent);
        assert_eq!(queue.pop(), Some(key("shop", "expiring")));
    }

    #[test]
    fn namespaces_are_served_in_turn() {
        let mut queue = Queue::default();
        for name in ["1", "2", "3"] {
            queue.push(key("a", name), Class::New);
        }
        queue.push(key("b", "1"), Class::New);
        assert_eq!(all(&mut queue), ["a/1", "b/1", "a/2", "a/3"]);
    }

    #[test]
    fn a_key_is_taken_once_in_its_most_urgent_class() {
        let mut queue = Queue::default();
        queue.push(key("a", "1"), Class::FixUp);
        queue.push(key("a", "2"), Class::InFlight);
        queue.push(key("a", "1"), Class::Urgent);
        queue.push(key("a", "1"), Class::New);
        assert_eq!(queue.len(), 2);
        assert_eq!(all(&mut queue), ["a/2", "a/1"]);
    }

    #[test]
    fn renewals_and_fix_ups_get_their_share_of_a_storm() {
        let mut queue = Queue::default();
        for number in 0..100 {
            queue.push(key("new", &number.to_string()), Class::New);
            queue.push(key("old", &number.to_string()), Class::Renewal);
            queue.push(key("fix", &number.to_string()), Class::FixUp);
        }
        let first: Vec<String> =
            (0..24).filter_map(|_| queue.pop()).map(|key| key.name.namespace().to_owned()).collect();
        let count = |namespace: &str| first.iter().filter(|it| *it == namespace).count();
        assert_eq!((count("new"), count("old"), count("fix")), (16, 6, 2));
    }
}
