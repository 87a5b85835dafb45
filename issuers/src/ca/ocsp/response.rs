//! Responses (RFC 6960 section 4.2).

use acme_core::der::{self, Writer};
use acme_core::{SignatureAlgorithm, Timestamp};
use rustls_pki_types::CertificateDer;

use super::request::{CertificateId, NONCE};
use crate::ca::revocation::Status;

/// Why there is no answer (OCSPResponseStatus).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the values of RFC 6960")]
pub enum Refusal {
    /// The request cannot be read.
    MalformedRequest,
    /// The responder failed.
    InternalError,
    /// The responder cannot answer for now.
    TryLater,
    /// The request must be signed.
    SignatureRequired,
    /// The responder does not answer this client, or not for these certificates.
    Unauthorized,
}

impl Refusal {
    /// The response that says so; it is not signed.
    pub fn to_der(self) -> Vec<u8> {
        let code = match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            Self::SignatureRequired => 5,
            Self::Unauthorized => 6,
        };
        der::build(8, |out| out.sequence(|it| it.value(der::ENUMERATED, &[code])))
    }
}

/// ResponseData, before it is written.
pub(super) struct Content<'a> {
    pub(super) key_hash: &'a [u8; 20],
    pub(super) answered: Vec<Answered<'a>>,
    pub(super) nonce: Option<&'a [u8]>,
    pub(super) now: Timestamp,
    pub(super) next_update: Timestamp,
}

/// What is said of one certificate.
pub(super) struct Answered<'a> {
    pub(super) id: CertificateId<'a>,
    pub(super) status: Status,
}

impl Content<'_> {
    pub(super) fn to_be_signed(&self) -> Vec<u8> {
        der::build(128 + self.answered.len() * 160, |out| {
            out.sequence(|data| {
                // By the hash of its key: `[2]`, explicit.
                data.nested(der::context_constructed(2), |it| it.value(der::OCTET_STRING, self.key_hash));
                data.generalized_time(self.now);
                data.sequence(|it| self.answered.iter().for_each(|single| self.write(single, it)));
                if let Some(nonce) = self.nonce {
                    data.nested(der::context_constructed(1), |it| {
                        it.sequence(|extensions| {
                            extensions.sequence(|extension| {
                                extension.value(der::OBJECT_IDENTIFIER, NONCE);
                                extension.nested(der::OCTET_STRING, |it| it.value(der::OCTET_STRING, nonce));
                            });
                        });
                    });
                }
            });
        })
    }

    fn write(&self, answered: &Answered<'_>, out: &mut Writer) {
        out.sequence(|single| {
            single.raw(answered.id.whole);
            match answered.status {
                Status::Good => single.value(der::context(0), &[]),
                Status::Revoked(revoked) => single.nested(der::context_constructed(1), |it| {
                    it.generalized_time(revoked.at);
                    if let Some(code) = revoked.code() {
                        it.nested(der::context_constructed(0), |reason| reason.value(der::ENUMERATED, &[code]));
                    }
                }),
                Status::Unknown => single.value(der::context(2), &[]),
            }
            single.generalized_time(self.now);
            single.nested(der::context_constructed(0), |it| it.generalized_time(self.next_update));
        });
    }
}

/// The whole OCSPResponse, with this signature over `message`.
pub(super) fn finish(
    message: &[u8],
    algorithm: SignatureAlgorithm,
    signature: &[u8],
    delegate: Option<&CertificateDer<'_>>,
) -> Vec<u8> {
    der::build(message.len() + signature.len() + delegate.map_or(0, |it| it.len()) + 96, |out| {
        out.sequence(|response| {
            response.value(der::ENUMERATED, &[SUCCESSFUL]);
            response.nested(der::context_constructed(0), |it| {
                it.sequence(|bytes| {
                    bytes.value(der::OBJECT_IDENTIFIER, BASIC);
                    bytes.nested(der::OCTET_STRING, |it| {
                        it.sequence(|basic| {
                            basic.raw(message);
                            basic.raw(algorithm.x509());
                            basic.bit_string(signature);
                            if let Some(delegate) = delegate {
                                basic.nested(der::context_constructed(0), |it| {
                                    it.sequence(|certificates| certificates.raw(delegate));
                                });
                            }
                        });
                    });
                });
            });
        });
    })
}

const SUCCESSFUL: u8 = 0;
/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1.
const BASIC: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];
