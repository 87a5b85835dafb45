//! Answers about single certificates (OCSP, RFC 6960; RFC 5019; RFC 9654): what `ocspServers` lead to.
//!
//! A [`Responder`] turns the octets of a request into those of an answer; who serves them over HTTP reads `application/ocsp-request` from a POST, or from the
//! path of a GET with [`from_path`], and says `application/ocsp-response`.

mod request;
mod response;

use std::sync::Arc;
use std::time::Duration;

use acme_core::key::{PublicKey, verify_x509};
use acme_core::{Error, ErrorKind, Retry, Signer, Timestamp, hash};
use rustls_pki_types::CertificateDer;
use sha1::{Digest as _, Sha1};

use super::revocation::{RevocationStatus, Status};
use crate::x509::{Certificate, extended_key_usage, oid};

pub use request::{CertificateId, Request, from_path};
pub use response::Refusal;
use response::{Answered, Content};

/// Answers for one authority.
///
/// Its key signs the answers, or that of a certificate that the authority issued for OCSP alone: [`delegated`](Self::delegated).
#[derive(Clone)]
pub struct Responder {
    authority: Names,
    /// SHA-1 of the key that signs, as RFC 6960 section 4.2.1 wants it.
    key_hash: [u8; 20],
    delegate: Option<Delegate>,
    signer: Arc<dyn Signer>,
    validity: Duration,
}

/// A certificate that goes along with the answers, and the last instant of its validity.
#[derive(Clone)]
struct Delegate {
    certificate: CertificateDer<'static>,
    not_after: Timestamp,
}

impl Responder {
    /// A responder that signs with the authority's own key.
    ///
    /// # Errors
    /// `Refused` when the certificate is not an authority's or the key is not its; `Malformed` when it cannot be read.
    pub fn new(authority: &CertificateDer<'_>, signer: Arc<dyn Signer>) -> Result<Self, Error> {
        let certificate = read(authority)?;
        let key_hash = key_hash(&certificate, signer.as_ref())?;
        Ok(Self { authority: Names::of(&certificate)?, key_hash, delegate: None, signer, validity: VALIDITY })
    }

    /// A responder with a certificate of its own, which the authority issued for OCSP signing (RFC 6960 section 4.2.2.2); it goes along with every answer.
    ///
    /// Give it the extension that spares it from being looked up itself: id-pkix-ocsp-nocheck.
    ///
    /// # Errors
    /// `Refused` when the authority did not issue it, it is not for OCSP signing, or the key is not its; `Malformed` when either cannot be read.
    pub fn delegated(
        authority: &CertificateDer<'_>,
        responder: CertificateDer<'static>,
        signer: Arc<dyn Signer>,
    ) -> Result<Self, Error> {
        let issuer = read(authority)?;
        let own = read(&responder)?;
        if own.issuer != issuer.subject {
            return Err(refused("the responder's certificate was issued by another authority"));
        }
        verify_x509(own.algorithm, &issuer.public_key, own.signed, own.signature)
            .map_err(|error| error.while_doing("the responder's certificate"))?;
        let usages = own.extension(oid::EXTENDED_KEY_USAGE).and_then(|it| extended_key_usage(it.value));
        if !usages.is_some_and(|usages| usages.contains(&OCSP_SIGNING)) {
            return Err(refused("the responder's certificate is not for OCSP signing: that extended usage is missing"));
        }
        let key_hash = key_hash(&own, signer.as_ref())?;
        let authority = Names::of(&issuer)?;
        let not_after = own.not_after;
        let delegate = Some(Delegate { certificate: responder, not_after });
        Ok(Self { authority, key_hash, delegate, signer, validity: VALIDITY })
    }

    /// How long an answer may be kept; four days at first, and never longer than the responder's own certificate.
    #[must_use]
    pub fn with_validity(mut self, validity: Duration) -> Self {
        self.validity = validity;
        self
    }

    /// The answer to the octets of a request: always one, also when it says that there is none to be had.
    ///
    /// A nonce is sent back. Certificates of other authorities are unknown; when none is of this one, the request is refused as unauthorized (RFC 5019
    /// section 2.2.3). A signer that is out of reach for now makes it "try later".
    pub async fn answer(&self, request: &[u8], status: &dyn RevocationStatus, now: Timestamp) -> Vec<u8> {
        match self.signed(request, status, now).await {
            Ok(response) => response,
            Err(refusal) => refusal.to_der(),
        }
    }

    async fn signed(&self, request: &[u8], status: &dyn RevocationStatus, now: Timestamp) -> Result<Vec<u8>, Refusal> {
        let request = Request::read(request).map_err(|error| {
            tracing::debug!(%error, "an OCSP request cannot be read");
            Refusal::MalformedRequest
        })?;
        if !request.certificates().iter().any(|id| self.authority.issued(id)) {
            return Err(Refusal::Unauthorized);
        }
        let last = self.delegate.as_ref().map_or(Timestamp::MAX, |it| it.not_after);
        if last < now {
            tracing::error!(%last, "the certificate of the OCSP responder has expired: have a new one issued");
            return Err(Refusal::InternalError);
        }
        let answered = request.certificates().iter().map(|id| Answered { id: *id, status: self.status_of(id, status) });
        let content = Content {
            key_hash: &self.key_hash,
            answered: answered.collect(),
            nonce: request.nonce(),
            now,
            next_update: (now + self.validity).min(last),
        };
        let message = content.to_be_signed();
        let signature = self.signer.sign(&message).await.map_err(|error| {
            tracing::warn!(%error, "an OCSP answer could not be signed");
            if error.retry() == Retry::Never { Refusal::InternalError } else { Refusal::TryLater }
        })?;
        if let Err(error) = verify_x509(self.signer.algorithm().x509(), self.signer.public_key(), &message, &signature)
        {
            tracing::error!(%error, "the signer of OCSP answers returned something else than a signature");
            return Err(Refusal::InternalError);
        }
        Ok(response::finish(
            &message,
            self.signer.algorithm(),
            &signature,
            self.delegate.as_ref().map(|it| &it.certificate),
        ))
    }

    fn status_of(&self, id: &CertificateId<'_>, status: &dyn RevocationStatus) -> Status {
        match id.serial() {
            Some(serial) if self.authority.issued(id) => status.status(&serial),
            Some(_) | None => Status::Unknown,
        }
    }
}

/// How requests name an authority: by hashes of its name and of its key.
#[derive(Debug, Clone)]
struct Names {
    sha1: Hashes<20>,
    sha256: Hashes<32>,
}

#[derive(Debug, Clone)]
struct Hashes<const N: usize> {
    name: [u8; N],
    key: [u8; N],
}

impl Names {
    fn of(authority: &Certificate<'_>) -> Result<Self, Error> {
        if !authority.basic_constraints().is_some_and(|it| it.is_authority()) {
            return Err(refused("the certificate is not that of an authority"));
        }
        let key = PublicKey::read(&authority.public_key)?.octets();
        Ok(Self {
            sha1: Hashes { name: Sha1::digest(authority.subject).into(), key: Sha1::digest(key).into() },
            sha256: Hashes { name: hash::sha256(authority.subject), key: hash::sha256(key) },
        })
    }

    fn issued(&self, id: &CertificateId<'_>) -> bool {
        let (name, key) = (id.issuer_name_hash, id.issuer_key_hash);
        match id.hash {
            SHA1 => name == self.sha1.name && key == self.sha1.key,
            SHA256 => name == self.sha256.name && key == self.sha256.key,
            _ => false,
        }
    }
}

fn read<'a>(certificate: &'a CertificateDer<'_>) -> Result<Certificate<'a>, Error> {
    Certificate::read(certificate)
        .map_err(|why| Error::new(ErrorKind::Malformed, format!("a certificate for an OCSP responder is {why}")))
}

/// Of the key that signs, which must be that of `certificate`.
fn key_hash(certificate: &Certificate<'_>, signer: &dyn Signer) -> Result<[u8; 20], Error> {
    if !PublicKey::same(&certificate.public_key, signer.public_key()) {
        return Err(refused("the key that signs is not that of the certificate"));
    }
    Ok(Sha1::digest(PublicKey::read(signer.public_key())?.octets()).into())
}

fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::Refused, why).while_doing("making an OCSP responder")
}

/// As Let's Encrypt's answers were kept.
const VALIDITY: Duration = Duration::from_secs(4 * 24 * 3600);
/// id-kp-OCSPSigning, 1.3.6.1.5.5.7.3.9.
const OCSP_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09];
/// id-sha1, 1.3.14.3.2.26: what nearly everybody asks with; nothing is signed with it.
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
/// id-sha256, 2.16.840.1.101.3.4.2.1.
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
