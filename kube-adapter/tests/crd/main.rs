//! The six kinds: what was recorded of cert-manager is read and written back untouched.

mod recorded;
mod round_trip;
