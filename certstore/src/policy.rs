//! Decisions about time and need, all of them pure.

pub mod after_failure;
pub mod reissue;
pub mod renew;
pub mod rotation;
