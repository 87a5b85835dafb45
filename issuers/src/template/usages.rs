//! What a certificate may be used for: key usage (RFC 5280 section 4.2.1.3) and extended key usage (section 4.2.1.12).

use std::fmt;
use std::ops::BitOr;

use acme_core::{Error, ErrorKind, der, text};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Criticality, Extension};
use crate::{ObjectIdentifier, limits};

/// Usages of both kinds. [`parse`](Self::parse) the words of cert-manager's `spec.usages`, or put them together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Usages {
    /// What the key does.
    pub key: KeyUsages,
    /// What the certificate is for, in order, each once.
    pub extended: Vec<ExtendedKeyUsage>,
}

impl Usages {
    /// Usages of the key alone.
    pub fn of_key(key: KeyUsages) -> Self {
        Self { key, extended: Vec::new() }
    }

    /// Reads cert-manager's words (`digital signature`, `server auth`, …); a dotted object identifier is an extended usage.
    ///
    /// # Errors
    /// `Malformed` for a word that is none, with those that are known, and beyond [`limits::EXTENDED_KEY_USAGES`].
    pub fn parse<I: IntoIterator<Item: AsRef<str>>>(words: I) -> Result<Self, Error> {
        let mut usages = Self::default();
        for word in words {
            let word = word.as_ref();
            if let Some(known) = KEY_USAGES.iter().find(|known| known.word == word) {
                usages.key = usages.key | known.usage;
            } else {
                usages = usages.with(ExtendedKeyUsage::parse(word)?);
            }
            if usages.extended.len() > limits::EXTENDED_KEY_USAGES {
                return Err(Error::new(
                    ErrorKind::Malformed,
                    format!("more than {} extended usages for one certificate", limits::EXTENDED_KEY_USAGES),
                ));
            }
        }
        Ok(usages)
    }

    /// What cert-manager asks for where nothing is said: signatures and key encipherment; for an authority, the signing of certificates too.
    pub fn default_for(constraints: super::BasicConstraints) -> Self {
        let leaf = KeyUsages::DIGITAL_SIGNATURE | KeyUsages::KEY_ENCIPHERMENT;
        Self::of_key(match constraints {
            super::BasicConstraints::EndEntity => leaf,
            super::BasicConstraints::Authority { .. } => leaf | KeyUsages::CERT_SIGN,
        })
    }

    /// And this extended usage.
    #[must_use]
    pub fn with(mut self, usage: ExtendedKeyUsage) -> Self {
        if !self.extended.contains(&usage) {
            self.extended.push(usage);
        }
        self
    }

    /// And these usages of the key.
    #[must_use]
    pub fn with_key(mut self, key: KeyUsages) -> Self {
        self.key = self.key | key;
        self
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.key.is_empty() && self.extended.is_empty()
    }

    /// Whether both say the same, in whatever order.
    pub fn same_as(&self, other: &Self) -> bool {
        self.key == other.key
            && self.extended.len() == other.extended.len()
            && self.extended.iter().all(|it| other.extended.contains(it))
    }

    /// cert-manager's words for them.
    pub fn words(&self) -> Vec<String> {
        let mut seen = KeyUsages::NONE;
        let mut words = Vec::new();
        for known in KEY_USAGES {
            if self.key.contains(known.usage) && !seen.contains(known.usage) {
                words.push(known.word.to_owned());
                seen = seen | known.usage;
            }
        }
        words.extend(self.extended.iter().map(ToString::to_string));
        words
    }

    /// The extensions: key usage, which is critical, and extended key usage, which is not; none for what is not said.
    pub fn to_extensions(&self) -> Vec<Extension> {
        let mut extensions = Vec::new();
        if !self.key.is_empty() {
            extensions.push(self.key.to_extension());
        }
        if !self.extended.is_empty() {
            let value = der::build(32, |out| {
                out.sequence(|it| self.extended.iter().for_each(|usage| it.object_identifier(usage.oid())));
            });
            extensions.push(Extension::new(Extension::EXTENDED_KEY_USAGE, Criticality::NotCritical, value));
        }
        extensions
    }
}

impl Serialize for Usages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.words())
    }
}

impl<'de> Deserialize<'de> for Usages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Vec::<String>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A set of usages of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct KeyUsages(u16);

impl KeyUsages {
    /// None.
    pub const NONE: Self = Self(0);
    /// Signatures other than those below: TLS, documents.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// Signatures that bind who signs (non-repudiation).
    pub const CONTENT_COMMITMENT: Self = Self(1 << 1);
    /// Enciphering keys: RSA key exchange.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// Enciphering data directly.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// Key agreement: Diffie-Hellman.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// Signing certificates.
    pub const CERT_SIGN: Self = Self(1 << 5);
    /// Signing revocation lists.
    pub const CRL_SIGN: Self = Self(1 << 6);
    /// With key agreement: enciphering alone.
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    /// With key agreement: deciphering alone.
    pub const DECIPHER_ONLY: Self = Self(1 << 8);

    /// The set whose bit 0 (digitalSignature) is the lowest of `bits`; others than the nine that are defined are dropped.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0x1ff)
    }

    /// The bits, digitalSignature the lowest.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether all of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The extension; critical, as RFC 5280 wants it.
    pub fn to_extension(self) -> Extension {
        let value = der::build(8, |out| out.named_bits(self.0));
        Extension::new(Extension::KEY_USAGE, Criticality::Critical, value)
    }
}

impl BitOr for KeyUsages {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for KeyUsages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyUsages({})", Usages::of_key(*self).words().join(", "))
    }
}

/// What a certificate is for. It prints as cert-manager's word.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExtendedKeyUsage {
    /// `any`: everything.
    Any,
    /// `server auth`: TLS servers.
    ServerAuth,
    /// `client auth`: TLS clients.
    ClientAuth,
    /// `code signing`.
    CodeSigning,
    /// `email protection`; cert-manager's `s/mime` is the same.
    EmailProtection,
    /// `ipsec end system`.
    IpsecEndSystem,
    /// `ipsec tunnel`.
    IpsecTunnel,
    /// `ipsec user`.
    IpsecUser,
    /// `timestamping`: authorities of RFC 3161.
    TimeStamping,
    /// `ocsp signing`: delegated responders of RFC 6960.
    OcspSigning,
    /// `microsoft sgc`: server gated cryptography, history.
    MicrosoftSgc,
    /// `netscape sgc`: server gated cryptography, history.
    NetscapeSgc,
    /// Any other.
    Other(ObjectIdentifier),
}

impl ExtendedKeyUsage {
    /// Reads cert-manager's word, or a dotted object identifier.
    ///
    /// # Errors
    /// `Malformed` for a word that is none, with those that are known.
    pub fn parse(word: &str) -> Result<Self, Error> {
        if let Some(known) = EXTENDED_KEY_USAGES.iter().find(|known| known.word == word) {
            return Ok(known.usage.clone());
        }
        if word.starts_with(|first: char| first.is_ascii_digit()) {
            return ObjectIdentifier::parse(word).map(Self::of);
        }
        let known: Vec<&str> = KEY_USAGES
            .iter()
            .map(|known| known.word)
            .chain(EXTENDED_KEY_USAGES.iter().map(|known| known.word))
            .collect();
        Err(Error::new(
            ErrorKind::Malformed,
            format!(
                "{:?} is not a known usage; known are {}, and object identifiers in dotted form",
                text::printable(word, 60),
                known.join(", ")
            ),
        ))
    }

    /// The usage that this object identifier stands for.
    pub fn of(oid: ObjectIdentifier) -> Self {
        match EXTENDED_KEY_USAGES.iter().find(|known| known.oid == oid) {
            Some(known) => known.usage.clone(),
            None => Self::Other(oid),
        }
    }

    /// The object identifier.
    pub fn oid(&self) -> ObjectIdentifier {
        match (self, EXTENDED_KEY_USAGES.iter().find(|known| known.usage == *self)) {
            (Self::Other(oid), _) => oid.clone(),
            (_, Some(known)) => known.oid.clone(),
            (_, None) => ANY,
        }
    }
}

impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match EXTENDED_KEY_USAGES.iter().find(|known| known.usage == *self) {
            Some(known) => f.write_str(known.word),
            None => self.oid().fmt(f),
        }
    }
}

struct KnownKeyUsage {
    word: &'static str,
    usage: KeyUsages,
}

const fn key_usage(word: &'static str, usage: KeyUsages) -> KnownKeyUsage {
    KnownKeyUsage { word, usage }
}

/// cert-manager's words; of two for the same bit, the first is printed.
const KEY_USAGES: &[KnownKeyUsage] = &[
    key_usage("digital signature", KeyUsages::DIGITAL_SIGNATURE),
    key_usage("signing", KeyUsages::DIGITAL_SIGNATURE),
    key_usage("content commitment", KeyUsages::CONTENT_COMMITMENT),
    key_usage("key encipherment", KeyUsages::KEY_ENCIPHERMENT),
    key_usage("data encipherment", KeyUsages::DATA_ENCIPHERMENT),
    key_usage("key agreement", KeyUsages::KEY_AGREEMENT),
    key_usage("cert sign", KeyUsages::CERT_SIGN),
    key_usage("crl sign", KeyUsages::CRL_SIGN),
    key_usage("encipher only", KeyUsages::ENCIPHER_ONLY),
    key_usage("decipher only", KeyUsages::DECIPHER_ONLY),
];

struct KnownExtendedKeyUsage {
    word: &'static str,
    usage: ExtendedKeyUsage,
    oid: ObjectIdentifier,
}

const fn extended(word: &'static str, usage: ExtendedKeyUsage, oid: &'static [u8]) -> KnownExtendedKeyUsage {
    KnownExtendedKeyUsage { word, usage, oid: ObjectIdentifier::known(oid) }
}

/// anyExtendedKeyUsage.
const ANY: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x25, 0x00]);

/// cert-manager's words; of two for the same usage, the first is printed.
static EXTENDED_KEY_USAGES: &[KnownExtendedKeyUsage] = &[
    extended("any", ExtendedKeyUsage::Any, &[0x55, 0x1d, 0x25, 0x00]),
    extended("server auth", ExtendedKeyUsage::ServerAuth, &[0x2b, 6, 1, 5, 5, 7, 3, 1]),
    extended("client auth", ExtendedKeyUsage::ClientAuth, &[0x2b, 6, 1, 5, 5, 7, 3, 2]),
    extended("code signing", ExtendedKeyUsage::CodeSigning, &[0x2b, 6, 1, 5, 5, 7, 3, 3]),
    extended("email protection", ExtendedKeyUsage::EmailProtection, &[0x2b, 6, 1, 5, 5, 7, 3, 4]),
    extended("s/mime", ExtendedKeyUsage::EmailProtection, &[0x2b, 6, 1, 5, 5, 7, 3, 4]),
    extended("ipsec end system", ExtendedKeyUsage::IpsecEndSystem, &[0x2b, 6, 1, 5, 5, 7, 3, 5]),
    extended("ipsec tunnel", ExtendedKeyUsage::IpsecTunnel, &[0x2b, 6, 1, 5, 5, 7, 3, 6]),
    extended("ipsec user", ExtendedKeyUsage::IpsecUser, &[0x2b, 6, 1, 5, 5, 7, 3, 7]),
    extended("timestamping", ExtendedKeyUsage::TimeStamping, &[0x2b, 6, 1, 5, 5, 7, 3, 8]),
    extended("ocsp signing", ExtendedKeyUsage::OcspSigning, &[0x2b, 6, 1, 5, 5, 7, 3, 9]),
    extended("microsoft sgc", ExtendedKeyUsage::MicrosoftSgc, &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 3]),
    extended("netscape sgc", ExtendedKeyUsage::NetscapeSgc, &[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 4, 1]),
];
