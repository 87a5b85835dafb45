//! Test doubles, fault injection and conformance suites for certwright.
//!
//! Never shipped: a dev-dependency by path, without a version.
//!
//! | feature | what it makes exist |
//! |---|---|
//! | none | [`VirtualClock`], [`run`], [`ScriptedTransport`], [`DurableStore`], [`SimDns`], crash replay in [`crash`], the suite for stores in [`conformance`] |
//! | `crypto` | `ca`: a certificate authority in the process, with every fault on demand |
//! | `solvers`, `issuers` | more suites in [`conformance`] that hold an implementation against its contract |
//! | `servers` | `servers`: Pebble and others, started for a test; foreign judges of certificates |
//! | `doubles` | `doubles`: strict doubles of DNS services |
//! | `log` | `logged`: what is logged while something runs |
//! | `https` | `https`: the same behind HTTPS on loopback, with real validation |
//! | `venafi` | `venafi`: strict doubles of Venafi's services |

#[cfg(feature = "crypto")]
pub mod ca;
mod clock;
pub mod conformance;
pub mod crash;
mod dns;
#[cfg(feature = "doubles")]
pub mod doubles;
#[cfg(feature = "https")]
pub mod https;
#[cfg(feature = "log")]
mod log;
mod runtime;
#[cfg(feature = "servers")]
pub mod servers;
mod store;
mod sync;
pub mod transport;
#[cfg(feature = "venafi")]
pub mod venafi;

pub use clock::VirtualClock;
pub use dns::{DnsRecord, SimDns};
#[cfg(feature = "log")]
pub use log::{Log, logged};
pub use runtime::{Runtime, Task, run};
pub use store::DurableStore;
pub use transport::ScriptedTransport;
