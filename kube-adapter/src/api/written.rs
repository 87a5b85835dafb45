//! What this process wrote lately: a watch that tells of it has nothing new to tell.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::key::{Identity, Name};
use crate::maps::{HashMap, HashSet};

/// The writes of one kind of objects, as far as they are remembered. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Shared>);

#[derive(Default)]
struct Shared {
    writes: Mutex<Writes>,
    /// A write ended.
    ended: Notify,
}

#[derive(Default)]
struct Writes {
    /// How many are under way, by object.
    under_way: HashMap<Name, usize>,
    made: HashSet<Identity>,
    /// The same, the oldest first.
    in_turn: VecDeque<Identity>,
}

/// A write that is under way, until this is dropped.
pub(crate) struct UnderWay<'a> {
    written: &'a Written,
    name: &'a Name,
}

impl Written {
    /// A write of this object begins.
    pub(crate) fn begins<'a>(&'a self, name: &'a Name) -> UnderWay<'a> {
        *self.writes().under_way.entry(name.clone()).or_default() += 1;
        UnderWay { written: self, name }
    }

    /// Whether this state of an object was written here. What is told before the answer of the write arrives is waited for, as long as that may take as a
    /// rule; what is not known by then was written by others, or its answer was lost.
    pub(crate) async fn knows(&self, name: &Name, identity: &Identity) -> bool {
        let known = async {
            loop {
                let ended = self.0.ended.notified();
                if let Some(known) = self.look(name, identity) {
                    return known;
                }
                ended.await;
            }
        };
        tokio::time::timeout(LONGEST_WAIT, known).await.unwrap_or(false)
    }

    /// The same, unless a write of the object is under way.
    fn look(&self, name: &Name, identity: &Identity) -> Option<bool> {
        let writes = self.writes();
        let is_made = writes.made.contains(identity);
        (is_made || !writes.under_way.contains_key(name)).then_some(is_made)
    }

    /// The history of the objects went back: what is told next was written before all of this.
    pub(crate) fn forget(&self) {
        let mut writes = self.writes();
        writes.made.clear();
        writes.in_turn.clear();
    }

    fn writes(&self) -> MutexGuard<'_, Writes> {
        self.0.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay<'_> {
    /// The write was made, and the object is so now.
    pub(crate) fn made(self, identity: &Identity) {
        let mut writes = self.written.writes();
        if writes.in_turn.len() == MOST
            && let Some(oldest) = writes.in_turn.pop_front()
        {
            writes.made.remove(&oldest);
        }
        writes.made.insert(identity.clone());
        writes.in_turn.push_back(identity.clone());
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut writes = self.written.writes();
        if let Some(count) = writes.under_way.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                writes.under_way.remove(self.name);
            }
        }
        drop(writes);
        self.written.0.ended.notify_waiters();
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written(..)")
    }
}

/// Of so many writes a watch has not told as a rule, also in a storm. What is forgotten is read once more.
const MOST: usize = 1024;

/// The answer and the news of a write arrive within milliseconds of each other.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::{MOST, Written};
    use crate::key::{Identity, Name, Uid, Version};

    fn state(number: u64) -> Identity {
        Identity { uid: Uid::parse("u"), version: Version::Number(number) }
    }

    #[tokio::test]
    async fn what_was_written_here_is_known() {
        let (written, web) = (Written::default(), Name::new("shop", "web"));
        written.begins(&web).made(&state(7));
        assert!(written.knows(&web, &state(7)).await && written.knows(&web, &state(7)).await);
        assert!(!written.knows(&web, &state(8)).await, "somebody else wrote it");
        let other = Identity { uid: Uid::parse("v"), ..state(7) };
        assert!(!written.knows(&web, &other).await);
    }

    #[tokio::test]
    async fn news_before_the_answer_wait_for_it() {
        let (written, web) = (Written::default(), Name::new("shop", "web"));
        let (first, second) = (written.begins(&web), written.begins(&web));
        let news = state(7);
        let mut known = Box::pin(written.knows(&web, &news));
        assert_eq!(known.as_mut().now_or_never(), None);
        assert!(!written.knows(&Name::new("shop", "api"), &state(7)).await, "others do not wait");
        drop(first);
        assert_eq!(known.as_mut().now_or_never(), None);
        second.made(&state(7));
        assert!(known.await);
    }

    #[tokio::test]
    async fn a_write_whose_answer_is_lost_is_not_known() {
        let (written, web) = (Written::default(), Name::new("shop", "web"));
        let (lost, news) = (written.begins(&web), state(7));
        let mut known = Box::pin(written.knows(&web, &news));
        assert_eq!(known.as_mut().now_or_never(), None);
        drop(lost);
        assert!(!known.await);
    }

    #[tokio::test]
    async fn only_so_many_are_remembered_and_none_of_a_history_that_is_gone() {
        let (written, web) = (Written::default(), Name::new("shop", "web"));
        for number in 0..=MOST as u64 {
            written.begins(&web).made(&state(number));
        }
        assert!(!written.knows(&web, &state(0)).await && written.knows(&web, &state(1)).await);
        written.forget();
        assert!(!written.knows(&web, &state(1)).await);
    }
}
