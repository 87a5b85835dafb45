//! Waiting for real servers: bounded, and with a word about what did not come.

use std::thread;
use std::time::{Duration, Instant};

/// Asks until there is an answer; after [`LONG`] the test fails with what the last question was answered.
#[track_caller]
pub fn eventually<T>(what: &str, ask: impl FnMut() -> Result<T, String>) -> T {
    eventually_within(LONG, what, ask)
}

/// The same, for what may take so long.
#[track_caller]
pub fn eventually_within<T>(bound: Duration, what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let end = now() + bound;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(why) if now() > end => panic!("{what} did not come in {bound:?}: {why}"),
            Err(_) => pause(PAUSE),
        }
    }
}

/// Waits.
#[expect(clippy::disallowed_methods, reason = "real servers take real time")]
pub fn pause(duration: Duration) {
    thread::sleep(duration);
}

/// The time that a bound is measured with.
#[expect(clippy::disallowed_methods, reason = "real servers take real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Nothing here takes this long, except on a machine that stands still.
pub const LONG: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);
