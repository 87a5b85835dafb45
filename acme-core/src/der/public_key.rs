//! Public keys, taken apart.

use super::{Reader, SEQUENCE};

/// A SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), taken apart.
pub(crate) struct PublicKeyInfo<'a> {
    /// The content of its AlgorithmIdentifier, as `rustls_pki_types::alg_id` writes it.
    pub(crate) algorithm: &'a [u8],
    /// The key.
    pub(crate) key: &'a [u8],
}

impl<'a> PublicKeyInfo<'a> {
    pub(crate) fn read(spki: &'a [u8]) -> Option<Self> {
        let mut fields = Reader::sequence(spki)?;
        let algorithm = fields.value(SEQUENCE)?;
        let key = fields.bit_string()?;
        fields.end()?;
        Some(Self { algorithm, key })
    }
}

/// An RSAPublicKey (RFC 8017 appendix A.1.1).
pub(crate) struct RsaPublicKey<'a> {
    pub(crate) modulus: &'a [u8],
    pub(crate) exponent: &'a [u8],
}

impl<'a> RsaPublicKey<'a> {
    pub(crate) fn read(key: &'a [u8]) -> Option<Self> {
        let mut fields = Reader::sequence(key)?;
        let modulus = fields.unsigned()?;
        let exponent = fields.unsigned()?;
        fields.end()?;
        (!modulus.is_empty() && !exponent.is_empty()).then_some(Self { modulus, exponent })
    }

    /// The length of the modulus.
    pub(crate) fn bits(&self) -> usize {
        self.modulus.len() * 8 - self.modulus.first().map_or(0, |first| first.leading_zeros() as usize)
    }
}
