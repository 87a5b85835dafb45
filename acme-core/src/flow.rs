//! The state machines: what to do next, and what became of it. Both pure.
//!
//! A flow is asked with `next(now)` and told with `apply(event, now)`; it never waits, sends or looks at a clock. The loop around it is the same
//! everywhere ([`issuers::drive`] in a process, a reconciler in a cluster): ask `next`; start every ready action that is not
//! already running; await the first of a finished action, `wake.at` or a nudge; `apply`; save if changed.
//!
//! # Laws
//!
//! 1. *Same question, same answer.* `next` depends on the state and `now` alone.
//! 2. *Repeats are harmless.* Every action may run again. Where the server refuses a repeat, the flow looks instead of concluding.
//! 3. *Every wait ends.* Each waiting state names its deadline.
//! 4. *Lossy storage rounds down.* A state decodes to itself or to an earlier one, never to a later one.
//! 5. *Store before you destroy*, and look at the authorization once more before giving up.
//! 6. *Clean before done.* Once anything was presented, the end is reached only through cleaning up; what cannot be cleaned is named in the outcome.
//! 7. *Key before order.* The signing request is part of the state before an order is asked for; the order's URL right after.
//! 8. *Every failure moves time.* After a failed action, the same `now` never offers that action again.
//! 9. *Held or silent.* Who lost the claim on a record sends nothing more. (Kept by drivers: they save before what [`is_irreversible`](OrderAction::is_irreversible).)
//! 10. *Old bytes are read.* Records of the previous minor decode; newer ones are left alone.
//!
//! [`issuers::drive`]: https://docs.rs/certwright-issuers

mod account;
mod challenge;
mod failures;
mod issuance;
mod order;
mod pacing;
mod solver_id;
mod waiting;

pub use account::{AccountAction, AccountEvent, AccountFlow, AccountOutcome, AccountPlan, Creation};
pub use challenge::{
    Assignment, ChallengeAction, ChallengeEvent, ChallengeFlow, ChallengeStage, Leftover, Obstacle, Settled, Verdict,
};
pub use failures::{Failures, Fault};
pub use issuance::{Begin, Choice, Issuance, IssuanceAction, IssuanceEvent, IssuanceOutcome, IssuancePlan};
pub use order::{OrderAction, OrderEvent, OrderFlow, OrderOutcome, OrderStage, Standing};
pub use pacing::{ChallengePace, OrderPace, Pace, Polling};
pub use solver_id::SolverId;
pub use waiting::Waiting;

use crate::Timestamp;

/// What a flow wants: to go on, or it has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle both")]
pub enum Next<A, T> {
    /// There is something to do or to wait for.
    Go(Agenda<A>),
    /// It is over; `T` is how it ended.
    Done(T),
}

/// What may be done now, and when to ask again at the latest. Never both empty.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agenda<A> {
    /// Actions to start, all of them at once, unless they are running already.
    pub ready: Vec<A>,
    /// When to ask again, and what is waited for until then.
    pub wake: Option<Wake>,
}

impl<A> Agenda<A> {
    /// An agenda of a driver's own, such as a reconciler that steps flows together with other things. One without an action and without a time would
    /// never be asked again: say [`Next::Done`] instead.
    pub fn new(ready: Vec<A>, wake: Option<Wake>) -> Self {
        Self { ready, wake }
    }

    pub(crate) fn start(action: A) -> Self {
        Self { ready: vec![action], wake: None }
    }

    pub(crate) fn wait(at: Timestamp, waiting: Waiting) -> Self {
        Self { ready: Vec::new(), wake: Some(Wake { at, waiting }) }
    }

    pub(crate) fn empty() -> Self {
        Self { ready: Vec::new(), wake: None }
    }

    /// Takes in what another agenda wants; the earlier wake wins.
    pub(crate) fn merge<B>(&mut self, other: Agenda<B>, wrap: impl Fn(B) -> A) {
        self.ready.extend(other.ready.into_iter().map(wrap));
        self.wake = match (self.wake.take(), other.wake) {
            (Some(mine), Some(theirs)) => Some(if theirs.at < mine.at { theirs } else { mine }),
            (mine, theirs) => mine.or(theirs),
        };
    }
}

/// When to ask again, and why not sooner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wake {
    /// The time to ask again.
    pub at: Timestamp,
    /// What is waited for: prints as the status a user reads.
    pub waiting: Waiting,
}

impl Wake {
    /// A wake-up at `at`.
    pub fn new(at: Timestamp, waiting: Waiting) -> Self {
        Self { at, waiting }
    }
}

/// Whether an event changed the state, and so must be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a changed state must be saved"]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Applied {
    /// The state changed.
    Changed,
    /// The event said nothing new, or came too late.
    Ignored,
}

/// The format of stored flows that this release writes. It reads this one and, from the second minor on, the one before.
const FORMAT: u32 = 1;
