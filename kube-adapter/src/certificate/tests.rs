//! Certificates against an API server in memory and a model of a certificate authority, on virtual time.

mod renewal;
mod town;
