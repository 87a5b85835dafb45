//! A signing request in, a certificate chain out.
//!
//! An [`Issuer`] turns a signing request ([`csr`]) into a chain, one step at a time; [`drive`] is the loop around it. What comes out is
//! checked with [`chain::check`] before anything is replaced.

#[cfg(feature = "acme")]
pub mod acme;
pub mod chain;
pub mod csr;
mod der;
mod drive;
mod issuer;
mod progress;
mod request;
mod timer;

pub use acme_core::{Error, ErrorKind, Retry};
pub use drive::drive;
pub use issuer::{Issued, Issuer, IssuerId, Renewal, RenewalAnswer, Revoke, Step};
pub use progress::{InMemory, Progress, ProgressError};
pub use request::CertificateRequest;
pub use timer::Timer;
#[cfg(feature = "tokio")]
pub use timer::TokioTimer;
