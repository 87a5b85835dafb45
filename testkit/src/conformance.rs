//! Suites that hold an implementation of an open trait against its contract.
//!
//! A suite answers the first clause that is not kept, as a [`Breach`]; unwrap it in a test. Suites are drivers: where a contract says
//! "soon" they wait, up to a minute, and nothing is waited for where time is paused.

use std::fmt;

#[cfg(feature = "issuers")]
mod issuer;
#[cfg(feature = "solvers")]
mod solvers;
mod store;

#[cfg(feature = "issuers")]
pub use issuer::{IssuerWorld, issuer};
#[cfg(feature = "solvers")]
pub use solvers::{MemoryDns, dns_provider, solver, two_slot_dns_provider};
pub use store::store;

/// A clause of a contract, and how it was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breach {
    /// The clause, as the trait's documentation numbers it.
    pub clause: u8,
    /// What was seen.
    pub what: String,
}

impl Breach {
    /// Clause `clause` is broken, which showed in `what`.
    pub fn new(clause: u8, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { clause, what }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clause {} of the contract is broken: {}", self.clause, self.what)
    }
}

impl std::error::Error for Breach {}
