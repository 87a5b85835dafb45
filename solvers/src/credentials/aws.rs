//! AWS: credentials, where they come from, and requests that are signed with them.
//!
//! [`Credentials`] sign a request in the [`Scope`] of a service and a region. [`Endpoint`] knows where services answer.
//! [`sts::caller_identity`] is the request by which others (Vault's AWS method) learn who somebody is.

mod credentials;
mod endpoint;
mod region;
mod sigv4;
pub mod sts;

pub use credentials::Credentials;
pub use endpoint::Endpoint;
pub use region::{Partition, Region};
pub use sigv4::Scope;
