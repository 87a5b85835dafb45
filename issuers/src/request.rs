//! What an issuer is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acme_core::protocol::CertificateId;
use acme_core::{Error, ErrorKind, Identifier, Signer, text};
use rustls_pki_types::CertificateSigningRequestDer;

use crate::csr;
use crate::template::Usages;

/// All that an issuer may need to know. The private key is not in it.
#[non_exhaustive]
pub struct CertificateRequest<'a> {
    /// The signing request, signed with the certificate's own key.
    pub csr: &'a CertificateSigningRequestDer<'a>,
    /// Who made it.
    pub maker: Maker,
    /// What the certificate is for: the names and addresses of the signing request.
    pub identifiers: &'a [Identifier],
    /// Labels by which solvers are chosen.
    pub labels: &'a BTreeMap<String, String>,
    /// How long it shall be valid; `None` leaves it to the issuer.
    pub duration: Option<Duration>,
    /// Whether it shall be a certificate authority itself.
    pub is_ca: bool,
    /// What it shall be used for, whether the signing request says so too or not; `None` is what the signing request says.
    pub usages: Option<&'a Usages>,
    /// The certificate it replaces (RFC 9773 section 5).
    pub replaces: Option<CertificateId>,
    /// The profile, where the issuer offers several.
    pub profile: Option<&'a str>,
    /// The certificate's own key, lent to issuers that sign with it.
    pub signer: Option<&'a dyn Signer>,
}

impl<'a> CertificateRequest<'a> {
    /// A request for `identifiers` with this signing request; everything else is left to the issuer.
    pub fn new(csr: &'a CertificateSigningRequestDer<'a>, identifiers: &'a [Identifier]) -> Self {
        static NO_LABELS: BTreeMap<String, String> = BTreeMap::new();
        Self {
            csr,
            maker: Maker::Anybody,
            identifiers,
            labels: &NO_LABELS,
            duration: None,
            is_ca: false,
            usages: None,
            replaces: None,
            profile: None,
            signer: None,
        }
    }

    /// For issuers that offer no profiles: a name that is passed over in silence gets something else than was asked for.
    ///
    /// # Errors
    /// `Unsupported` when the request names a profile.
    pub fn refuse_profile(&self) -> Result<(), Error> {
        let Some(profile) = self.profile else { return Ok(()) };
        let shown = text::printable(profile, 60);
        Err(Error::new(ErrorKind::Unsupported, format!("this issuer has no profile {shown:?}: ask without")))
    }

    /// For issuers that take the names from the signing request: one that is not among [`identifiers`](Self::identifiers) would be certified unseen.
    ///
    /// # Errors
    /// `Malformed` when the DNS names and addresses of the signing request are not exactly the identifiers, or cannot be read.
    pub fn refuse_other_names(&self) -> Result<(), Error> {
        let written: BTreeSet<Identifier> = csr::Request::read(self.csr)?.identifiers()?.into_iter().collect();
        let wanted: BTreeSet<Identifier> = self.identifiers.iter().cloned().collect();
        let Some(odd) = written.symmetric_difference(&wanted).next() else { return Ok(()) };
        let what = format!("the signing request and the names asked for differ, in {odd} for one");
        Err(Error::new(ErrorKind::Malformed, what))
    }
}

/// Who made a signing request: whether its signature has to prove anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Maker {
    /// Somebody: an issuer in this process verifies it.
    #[default]
    Anybody,
    /// Whoever asks, with the key at hand, and nobody could change it since: a keeper with its own record. It need not be verified again.
    Asker,
}
