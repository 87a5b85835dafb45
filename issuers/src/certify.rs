//! What a certificate says, of what was asked for and what is granted: the same for an authority and for a key that signs for itself.

use std::time::Duration;

use acme_core::Error;

use crate::CertificateRequest;
use crate::template::{BasicConstraints, Usages};

mod application;
mod content;
mod serials;
mod signed;

pub use application::Application;
pub(crate) use content::{Issuing, content};
pub(crate) use serials::Serials;
pub(crate) use signed::signed;

/// What is granted with a certificate, beside the names and the key that were asked for.
///
/// The usages are those given here; otherwise those asked for; otherwise what cert-manager gives, without key encipherment for keys that
/// cannot encipher (RFC 8813): digital signature, and the signing of certificates for an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    duration: Duration,
    constraints: BasicConstraints,
    usages: Option<Usages>,
}

impl Terms {
    /// A certificate of 90 days that is no authority, for what it was asked for.
    pub const fn new() -> Self {
        Self { duration: DURATION, constraints: BasicConstraints::EndEntity, usages: None }
    }

    /// Valid for so long from now on.
    #[must_use]
    pub const fn lasting(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// For a certificate authority. The path length is the one asked for, as far as the issuer has room.
    #[must_use]
    pub const fn for_authority(mut self) -> Self {
        self.constraints = BasicConstraints::Authority { path_length: None };
        self
    }

    /// For these usages, whatever was asked for.
    #[must_use]
    pub fn with_usages(mut self, usages: Usages) -> Self {
        self.usages = Some(usages);
        self
    }

    /// What a request asks an issuer for.
    ///
    /// # Errors
    /// `Unsupported` when it names a profile: there are none here.
    pub(crate) fn of(request: &CertificateRequest<'_>) -> Result<Self, Error> {
        request.refuse_profile()?;
        let mut terms = Self::new();
        if let Some(duration) = request.duration {
            terms = terms.lasting(duration);
        }
        if request.is_ca {
            terms = terms.for_authority();
        }
        if let Some(usages) = request.usages {
            terms = terms.with_usages(usages.clone());
        }
        Ok(terms)
    }

    pub(crate) fn duration(&self) -> Duration {
        self.duration
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self::new()
    }
}

/// cert-manager's.
const DURATION: Duration = Duration::from_secs(90 * 24 * 60 * 60);
