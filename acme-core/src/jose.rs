//! What ACME needs of JOSE: public keys as JWK (RFC 7517), thumbprints (RFC 7638) and flattened JWS (RFC 7515).

mod jwk;
mod jws;

pub use jwk::Jwk;
pub(crate) use jws::{By, Jws, bind_external_account, sign};
