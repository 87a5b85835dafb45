//! The model certificate authority, driven by hand-made requests and by the client of `acme-core`.

mod faults;
mod protocol;
mod raw;
mod session;
mod strictness;
mod validation;
mod world;
