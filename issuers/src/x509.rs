//! What X.509 writes into certificates and signing requests alike, read without a copy and kept to the byte.

mod certificate;
mod extension;
mod general_name;
pub(crate) mod name;
pub(crate) mod time;

pub(crate) use certificate::Certificate;
pub use extension::RawExtension;
pub(crate) use extension::{add_extensions, basic_constraints, extended_key_usage, extension, key_usage, oid};
pub use general_name::RawGeneralName;
