//! Orders on a real API server, a real ACME server and a real name server.

mod dns;
mod rig;
