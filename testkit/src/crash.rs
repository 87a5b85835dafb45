//! Crash replay: a program is killed before and after every effect it has on the world, and must come back from durable bytes alone.
//!
//! [`Replay`] makes a world, lives a life in it until the kill, throws everything in memory away, lives again, and checks what is there.
//! Effects are counted by [`Effects`]: [`MortalTransport`] and [`MortalStore`] do so around a transport and a store, and a test double
//! calls [`Effects::perform`] itself.

mod effects;
mod mortal;
mod replay;

pub use effects::{Effects, KillPoint, Moment};
pub use mortal::{MortalStore, MortalTransport};
pub use replay::{Kill, Replay, Story, Summary, World};
