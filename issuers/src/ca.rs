//! A certificate authority in this process.
//!
//! An [`Authority`] is a chain of certificates and the key of the first: it certifies what an [`Application`](crate::certify::Application) asks for, under [`Terms`](crate::certify::Terms), as a pure
//! function of time and serial number. [`CaIssuer`] makes an [`Issuer`](crate::Issuer) of it, with a clock and random serial numbers.
//!
//! What became of its certificates is told by a [`RevocationStatus`]; [`crl`] and [`ocsp`] sign that for others. Both are pure: a program that serves them
//! makes the URLs true that the authority writes into its certificates.
//!
//! ```
//! use acme_core::key::{KeyType, PrivateKey};
//! use acme_core::{Signer as _, Timestamp};
//! use certwright_issuers::ca::Authority;
//! use certwright_issuers::certify::{Application, Terms};
//! use certwright_issuers::template::SerialNumber;
//! use certwright_issuers::{chain, csr};
//!
//! # fn main() -> Result<(), certwright_issuers::Error> {
//! # let (now, random) = (Timestamp::from_unix_seconds(1_813_060_800), [7; 20]);
//! let authority = Authority::ephemeral("Example Root", now)?;
//! let key = PrivateKey::generate(KeyType::EcdsaP256)?;
//! let draft = csr::Draft::new(&["www.example.com".parse()?])?;
//! // Somebody else's signing request proves its key: `Application::read(&csr)`.
//! let application = Application::new(&draft, key.public_key())?;
//! let issued = authority.sign_now(&application, &Terms::new(), SerialNumber::from_random(random), now)?;
//! assert!(chain::to_pem(&issued.chain).starts_with("-----BEGIN CERTIFICATE-----"));
//! assert_eq!(issued.root.as_ref(), Some(authority.certificate()));
//! # Ok(())
//! # }
//! ```

mod authority;
pub mod crl;
mod issuer;
pub mod ocsp;
mod path;
mod revocation;

pub use authority::{Authority, Ending};
pub use issuer::CaIssuer;
pub use revocation::{Register, RevocationStatus, Revoked, Status};
