//! A signing request in, a certificate chain out.

mod issuer;
mod progress;
mod request;
mod timer;

pub use acme_core::{Error, ErrorKind, Retry};
pub use issuer::{Issued, Issuer, IssuerId, Renewal, RenewalAnswer, Revoke, Step};
pub use progress::{InMemory, Progress, ProgressError};
pub use request::CertificateRequest;
pub use timer::Timer;
#[cfg(feature = "tokio")]
pub use timer::TokioTimer;
