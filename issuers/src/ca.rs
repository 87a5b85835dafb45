//! A certificate authority in this process.
//!
//! An [`Authority`] is a chain of certificates and the key of the first: it certifies what an [`Application`](crate::certify::Application) asks for, under [`Terms`](crate::certify::Terms), as a pure
//! function of time and serial number. [`CaIssuer`] makes an [`Issuer`](crate::Issuer) of it, with a clock and random serial numbers.

mod authority;
mod issuer;
mod path;

pub use authority::{Authority, Ending};
pub use issuer::CaIssuer;
