//! RSA keys of any size, which aws-lc-rs signs with and does not make: their primes are found by the crate `rsa`, and nothing else is done with it.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};

use super::RsaSize;
use crate::{Error, ErrorKind, Secret};

/// A new key, as PKCS #8.
///
/// # Errors
/// `Internal` when there is no randomness, or no key comes of it.
pub(super) fn generate(size: RsaSize) -> Result<Secret<Vec<u8>>, Error> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Internal, format!("no RSA key of {size} bits could be made")).with_source(source)
    };
    let key = rsa::PrivateKey::new(&mut Random(SystemRandom::new()), size.bits().into())
        .map_err(|error| failed(error.to_string().into()))?;
    let pkcs8 = key.to_pkcs8_der().map_err(|error| failed(error.to_string().into()))?;
    Ok(Secret::new(pkcs8.as_bytes().to_vec()))
}

/// The randomness of the provider that signs with the key.
struct Random(SystemRandom);

impl TryRng for Random {
    type Error = Unspecified;

    fn try_next_u32(&mut self) -> Result<u32, Unspecified> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Unspecified> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Unspecified> {
        self.0.fill(bytes)
    }
}

impl TryCryptoRng for Random {}
