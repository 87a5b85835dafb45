//! The authority: a chain and a key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::client::Chain;
use acme_core::key::{KeyType, PrivateKey, PublicKey, verify_x509};
use acme_core::{Error, ErrorKind, Signer, Timestamp, hash};
use rustls_pki_types::CertificateDer;

use super::path::{Path, refused};
use crate::certify::{Application, Issuing, Terms, content, signed};
use crate::name::{AttributeType, DistinguishedName, RawName};
use crate::template::{
    BasicConstraints, Draft, Extension, Extensions, KeyIdentifier, KeyUsages, SerialNumber, ToBeSigned, Validity,
};
use crate::x509::Certificate;
use crate::{Issued, Remark};

/// A certificate authority: its chain, its key, and what it writes into certificates.
///
/// [`sign`](Self::sign) is a pure function: time and serial number come in. Everything that is the same for every certificate is made once. A clone shares the key.
#[derive(Clone)]
pub struct Authority {
    key: Key,
    subject: RawName,
    path: Path,
    others: Vec<Path>,
    issuing: Issuing,
    back_dating: Duration,
    ending: Ending,
}

/// What becomes of a certificate that would outlive its authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Ending {
    /// It ends with its authority, and a [`Remark`] says so.
    #[default]
    Shortened,
    /// It is refused.
    Refused,
}

impl Authority {
    /// An authority whose key is at hand. `chain` begins with its own certificate and leads to a root, the root too where it is known.
    ///
    /// # Errors
    /// `Refused`, with what is wrong, when the certificate is not an authority's or must not sign certificates, the key is not its, a certificate of the chain was not
    /// issued by the next, or one has expired; `Malformed` when a certificate cannot be read.
    pub fn new(chain: Chain, key: PrivateKey, now: Timestamp) -> Result<Self, Error> {
        Self::with_key(chain, Key::Local(Arc::new(key)), now)
    }

    /// An authority whose key is out of reach: in hardware, or behind a service. Its signatures are verified before they are handed out.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_signer(chain: Chain, signer: Arc<dyn Signer>, now: Timestamp) -> Result<Self, Error> {
        Self::with_key(chain, Key::Lent(signer), now)
    }

    /// A root of ten years with a key of its own, gone with the process: for tests and for trying things out.
    ///
    /// # Errors
    /// `Malformed` when `name` is no common name; `Unsupported` or `Internal` when no key could be made.
    pub fn ephemeral(name: &str, now: Timestamp) -> Result<Self, Error> {
        Self::self_signed(name, PrivateKey::generate(KeyType::EcdsaP256)?, EPHEMERAL, now)
    }

    /// A new root with this common name, which vouches for itself for `lifetime` from `now` on.
    ///
    /// # Errors
    /// `Malformed` when `name` is no common name; `Internal` when its key cannot sign.
    pub fn self_signed(name: &str, key: PrivateKey, lifetime: Duration, now: Timestamp) -> Result<Self, Error> {
        let subject = DistinguishedName::new().with(AttributeType::COMMON_NAME, name)?.to_raw();
        // The key is random, and so is what is hashed of it.
        let mut serial = [0; 20];
        serial.copy_from_slice(&hash::sha256(key.public_key())[..20]);
        let usages = KeyUsages::CERT_SIGN | KeyUsages::CRL_SIGN | KeyUsages::DIGITAL_SIGNATURE;
        let identifier = KeyIdentifier::of_key(key.public_key())?;
        let extensions = Extensions::new()
            .with(usages.to_extension())
            .with(BasicConstraints::Authority { path_length: None }.to_extension())
            .with(identifier.to_subject_extension())
            .with(identifier.to_authority_extension());
        let validity = Validity { not_before: now - BACK_DATING, not_after: now + lifetime };
        let unsigned = Draft::new(&subject, &subject, key.public_key(), SerialNumber::from_random(serial), validity)
            .with_extensions(extensions)
            .to_be_signed(key.algorithm());
        let signature = key.sign_now(unsigned.message())?;
        Self::new(Chain::new(vec![unsigned.finish(&signature)]), key, now)
    }

    /// Another chain of the same authority: renewed, or signed by another root. What is issued is served with the first; [`chains`](Self::chains) has all.
    ///
    /// # Errors
    /// As [`new`](Self::new); `Refused` for a chain of another name, key, or key identifier.
    pub fn with_chain(mut self, chain: Chain, now: Timestamp) -> Result<Self, Error> {
        let path = Path::read(&chain, now)?;
        let own = parsed(&path.own)?;
        belongs(&own, self.key.signer())?;
        if own.subject != self.subject.as_der() {
            return Err(refused("the other chain is that of an authority of another name".to_owned()));
        }
        if Some(key_identifier(&own)?.to_authority_extension()) != self.issuing.key {
            return Err(refused(
                "the other chain names the same key by another subject key identifier: what is issued could not be verified along it"
                    .to_owned(),
            ));
        }
        self.others.push(path);
        Ok(self)
    }

    /// Names where its revocation lists are (cert-manager's `crlDistributionPoints`).
    ///
    /// # Errors
    /// `Malformed` without any URL, or for one that is none.
    pub fn with_crl_distribution_points(mut self, urls: &[String]) -> Result<Self, Error> {
        self.issuing.revocation = Some(Extension::crl_distribution_points(urls)?);
        Ok(self)
    }

    /// Names where OCSP answers and where its own certificate is (cert-manager's `ocspServers` and `issuingCertificateURLs`).
    ///
    /// # Errors
    /// `Malformed` without any URL, or for one that is none.
    pub fn with_information(mut self, ocsp: &[String], issuing_certificates: &[String]) -> Result<Self, Error> {
        self.issuing.information = Some(Extension::authority_information(ocsp, issuing_certificates)?);
        Ok(self)
    }

    /// Dates certificates back by `span`, for the clocks of those who verify them; five minutes unless told otherwise, and never before the authority's own begin.
    #[must_use]
    pub fn dated_back(mut self, span: Duration) -> Self {
        self.back_dating = span;
        self
    }

    /// What becomes of certificates that would outlive it.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    /// Certifies `application` under `terms`. The same four give the same certificate, as far as the key's signatures do.
    ///
    /// # Errors
    /// `Refused` when the authority has expired, may not give what is asked for or not to these names, or must not shorten; `Malformed` when an extension that was asked for cannot be read;
    /// what the signer says.
    pub async fn sign(
        &self,
        application: &Application<'_>,
        terms: &Terms,
        serial: SerialNumber,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let signer = match &self.key {
            Key::Local(_) => return self.sign_now(application, terms, serial, now),
            Key::Lent(signer) => signer,
        };
        let (unsigned, remark) = self.prepare(application, terms, serial, now)?;
        let message = unsigned.message();
        let signature = signer.sign(message).await.map_err(|error| error.while_doing("signing a certificate"))?;
        verify_x509(signer.algorithm().x509(), signer.public_key(), message, &signature)
            .map_err(|error| error.while_doing("the signature that the authority's signer returned"))?;
        self.finish(unsigned, &signature, application, remark)
    }

    /// Certifies without waiting for anything, with a key at hand.
    ///
    /// # Errors
    /// As [`sign`](Self::sign); `Unsupported` when the key is out of reach.
    pub fn sign_now(
        &self,
        application: &Application<'_>,
        terms: &Terms,
        serial: SerialNumber,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let Key::Local(key) = &self.key else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the authority's key is out of reach: use `sign`, which waits for it",
            ));
        };
        let (unsigned, remark) = self.prepare(application, terms, serial, now)?;
        let signature = key.sign_now(unsigned.message())?;
        self.finish(unsigned, &signature, application, remark)
    }

    /// Every chain from `leaf`, which it issued, towards a root; the one that is served first.
    pub fn chains(&self, leaf: &CertificateDer<'_>) -> Vec<Issued> {
        std::iter::once(&self.path).chain(&self.others).map(|path| issued(leaf.clone().into_owned(), path)).collect()
    }

    /// Its own certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.path.own
    }

    /// The root of its chain, where it is known.
    pub fn root(&self) -> Option<&CertificateDer<'static>> {
        self.path.root.as_ref()
    }

    /// The last instant of its validity, and of whatever it issues.
    pub fn not_after(&self) -> Timestamp {
        self.path.not_after
    }

    /// Its key as a signer, for what it signs beside certificates: [revocation lists](super::crl) and [OCSP answers](super::ocsp).
    pub fn signer(&self) -> Arc<dyn Signer> {
        match &self.key {
            Key::Local(key) => key.clone(),
            Key::Lent(signer) => signer.clone(),
        }
    }

    fn with_key(chain: Chain, key: Key, now: Timestamp) -> Result<Self, Error> {
        let path = Path::read(&chain, now)?;
        let own = parsed(&path.own)?;
        belongs(&own, key.signer())?;
        let subject = RawName::new(own.subject)?;
        let issuing = Issuing {
            key: Some(key_identifier(&own)?.to_authority_extension()),
            room: path.room,
            purposes: path.purposes.clone(),
            ..Issuing::default()
        };
        let (back_dating, ending) = (BACK_DATING, Ending::default());
        Ok(Self { key, subject, path, others: Vec::new(), issuing, back_dating, ending })
    }

    fn prepare(
        &self,
        application: &Application<'_>,
        terms: &Terms,
        serial: SerialNumber,
        now: Timestamp,
    ) -> Result<(ToBeSigned, Option<Remark>), Error> {
        let (validity, remark) = self.validity(terms.duration(), now)?;
        application.permitted(&self.path.constraints)?;
        let extensions = content(application, terms, &self.issuing)?;
        let unsigned = Draft::new(&self.subject, application.subject(), application.public_key(), serial, validity)
            .with_extensions(extensions)
            .to_be_signed(self.key.signer().algorithm());
        Ok((unsigned, remark))
    }

    fn validity(&self, duration: Duration, now: Timestamp) -> Result<(Validity, Option<Remark>), Error> {
        let path = &self.path;
        path.valid(now)?;
        let not_before = (now - self.back_dating).max(path.not_before);
        let asked = now + duration;
        let (not_after, remark) = match self.ending {
            _ if asked <= path.not_after => (asked, None),
            Ending::Shortened => (path.not_after, Some(Remark::Shortened { asked, granted: path.not_after })),
            Ending::Refused => {
                return Err(refused(format!(
                    "the certificate would be valid until {asked}, longer than its certificate authority ({}): ask for less, or renew the authority",
                    path.not_after
                )));
            }
        };
        Ok((Validity { not_before, not_after }, remark))
    }

    fn finish(
        &self,
        unsigned: ToBeSigned,
        signature: &[u8],
        application: &Application<'_>,
        remark: Option<Remark>,
    ) -> Result<Issued, Error> {
        let mut issued = issued(signed(unsigned, signature, &self.subject, application)?, &self.path);
        issued.remarks.extend(remark);
        Ok(issued)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("subject", &self.subject)
            .field("chains", &(self.others.len() + 1))
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
enum Key {
    Local(Arc<PrivateKey>),
    Lent(Arc<dyn Signer>),
}

impl Key {
    fn signer(&self) -> &dyn Signer {
        match self {
            Self::Local(key) => key.as_ref(),
            Self::Lent(signer) => signer.as_ref(),
        }
    }
}

fn issued(leaf: CertificateDer<'static>, path: &Path) -> Issued {
    let mut certificates = Vec::with_capacity(path.served.len() + 1);
    certificates.push(leaf);
    certificates.extend_from_slice(&path.served);
    let issued = Issued::new(Chain::new(certificates));
    match &path.root {
        Some(root) => issued.with_root(root.clone()),
        None => issued,
    }
}

fn parsed<'a>(certificate: &'a CertificateDer<'_>) -> Result<Certificate<'a>, Error> {
    Certificate::read(certificate)
        .map_err(|why| Error::new(ErrorKind::Malformed, format!("the certificate of the authority is {why}")))
}

/// Is the certificate that of the signer's key?
fn belongs(own: &Certificate<'_>, signer: &dyn Signer) -> Result<(), Error> {
    PublicKey::read(signer.public_key())?.refuse_weak()?;
    if PublicKey::same(&own.public_key, signer.public_key()) {
        Ok(())
    } else {
        Err(refused(
            "the key is not that of the certificate authority's certificate: bring the two that belong together"
                .to_owned(),
        ))
    }
}

/// The identifier by which the certificate names its key, else the one that it would have.
fn key_identifier(own: &Certificate<'_>) -> Result<KeyIdentifier, Error> {
    match own.subject_key_identifier() {
        Some(octets) => Ok(KeyIdentifier::of_octets(octets)),
        None => KeyIdentifier::of_key(&own.public_key),
    }
}

const BACK_DATING: Duration = Duration::from_secs(5 * 60);
const EPHEMERAL: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
