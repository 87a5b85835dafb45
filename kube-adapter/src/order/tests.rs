//! Orders: against models on virtual time, and on a real API server with a real ACME server and a real name server.

pub(crate) mod cluster;
mod courses;
mod dns;
mod embargoes;
mod leftovers;
mod model;
mod refusals;
mod rig;
mod take_over;
mod troubles;
