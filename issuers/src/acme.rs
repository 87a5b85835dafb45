//! Certificates from any ACME server (RFC 8555).
//!
//! [`AcmeIssuer`] is the [`Issuer`](crate::Issuer); [`Account`] looks after the account, [`Pace`] after the pauses that servers ask for,
//! and [`directories`] knows the public ones.

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod account;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod action;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod builder;
pub mod directories;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod issuance;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod issuer;
pub mod pace;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod preflight;
mod registered_domain;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod renewal_info;
pub mod step;

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use account::{Account, AccountSettings, ExistingAccount, Readiness};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use builder::Builder;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use issuer::AcmeIssuer;
pub use pace::{Embargo, Pace, Paced};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use preflight::check_common_name;
pub use registered_domain::registered_domain;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use renewal_info::RenewalQuestions;
