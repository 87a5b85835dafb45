//! What certwright measures, and the rivals beside it.
