//! cert-manager's resources on the Certwright library.

pub mod crd;
pub mod leader;
