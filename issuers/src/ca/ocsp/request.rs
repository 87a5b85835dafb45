//! Requests (RFC 6960 section 4.1).

use acme_core::der::{self, Reader};
use acme_core::{Error, ErrorKind};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::limits;
use crate::template::SerialNumber;
use crate::x509;

/// What somebody asks. Its signature, which hardly anybody makes, is not looked at: answers are for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    certificates: Vec<CertificateId<'a>>,
    nonce: Option<&'a [u8]>,
}

/// How a request names a certificate (CertID).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateId<'a> {
    /// The content of the hash's OBJECT IDENTIFIER.
    pub hash: &'a [u8],
    /// The hash of the issuer's name.
    pub issuer_name_hash: &'a [u8],
    /// The hash of the issuer's key.
    pub issuer_key_hash: &'a [u8],
    /// The content of the serial number's INTEGER.
    pub raw_serial: &'a [u8],
    /// All of it, as it goes back in the answer.
    pub(super) whole: &'a [u8],
}

impl<'a> Request<'a> {
    /// Takes a request apart.
    ///
    /// # Errors
    /// `Malformed` when it is none in DER; longer than [`limits::OCSP_REQUEST`]; about no certificate, or more than [`limits::OCSP_CERTIFICATES`]; when its nonce is
    /// empty or longer than [`limits::OCSP_NONCE`] (RFC 9654 section 2.1); or an extension that is not known here is critical.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let refuse = |why: &str| Error::new(ErrorKind::Malformed, format!("an OCSP request cannot be read: {why}"));
        if bytes.len() > limits::OCSP_REQUEST {
            return Err(refuse(&format!("it is longer than {} octets", limits::OCSP_REQUEST)));
        }
        let (mut list, extensions) = outer(bytes).ok_or_else(|| refuse("it is not DER, or no request"))?;
        let mut certificates = Vec::new();
        while !list.is_empty() {
            if certificates.len() == limits::OCSP_CERTIFICATES {
                return Err(refuse(&format!("it asks for more than {} certificates", limits::OCSP_CERTIFICATES)));
            }
            let single = list.enter(der::SEQUENCE).and_then(CertificateId::read);
            certificates.push(single.ok_or_else(|| refuse("it names a certificate in no known way"))?);
        }
        if certificates.is_empty() {
            return Err(refuse("it asks for no certificate"));
        }
        let mut found = Vec::new();
        x509::add_extensions(&mut found, extensions).map_err(|why| refuse(&why))?;
        if let Some(unknown) = found.iter().find(|it| it.critical && it.oid != NONCE) {
            return Err(refuse(&format!("its critical extension {} is not known", unknown.dotted())));
        }
        let nonce = match x509::extension(&found, NONCE) {
            None => None,
            Some(extension) => {
                let mut value = Reader::new(extension.value);
                let nonce = value.value(der::OCTET_STRING).filter(|_| value.is_empty());
                let is_sound = |it: &&[u8]| (1..=limits::OCSP_NONCE).contains(&it.len());
                Some(nonce.filter(is_sound).ok_or_else(|| refuse("its nonce is empty or too long"))?)
            }
        };
        Ok(Self { certificates, nonce })
    }

    /// The certificates asked for, in order.
    pub fn certificates(&self) -> &[CertificateId<'a>] {
        &self.certificates
    }

    /// What binds the answer to this request.
    pub fn nonce(&self) -> Option<&'a [u8]> {
        self.nonce
    }
}

impl<'a> CertificateId<'a> {
    /// The serial number; `None` for one that no certificate may have.
    pub fn serial(&self) -> Option<SerialNumber> {
        let is_positive = self.raw_serial.first().is_some_and(|first| *first < 0x80);
        if is_positive { SerialNumber::from_octets(self.raw_serial).ok() } else { None }
    }

    /// The one of a Request, whose own extensions nobody needs.
    fn read(mut single: Reader<'a>) -> Option<Self> {
        let whole = single.whole(der::SEQUENCE)?;
        let mut fields = Reader::only(der::SEQUENCE, whole)?;
        let hash = fields.enter(der::SEQUENCE)?.value(der::OBJECT_IDENTIFIER)?;
        let issuer_name_hash = fields.value(der::OCTET_STRING)?;
        let issuer_key_hash = fields.value(der::OCTET_STRING)?;
        let raw_serial = fields.value(der::INTEGER)?;
        fields.end()?;
        Some(Self { hash, issuer_name_hash, issuer_key_hash, raw_serial, whole })
    }
}

/// The request in the path of a GET (RFC 6960 appendix A.1): everything behind the responder's own path, base64 with or without percent signs.
///
/// # Errors
/// `Malformed` when it is not base64, or longer than [`limits::OCSP_REQUEST`].
pub fn from_path(path: &str) -> Result<Vec<u8>, Error> {
    let refuse = || Error::new(ErrorKind::Malformed, "the path of an OCSP request is not base64, or too long");
    if path.len() > limits::OCSP_REQUEST * 4 {
        return Err(refuse());
    }
    let mut text = Vec::with_capacity(path.len());
    let mut rest = path.trim_start_matches('/').as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first != b'%' {
            text.push(*first);
            continue;
        }
        let (digits, more) = rest.split_first_chunk::<2>().ok_or_else(refuse)?;
        let [high, low] = digits.map(|digit| char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok()));
        let (high, low) = high.zip(low).ok_or_else(refuse)?;
        text.push(high << 4 | low);
        rest = more;
    }
    BASE64_STANDARD.decode(text).map_err(|_| refuse())
}

/// OCSPRequest: the list of requests, and the content of the list of extensions.
fn outer(bytes: &[u8]) -> Option<(Reader<'_>, &[u8])> {
    let mut fields = Reader::only(der::SEQUENCE, bytes)?;
    let mut request = fields.enter(der::SEQUENCE)?;
    fields.optional(der::context_constructed(0))?;
    fields.end()?;
    request.optional(der::context_constructed(0))?;
    request.optional(der::context_constructed(1))?;
    let list = request.enter(der::SEQUENCE)?;
    let extensions = match request.optional(der::context_constructed(2))? {
        Some(wrapped) => {
            let mut inside = Reader::new(wrapped);
            let list = inside.value(der::SEQUENCE)?;
            inside.end()?;
            list
        }
        None => &[],
    };
    request.end()?;
    Some((list, extensions))
}

/// id-pkix-ocsp-nonce, 1.3.6.1.5.5.7.48.1.2.
pub(super) const NONCE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02];
