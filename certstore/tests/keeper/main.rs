//! The keeper on virtual time, with a certificate authority that does as it is told.

mod ca;
mod crash;
mod fleet;
mod lifecycle;
mod trouble;
mod world;
