//! The actions that run: whose they are, and how many writes there are among them.

use std::any::Any;
use std::collections::HashMap;

use crate::key::Key;
use crate::subject::Lane;

/// The actions that run, by whose they are.
#[derive(Default)]
pub(super) struct UnderWay {
    of: HashMap<Key, Vec<Running>>,
    writes: usize,
    next_task: u64,
}

/// An action that runs.
pub(super) struct Running {
    task: u64,
    place: Place,
    action: Box<dyn Any + Send>,
}

/// What an action takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It runs.
    In(Lane),
    /// It broke off: nothing is taken up any more, and it stays so that it is not started again.
    Given,
}

impl UnderWay {
    /// Takes in an action that begins, and answers the number that it ends by.
    pub(super) fn begin(&mut self, key: &Key, lane: Lane, action: impl Any + Send) -> u64 {
        let task = self.next_task;
        self.next_task += 1;
        self.writes += usize::from(lane == Lane::Write);
        self.of.entry(key.clone()).or_default().push(Running {
            task,
            place: Place::In(lane),
            action: Box::new(action),
        });
        task
    }

    /// An action ended.
    pub(super) fn end(&mut self, key: &Key, task: u64) {
        self.give_back(key, task);
        if let Some(running) = self.of.get_mut(key) {
            running.retain(|it| it.task != task);
            if running.is_empty() {
                self.of.remove(key);
            }
        }
    }

    /// An action broke off: its place is another's now, and it is still among those that run.
    pub(super) fn break_off(&mut self, key: &Key, task: u64) {
        self.give_back(key, task);
    }

    /// How many writes there are.
    pub(super) fn writes(&self) -> usize {
        self.writes
    }

    /// The actions of this key.
    pub(super) fn of(&self, key: &Key) -> &[Running] {
        self.of.get(key).map_or(&[], Vec::as_slice)
    }

    fn give_back(&mut self, key: &Key, task: u64) {
        let running = self.of.get_mut(key).and_then(|it| it.iter_mut().find(|it| it.task == task));
        if let Some(running) = running {
            self.writes -= usize::from(running.place == Place::In(Lane::Write));
            running.place = Place::Given;
        }
    }
}

impl Running {
    /// Is it this action?
    pub(super) fn is<A: PartialEq + 'static>(&self, action: &A) -> bool {
        self.action.downcast_ref() == Some(action)
    }

    /// Whether the key is left alone meanwhile, as while it writes: always, where it broke off.
    pub(super) fn holds_key(&self) -> bool {
        self.place != Place::In(Lane::Call)
    }
}

#[cfg(test)]
mod tests {
    use super::UnderWay;
    use crate::key::{Key, Kind, Name};
    use crate::subject::Lane;

    fn key(name: &str) -> Key {
        Key::new(Kind::Certificate, Name::new("shop", name))
    }

    #[test]
    fn a_write_that_breaks_off_gives_its_place_to_another_and_is_not_started_again() {
        let (broken, other) = (key("broken"), key("other"));
        let mut under_way = UnderWay::default();
        let first = under_way.begin(&broken, Lane::Write, "store");
        let second = under_way.begin(&other, Lane::Write, "store");
        under_way.begin(&other, Lane::Call, "ask");
        assert_eq!(under_way.writes(), 2);
        under_way.break_off(&broken, first);
        assert_eq!(under_way.writes(), 1);
        assert!(under_way.of(&broken).iter().any(|it| it.is(&"store") && it.holds_key()));
        // Nor is it given back twice.
        under_way.break_off(&broken, first);
        assert_eq!(under_way.writes(), 1);
        under_way.end(&other, second);
        assert_eq!((under_way.writes(), under_way.of(&other).len()), (0, 1));
        assert!(!under_way.of(&other)[0].holds_key(), "a call is no write");
    }
}
