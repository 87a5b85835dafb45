//! cert-manager's six kinds, as they are served and stored: `cert-manager.io/v1` and `acme.cert-manager.io/v1`.
//!
//! Decoding is lenient: an unknown value of an enumeration is kept as `Other`, a missing field is its default, bytes and times that
//! cannot be read are kept as text, so that one odd object never blinds a watch. Encoding is exact: fields stand in the order of
//! cert-manager's own types and empty ones are left out as there, since names are digests of that JSON.
//! What is copied from one object to another, solvers and references, keeps fields that this version does not know.
//!
//! Decode from JSON text (`serde_json::from_str` and the like): [`Conditions`](condition::Conditions) and the configuration of webhook
//! solvers are kept byte for byte, which only that deserializer can do.

pub mod acme;
pub mod base64;
pub mod certificate;
pub mod certificate_request;
pub mod challenge;
pub mod condition;
mod definition;
pub mod duration;
pub mod issuer;
mod open;
pub mod order;
pub mod quantity;
pub mod reference;
mod schema;
pub mod time;
pub mod vault;
pub mod venafi;

pub use certificate::{Certificate, CertificateSpec, CertificateStatus};
pub use certificate_request::{CertificateRequest, CertificateRequestSpec, CertificateRequestStatus};
pub use challenge::{Challenge, ChallengeSpec, ChallengeStatus};
pub use definition::{all, all_yaml};
pub use issuer::{ClusterIssuer, Issuer, IssuerSpec, IssuerStatus};
pub use open::Unknown;
pub use order::{Order, OrderSpec, OrderStatus};
