//! How much of what comes from outside is kept.

/// Longest text from outside in conditions, Events, errors and logs, in bytes: an answer's body may be a page.
pub(crate) const TEXT: usize = 1024;
