//! Key stores: a private key with its chain, or authorities to trust, in one file under a password.
//!
//! Java reads both kinds, PKCS #12 is read by nearly everything. Fill a [`KeyStore`] and write it with `to_pkcs12` or `to_jks`;
//! what is written depends on the [`Seed`] alone, so the same seed gives the same bytes.

#[cfg(feature = "jks")]
mod jks;
#[cfg(feature = "pkcs12")]
pub mod pkcs12;

use std::fmt;

use acme_core::{Error, ErrorKind, Secret, hash};
use rustls_pki_types::CertificateDer;

use crate::limits;

/// What a key store shall hold.
#[derive(Debug)]
pub struct KeyStore<'a> {
    keyed: Option<Keyed<'a>>,
    authorities: Vec<&'a CertificateDer<'static>>,
}

impl<'a> KeyStore<'a> {
    /// A private key (PKCS #8, DER) and its chain, the leaf first. Java calls such a file a keystore.
    ///
    /// # Errors
    /// `Malformed` without a leaf, `Unsupported` for a chain that is longer than [`limits::KEYSTORE_CERTIFICATES`].
    pub fn keyed(key: &'a Secret<Vec<u8>>, chain: &'a [CertificateDer<'static>]) -> Result<Self, Error> {
        if chain.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "a key store needs the certificate of its key"));
        }
        bounded(chain.len())?;
        Ok(Self { keyed: Some(Keyed { key, chain, alias: None }), authorities: Vec::new() })
    }

    /// Authorities to trust, and nothing else. Java calls such a file a truststore.
    ///
    /// # Errors
    /// `Unsupported` for more of them than [`limits::KEYSTORE_CERTIFICATES`].
    pub fn trusting(authorities: impl IntoIterator<Item = &'a CertificateDer<'static>>) -> Result<Self, Error> {
        Self { keyed: None, authorities: Vec::new() }.with_authorities(authorities)
    }

    /// Gives the key a name: the friendly name of PKCS #12, the alias of JKS. Without one PKCS #12 has none, and JKS says `certificate`.
    #[must_use]
    pub fn with_alias(mut self, alias: &'a str) -> Self {
        if let Some(keyed) = &mut self.keyed {
            keyed.alias = Some(alias);
        }
        self
    }

    /// Adds authorities. Beside a key they lie in PKCS #12 as further certificates, and in JKS as trusted ones.
    ///
    /// # Errors
    /// `Unsupported` for more certificates than [`limits::KEYSTORE_CERTIFICATES`].
    pub fn with_authorities(
        mut self,
        authorities: impl IntoIterator<Item = &'a CertificateDer<'static>>,
    ) -> Result<Self, Error> {
        self.authorities.extend(authorities);
        bounded(self.authorities.len() + self.keyed.as_ref().map_or(0, |keyed| keyed.chain.len()))?;
        Ok(self)
    }
}

struct Keyed<'a> {
    key: &'a Secret<Vec<u8>>,
    chain: &'a [CertificateDer<'static>],
    alias: Option<&'a str>,
}

impl fmt::Debug for Keyed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").field("chain", &self.chain.len()).field("alias", &self.alias).finish_non_exhaustive()
    }
}

/// Where the salts of one key store come from. Take a new one for each that is written.
pub struct Seed(Secret<[u8; 32]>);

impl Seed {
    /// A seed from the operating system.
    ///
    /// # Errors
    /// `Internal` when it has no random numbers.
    pub fn random() -> Result<Self, Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|source| {
            Error::new(ErrorKind::Internal, "the operating system has no random numbers")
                .with_source(source.to_string())
        })?;
        Ok(Self(Secret::new(seed)))
    }

    /// A seed that is known: for those who write the same bytes again, which gives away that nothing has changed.
    pub fn fixed(seed: [u8; 32]) -> Self {
        Self(Secret::new(seed))
    }

    /// Up to 32 octets for one purpose.
    fn octets<const N: usize>(&self, purpose: &str) -> [u8; N] {
        let all = hash::sha256(&[&self.0.expose()[..], purpose.as_bytes()].concat());
        let mut octets = [0; N];
        octets.copy_from_slice(&all[..N]);
        octets
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What the authority of this number is called: `ca`, `ca-1`, …
fn authority_alias(number: usize) -> String {
    if number == 0 { "ca".to_owned() } else { format!("ca-{number}") }
}

fn bounded(certificates: usize) -> Result<(), Error> {
    if certificates > limits::KEYSTORE_CERTIFICATES {
        let most = limits::KEYSTORE_CERTIFICATES;
        let what = format!("{certificates} certificates in one key store: {most} are the most");
        return Err(Error::new(ErrorKind::Unsupported, what));
    }
    Ok(())
}
