//! The six kinds: what was recorded of cert-manager is read and written back untouched, and named as it was named.

mod admission;
mod every_field;
mod facts;
mod names;
mod recorded;
mod round_trip;
