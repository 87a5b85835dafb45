//! Certificates against an API server in memory and a model of a certificate authority, on virtual time; and a crowd of them that waits.

mod renewal;
mod room;
mod town;
