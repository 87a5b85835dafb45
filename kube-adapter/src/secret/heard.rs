//! Of which Secrets the watches told, as far as that proves that one is not there.
//!
//! Before an issuance a read proves that the target Secret is not there: nothing is kept of most Secrets, and a watch may be behind. A storm would read ten
//! thousand times what is not there. Here the watches prove it:
//!
//! - Whatever they told of left its mark in a filter of one size, however many there are, and marks stay. A Secret without a mark was never told of.
//! - Whether the watch is behind shows in our own writes, which it tells of like any other: what it has not told before one of them was not there when that
//!   was sent. That must be a moment ago, as a read would be, and after the Certificate was made: whoever restores both at once is heard out.
//!
//! Where that says nothing, the Secret is read. What a watch leaves out, and what comes in that moment, is met by the write: an apply of a new Secret names a
//! version that none has, so that the API server refuses it where one is; then it is read, and the plan goes on from what it holds.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use acme_core::Timestamp;

use crate::key::{Name, Version};

/// Of which Secrets the watches told.
pub(crate) struct Heard {
    /// A bit in each of [`MARKS`] places for each of them.
    marks: Box<[u64]>,
    /// How far each watch of TLS Secrets is, by its namespace; the empty one is the whole cluster.
    watches: HashMap<Box<str>, Progress>,
}

/// How far a watch is.
#[derive(Debug, Default)]
struct Progress {
    /// Writes of ours that it has not told of: what they made, and when they were sent.
    sent: VecDeque<(Version, Timestamp)>,
    /// Everything up to this time was told.
    as_of: Option<Timestamp>,
}

impl Default for Heard {
    fn default() -> Self {
        Self { marks: vec![0; BITS / 64].into_boxed_slice(), watches: HashMap::new() }
    }
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heard").field("watches", &self.watches).finish_non_exhaustive()
    }
}

impl Heard {
    /// A watch told that this Secret is there.
    pub(crate) fn mark(&mut self, secret: &Name) {
        for place in places(secret) {
            self.marks[place / 64] |= 1 << (place % 64);
        }
    }

    /// This process wrote a TLS Secret: its new state, and when the write was sent.
    pub(crate) fn sent(&mut self, scope: &str, state: Version, at: Timestamp) {
        // Other versions than numbers say nothing of an order.
        if !matches!(state, Version::Number(_)) {
            return;
        }
        let sent = &mut self.watches.entry(scope.into()).or_default().sent;
        if sent.len() == MOST_SENT {
            sent.pop_front();
        }
        sent.push_back((state, at));
    }

    /// A watch of TLS Secrets told everything up to this state.
    pub(crate) fn reached(&mut self, scope: &str, state: &Version) {
        let Some(progress) = self.watches.get_mut(scope) else { return };
        let Progress { sent, as_of } = progress;
        sent.retain(|(written, at)| {
            let is_told = !state.is_older_than(written);
            if is_told {
                *as_of = (*as_of).max(Some(*at));
            }
            !is_told
        });
    }

    /// A watch of TLS Secrets begins anew.
    pub(crate) fn begins(&mut self, scope: &str) {
        self.watches.remove(scope);
    }

    /// Whether a Secret of which nothing is kept is not there, nor was a moment ago and at this time.
    pub(crate) fn lacks(&self, scope: &str, secret: &Name, at: Timestamp, now: Timestamp) -> bool {
        let as_of = self.watches.get(scope).and_then(|it| it.as_of);
        let is_fresh = as_of.is_some_and(|as_of| now.since(as_of) <= MOMENT && as_of > at);
        is_fresh && !places(secret).into_iter().all(|it| self.marks[it / 64] & 1 << (it % 64) != 0)
    }
}

/// Where the marks of a Secret are.
fn places(secret: &Name) -> [usize; MARKS] {
    let mut hasher = DefaultHasher::new();
    secret.hash(&mut hasher);
    let hash = hasher.finish();
    // Pieces of one hash are as good as several.
    [0, 20, 40].map(|shift| (hash >> shift) as usize % BITS)
}

/// 64 KB: of a hundred thousand Secrets of others, one in ten names is looked at for nothing.
const BITS: usize = 1 << 19;
const MARKS: usize = 3;

/// More writes of ours are not under way; of one that is never told of, the oldest goes.
const MOST_SENT: usize = 256;

/// From a read to the write that follows it takes as long in a storm.
const MOMENT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use acme_core::Timestamp;

    use super::{Heard, MOMENT};
    use crate::key::{Name, Version};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
    const BEFORE: Timestamp = Timestamp::from_unix_seconds(1_799_999_990);

    fn version(number: u64) -> Version {
        Version::Number(number)
    }

    #[test]
    fn what_was_never_told_of_is_not_there_once_the_watch_told_of_a_write_that_came_later() {
        let (mut heard, web) = (Heard::default(), Name::new("shop", "web"));
        assert!(!heard.lacks("", &web, BEFORE, NOW), "nothing is known of the watch");
        heard.sent("", version(7), NOW);
        heard.reached("", &version(6));
        assert!(!heard.lacks("", &web, BEFORE, NOW), "the watch may be behind");
        heard.reached("", &version(8));
        assert!(heard.lacks("", &web, BEFORE, NOW));
        assert!(heard.lacks("", &web, BEFORE, NOW + MOMENT));
        assert!(!heard.lacks("", &web, BEFORE, NOW + MOMENT + Duration::from_millis(1)), "it was a moment ago");
        assert!(!heard.lacks("", &web, NOW, NOW), "what was made together may not be told of together");
        heard.mark(&web);
        assert!(!heard.lacks("", &web, BEFORE, NOW));
    }

    #[test]
    fn a_watch_says_nothing_of_another() {
        let (mut heard, web) = (Heard::default(), Name::new("shop", "web"));
        heard.sent("shop", version(7), NOW);
        heard.reached("bank", &version(9));
        assert!(!heard.lacks("shop", &web, BEFORE, NOW));
        heard.reached("shop", &version(7));
        assert!(heard.lacks("shop", &web, BEFORE, NOW) && !heard.lacks("bank", &web, BEFORE, NOW));
        heard.begins("shop");
        assert!(!heard.lacks("shop", &web, BEFORE, NOW));
    }

    #[test]
    fn versions_that_are_no_numbers_prove_nothing() {
        let (mut heard, web) = (Heard::default(), Name::new("shop", "web"));
        heard.sent("", Version::parse("a"), NOW);
        heard.reached("", &Version::parse("b"));
        assert!(!heard.lacks("", &web, BEFORE, NOW));
    }

    #[test]
    fn of_ten_thousand_that_are_there_hardly_one_hides_another() {
        let mut heard = Heard::default();
        for number in 0..10_000 {
            heard.mark(&Name::new("others", format!("secret-{number}")));
        }
        heard.sent("", version(1), NOW);
        heard.reached("", &version(1));
        let hidden =
            (0..10_000).filter(|number| !heard.lacks("", &Name::new("shop", format!("web-{number}")), BEFORE, NOW));
        assert!(hidden.count() < 50);
        assert!((0..10_000).all(|number| !heard.lacks(
            "",
            &Name::new("others", format!("secret-{number}")),
            BEFORE,
            NOW
        )));
    }
}
