//! Counts effects, and stops the program at one of them.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// Counts what a program does to the world, and kills it at the effect it was told to.
///
/// A killed program's future is never woken again: [`perform`](Self::perform) does not return. Copies share one count.
#[derive(Clone)]
pub struct Effects(Arc<Mutex<State>>);

struct State {
    kill: Option<KillPoint>,
    names: Vec<String>,
    dead: bool,
}

/// Where a program is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct KillPoint {
    /// The number of the effect, from 0.
    pub effect: usize,
    /// Before or after it.
    pub moment: Moment,
}

impl KillPoint {
    /// A point at the effect with this number.
    pub fn new(effect: usize, moment: Moment) -> Self {
        Self { effect, moment }
    }
}

/// On which side of an effect a program is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Moment {
    /// The effect never happened.
    Before,
    /// The effect happened; its answer never came.
    After,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

impl Effects {
    /// Counts, and never kills.
    pub fn unharmed() -> Self {
        Self::with(None)
    }

    /// Kills at `point`.
    pub fn dying_at(point: KillPoint) -> Self {
        Self::with(Some(point))
    }

    fn with(kill: Option<KillPoint>) -> Self {
        Self(Arc::new(Mutex::new(State { kill, names: Vec::new(), dead: false })))
    }

    /// Performs `effect` and counts it under `name`; where the program is killed here, it never returns, and after the kill nothing happens any more.
    pub async fn perform<F: Future>(&self, name: impl Into<String>, effect: F) -> F::Output {
        let kill_after = match self.begin(name.into()) {
            Some(Moment::Before) => return std::future::pending().await,
            Some(Moment::After) => true,
            None => false,
        };
        let answer = effect.await;
        if kill_after {
            lock(&self.0).dead = true;
        }
        if self.is_dead() {
            return std::future::pending().await;
        }
        answer
    }

    /// Was the program killed?
    pub fn is_dead(&self) -> bool {
        lock(&self.0).dead
    }

    /// How many effects were begun.
    pub fn count(&self) -> usize {
        lock(&self.0).names.len()
    }

    /// The names of the effects begun, in order.
    pub fn names(&self) -> Vec<String> {
        lock(&self.0).names.clone()
    }

    fn begin(&self, name: String) -> Option<Moment> {
        let mut state = lock(&self.0);
        if state.dead {
            return Some(Moment::Before);
        }
        let number = state.names.len();
        state.names.push(name);
        let moment = state.kill.filter(|kill| kill.effect == number).map(|kill| kill.moment);
        if moment == Some(Moment::Before) {
            state.dead = true;
        }
        moment
    }
}
