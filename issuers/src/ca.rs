//! A certificate authority in this process.
//!
//! An [`Authority`] is a chain of certificates and the key of the first: it certifies what an [`Application`](crate::certify::Application) asks for, under [`Terms`](crate::certify::Terms), as a pure
//! function of time and serial number. [`CaIssuer`] makes an [`Issuer`](crate::Issuer) of it, with a clock and random serial numbers.
//!
//! What became of its certificates is told by a [`RevocationStatus`]; [`crl`] and [`ocsp`] sign that for others. Both are pure: a program that serves them
//! makes the URLs true that the authority writes into its certificates.

mod authority;
pub mod crl;
mod issuer;
pub mod ocsp;
mod path;
mod revocation;

pub use authority::{Authority, Ending};
pub use issuer::CaIssuer;
pub use revocation::{Register, RevocationStatus, Revoked, Status};
