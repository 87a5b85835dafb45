//! Every length that a remote party, or a stored record, controls, and where its bound comes from.

/// Most pauses that are kept for one certificate authority; each takes 200 to 600 bytes, and a store's value is at most 256 KiB. Those that end first give way.
pub const EMBARGOES: usize = 400;

/// Longest text of a certificate authority that is kept with a pause, in characters; enough for what Let's Encrypt says of its limits.
pub const EMBARGO_TEXT: usize = 300;
