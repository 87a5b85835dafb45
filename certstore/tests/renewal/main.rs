//! When certificates are renewed as their owners want it: leads, windows, clocks that are put forward and back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cron;
mod preferences;
mod windows;
