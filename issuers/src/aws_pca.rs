//! Certificates from AWS Private CA.
//!
//! [`AwsPcaIssuer`] is the [`Issuer`](crate::Issuer), [`AuthorityArn`] the certificate authority that it asks. Credentials come from
//! [`solvers::credentials::aws`].

mod api;
mod arn;
mod issuer;
mod state;
mod template;

pub use arn::AuthorityArn;
pub use issuer::AwsPcaIssuer;
