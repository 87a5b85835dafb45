//! Several certificate authorities as one: who is asked, who rests, and what a crash leaves.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod contract;
mod crash;
mod dispatch;
mod stories;
mod world;
