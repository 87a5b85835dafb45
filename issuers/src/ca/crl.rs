//! Lists of revoked certificates (RFC 5280 section 5): what `crlDistributionPoints` lead to.

use acme_core::der::{self, Writer};
use acme_core::key::{PublicKey, verify_x509};
use acme_core::protocol::RevocationReason;
use acme_core::{Error, ErrorKind, Signer, Timestamp};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

use super::revocation::Revoked;
use crate::ObjectIdentifier;
use crate::template::{Criticality, Extension, Extensions, GeneralName, KeyIdentifier, SerialNumber};
use crate::x509::Certificate;

/// A list of revoked certificates that is not signed yet. Finish it with [`sign`](Self::sign), and serve it as `application/pkix-crl`.
///
/// It is a pure value: the numbers and times come in. Sign the next one well before `next_update`; after it nobody believes the list.
#[derive(Debug, Clone)]
pub struct RevocationList {
    number: u64,
    this_update: Timestamp,
    next_update: Timestamp,
    entries: Vec<Entry>,
    distribution_point: Option<Extension>,
}

#[derive(Debug, Clone)]
struct Entry {
    serial: SerialNumber,
    revoked: Revoked,
}

/// Which certificates a list is about, when it is not about all (RFC 5280 section 5.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the choices of RFC 5280 that are in use")]
pub enum Scope {
    /// About all that the authority issued.
    All,
    /// About certificates that are no authorities'.
    Users,
    /// About those of authorities.
    Authorities,
}

impl RevocationList {
    /// An empty list. Each has a higher `number` than the one before; the next comes at `next_update` at the latest.
    ///
    /// # Errors
    /// `Malformed` when `next_update` is not after `this_update`.
    pub fn new(number: u64, this_update: Timestamp, next_update: Timestamp) -> Result<Self, Error> {
        if next_update.unix_seconds() <= this_update.unix_seconds() {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("a revocation list of {this_update} whose next update is at {next_update}: it must be later"),
            ));
        }
        Ok(Self { number, this_update, next_update, entries: Vec::new(), distribution_point: None })
    }

    /// With these certificates, in whatever order; of one that is named twice the first counts.
    #[must_use]
    pub fn with_revoked<'a>(mut self, revoked: impl IntoIterator<Item = (&'a SerialNumber, &'a Revoked)>) -> Self {
        // A certificate that is off hold stands in no complete list.
        let listed = revoked.into_iter().filter(|(_, revoked)| revoked.reason != RevocationReason::RemoveFromCrl);
        self.entries.extend(listed.map(|(serial, revoked)| Entry { serial: serial.clone(), revoked: *revoked }));
        // By number: of two magnitudes without leading zeros, the longer is the greater.
        self.entries.sort_by(|a, b| {
            let key = |entry: &Entry| (entry.serial.as_octets().len(), entry.serial.clone());
            key(a).cmp(&key(b))
        });
        self.entries.dedup_by(|later, first| later.serial == first.serial);
        self
    }

    /// Says where it is served and what it is about (issuing distribution point, critical): certificates name the same URL. A list for all certificates does
    /// without.
    ///
    /// # Errors
    /// `Malformed` for a URL that is none, or without one when it is about all.
    pub fn with_distribution_point(mut self, urls: &[String], scope: Scope) -> Result<Self, Error> {
        if urls.is_empty() && scope == Scope::All {
            return Err(Error::new(ErrorKind::Malformed, "an issuing distribution point needs a URL or a scope"));
        }
        let urls = urls.iter().map(|url| GeneralName::uri(url)).collect::<Result<Vec<_>, _>>()?;
        let value = der::build(128, |out| {
            out.sequence(|point| {
                if !urls.is_empty() {
                    point.nested(der::context_constructed(0), |name| {
                        name.nested(der::context_constructed(0), |all| urls.iter().for_each(|url| url.write(all)));
                    });
                }
                match scope {
                    Scope::All => {}
                    Scope::Users => point.value(der::context(1), &[0xff]),
                    Scope::Authorities => point.value(der::context(2), &[0xff]),
                }
            });
        });
        self.distribution_point = Some(Extension::new(ISSUING_DISTRIBUTION_POINT, Criticality::Critical, value));
        Ok(self)
    }

    /// Signs it for the authority of this certificate, by its key.
    ///
    /// # Errors
    /// `Refused` when the certificate is not an authority's that may sign revocation lists, or the key is not its; `Malformed` when it cannot be read; what the
    /// signer says.
    pub async fn sign(
        &self,
        authority: &CertificateDer<'_>,
        signer: &dyn Signer,
    ) -> Result<CertificateRevocationListDer<'static>, Error> {
        let doing = "signing a revocation list";
        let refused = |why: &str| Error::new(ErrorKind::Refused, why.to_owned()).while_doing(doing);
        let certificate = Certificate::read(authority).map_err(|why| {
            Error::new(ErrorKind::Malformed, format!("the authority's certificate is {why}")).while_doing(doing)
        })?;
        if !certificate.basic_constraints().is_some_and(|it| it.is_authority()) {
            return Err(refused("the certificate is not that of an authority"));
        }
        if !certificate.may_sign_revocation_lists() {
            return Err(refused("the authority must not sign revocation lists: its key usage lacks cRLSign"));
        }
        if !PublicKey::same(&certificate.public_key, signer.public_key()) {
            return Err(refused("the key is not that of the authority's certificate"));
        }
        let algorithm = signer.algorithm();
        let extensions = self.extensions(&certificate)?;
        let message = der::build(200 + certificate.subject.len() + self.entries.len() * 50, |out| {
            out.sequence(|list| {
                // Version 2, the first with extensions.
                list.unsigned(&[1]);
                list.raw(algorithm.x509());
                list.raw(certificate.subject);
                list.time(self.this_update);
                list.time(self.next_update);
                if !self.entries.is_empty() {
                    list.sequence(|it| self.entries.iter().for_each(|entry| entry.write(it)));
                }
                list.nested(der::context_constructed(0), |it| extensions.write(it));
            });
        });
        let signature = signer.sign(&message).await.map_err(|error| error.while_doing(doing))?;
        verify_x509(algorithm.x509(), signer.public_key(), &message, &signature)
            .map_err(|error| error.while_doing("the signature that the signer of a revocation list returned"))?;
        Ok(der::build(message.len() + 600, |out| out.signed(&message, algorithm, &signature)).into())
    }

    fn extensions(&self, certificate: &Certificate<'_>) -> Result<Extensions, Error> {
        let identifier = match certificate.subject_key_identifier() {
            Some(octets) => KeyIdentifier::of_octets(octets),
            None => KeyIdentifier::of_key(&certificate.public_key)?,
        };
        let number = der::build(12, |out| out.unsigned(&self.number.to_be_bytes()));
        let extensions = Extensions::new().with(identifier.to_authority_extension()).with(Extension::new(
            CRL_NUMBER,
            Criticality::NotCritical,
            number,
        ));
        Ok(match &self.distribution_point {
            Some(point) => extensions.with(point.clone()),
            None => extensions,
        })
    }
}

impl Entry {
    fn write(&self, out: &mut Writer) {
        out.sequence(|entry| {
            entry.unsigned(self.serial.as_octets());
            entry.time(self.revoked.at);
            if let Some(code) = self.revoked.code() {
                let reason = der::build(4, |it| it.value(der::ENUMERATED, &[code]));
                Extensions::new().with(Extension::new(REASON_CODE, Criticality::NotCritical, reason)).write(entry);
            }
        });
    }
}

/// id-ce-cRLNumber, 2.5.29.20.
const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x14]);
/// id-ce-cRLReasons, 2.5.29.21.
const REASON_CODE: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x15]);
/// id-ce-issuingDistributionPoint, 2.5.29.28.
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x1c]);
