//! Certificates against an API server in memory and a model of a certificate authority, on virtual time, a crowd of them that waits, and what is looked for in it.

mod absence;
mod renewal;
mod room;
mod town;
