//! A signing request in, a certificate chain out.
//!
//! An [`Issuer`] turns a signing request ([`csr`]) into a chain, one step at a time; [`drive`] is the loop around it. What comes out is
//! checked with [`chain::check`] before anything is replaced. What stands in requests and certificates is in [`name`] and [`template`].
//! [`Failover`] makes one issuer of several.
//!
//! | feature | what it makes exist |
//! |---|---|
//! | `acme` | `acme`: public certificate authorities, the pauses they ask for |
//! | `acme` with `aws-lc-rs` or `ring` | `acme::AcmeIssuer`: certificates from any ACME server |
//! | `vault` with `aws-lc-rs` or `ring` | `vault`: certificates from the PKI engine of HashiCorp Vault |
//! | `venafi` with `aws-lc-rs` or `ring` | `venafi`: certificates from Trust Protection Platform, TLS Protect Cloud and Next-Gen Trust Security |
//! | `ca` with `aws-lc-rs` or `ring` | `ca::Authority` and `ca::CaIssuer`: a certificate authority in this process |
//! | `self-signed` with `aws-lc-rs` or `ring` | `self_signed::SelfSigned`: certificates that sign for themselves |
//! | one of the two | `certify`: what either is asked for and grants |
//! | `aws-pca` with `aws-lc-rs` or `ring` | `aws_pca::AwsPcaIssuer`: certificates from AWS Private CA |
//! | `tokio` | `TokioTimer`: the system's clock and tokio's sleep, for [`drive`] |

#[cfg(feature = "acme")]
pub mod acme;
#[cfg(all(feature = "aws-pca", any(feature = "aws-lc-rs", feature = "ring")))]
pub mod aws_pca;
#[cfg(all(feature = "ca", any(feature = "aws-lc-rs", feature = "ring")))]
pub mod ca;
#[cfg(all(any(feature = "ca", feature = "self-signed"), any(feature = "aws-lc-rs", feature = "ring")))]
pub mod certify;
pub mod chain;
pub mod csr;
mod drive;
pub mod failover;
mod holder;
mod issuer;
pub mod limits;
pub mod name;
mod oid;
mod progress;
mod request;
#[cfg(all(feature = "self-signed", any(feature = "aws-lc-rs", feature = "ring")))]
pub mod self_signed;
pub mod template;
mod timer;
#[cfg(all(feature = "vault", any(feature = "aws-lc-rs", feature = "ring")))]
pub mod vault;
#[cfg(all(feature = "venafi", any(feature = "aws-lc-rs", feature = "ring")))]
pub mod venafi;
mod x509;

pub use acme_core::{Error, ErrorKind, Retry};
pub use drive::drive;
pub use failover::Failover;
pub use holder::{Holder, Listed};
pub use issuer::{Issued, Issuer, IssuerId, Remark, Renewal, RenewalAnswer, Revoke, Step};
pub use oid::ObjectIdentifier;
pub use progress::{InMemory, Progress, ProgressError};
pub use request::{CertificateRequest, Maker};
pub use timer::Timer;
#[cfg(feature = "tokio")]
pub use timer::TokioTimer;
