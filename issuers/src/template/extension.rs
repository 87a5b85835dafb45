//! Extensions (RFC 5280 section 4.2): the list, and those that need no type of their own.

use acme_core::der::{self, Writer};
use acme_core::{Error, ErrorKind};

use super::GeneralName;
use crate::ObjectIdentifier;
use crate::csr::RawExtension;
use crate::name::RawName;

/// One extension. Its value is kept byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Extension {
    oid: ObjectIdentifier,
    criticality: Criticality,
    value: Vec<u8>,
}

/// Whether those who do not know an extension must refuse the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Criticality {
    /// They must.
    Critical,
    /// They pass over it.
    NotCritical,
}

impl Extension {
    /// Any extension; `value` is the DER that stands in its OCTET STRING.
    pub fn new(oid: ObjectIdentifier, criticality: Criticality, value: impl Into<Vec<u8>>) -> Self {
        Self { oid, criticality, value: value.into() }
    }

    /// The extension of a signing request or a certificate, as it stands there.
    ///
    /// # Errors
    /// `Malformed` when its object identifier is none.
    pub fn copied(raw: &RawExtension<'_>) -> Result<Self, Error> {
        let criticality = if raw.critical { Criticality::Critical } else { Criticality::NotCritical };
        Ok(Self::new(ObjectIdentifier::from_der(raw.oid)?, criticality, raw.value))
    }

    /// The subject alternative names, in this order; critical exactly when the subject is empty (section 4.2.1.6).
    pub fn alternative_names(names: &[GeneralName], subject: &RawName) -> Self {
        let criticality = if subject.is_empty() { Criticality::Critical } else { Criticality::NotCritical };
        let value = der::build(64, |out| {
            out.sequence(|it| names.iter().for_each(|name| name.write(it)));
        });
        Self::new(Self::SUBJECT_ALTERNATIVE_NAME, criticality, value)
    }

    /// Where revocation lists are (section 4.2.1.13), one distribution point for each URL.
    ///
    /// # Errors
    /// `Malformed` without any URL, or for one that is none.
    pub fn crl_distribution_points(urls: &[String]) -> Result<Self, Error> {
        let urls = locations(urls)?;
        let value = der::build(128, |out| {
            out.sequence(|points| {
                for url in &urls {
                    points.sequence(|point| {
                        point.nested(der::context_constructed(0), |name| {
                            name.nested(der::context_constructed(0), |full_name| url.write(full_name));
                        });
                    });
                }
            });
        });
        Ok(Self::new(Self::CRL_DISTRIBUTION_POINTS, Criticality::NotCritical, value))
    }

    /// Where OCSP answers, and where the issuer's certificate is (authority information access, section 4.2.2.1).
    ///
    /// # Errors
    /// `Malformed` without any URL, or for one that is none.
    pub fn authority_information(ocsp: &[String], ca_issuers: &[String]) -> Result<Self, Error> {
        let all = locations(&[ocsp, ca_issuers].concat())?;
        let value = der::build(128, |out| {
            out.sequence(|it| {
                for (at, url) in all.iter().enumerate() {
                    it.sequence(|access| {
                        access.object_identifier(if at < ocsp.len() { &ACCESS_OCSP } else { &ACCESS_CA_ISSUERS });
                        url.write(access);
                    });
                }
            });
        });
        Ok(Self::new(Self::AUTHORITY_INFORMATION_ACCESS, Criticality::NotCritical, value))
    }

    /// The policies under which the certificate was issued (section 4.2.1.4), without qualifiers.
    pub fn certificate_policies(policies: &[ObjectIdentifier]) -> Self {
        let value = der::build(64, |out| {
            out.sequence(|it| {
                for policy in policies {
                    it.sequence(|it| it.object_identifier(policy));
                }
            });
        });
        Self::new(Self::CERTIFICATE_POLICIES, Criticality::NotCritical, value)
    }

    /// What it is called.
    pub fn oid(&self) -> &ObjectIdentifier {
        &self.oid
    }

    /// Whether those who do not know it must refuse the certificate.
    pub fn criticality(&self) -> Criticality {
        self.criticality
    }

    /// The DER in its OCTET STRING.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    fn write(&self, out: &mut Writer) {
        out.sequence(|it| {
            it.object_identifier(&self.oid);
            match self.criticality {
                Criticality::Critical => it.yes(),
                Criticality::NotCritical => {}
            }
            it.value(der::OCTET_STRING, &self.value);
        });
    }

    /// id-ce-subjectKeyIdentifier.
    pub const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x0e]);
    /// id-ce-keyUsage.
    pub const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x0f]);
    /// id-ce-subjectAltName.
    pub const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x11]);
    /// id-ce-basicConstraints.
    pub const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x13]);
    /// id-ce-nameConstraints.
    pub const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x1e]);
    /// id-ce-cRLDistributionPoints.
    pub const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x1f]);
    /// id-ce-certificatePolicies.
    pub const CERTIFICATE_POLICIES: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x20]);
    /// id-ce-authorityKeyIdentifier.
    pub const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x23]);
    /// id-ce-extKeyUsage.
    pub const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::known(&[0x55, 0x1d, 0x25]);
    /// id-pe-authorityInfoAccess.
    pub const AUTHORITY_INFORMATION_ACCESS: ObjectIdentifier =
        ObjectIdentifier::known(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01]);
}

/// Extensions in their order, each at most once (RFC 5280 section 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Extensions(Vec<Extension>);

impl Extensions {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds `extension` behind the others, or in the place of the one that is called the same.
    #[must_use]
    pub fn with(mut self, extension: Extension) -> Self {
        self.set(extension);
        self
    }

    /// Adds `extension` behind the others, or in the place of the one that is called the same.
    pub fn set(&mut self, extension: Extension) {
        match self.0.iter_mut().find(|it| it.oid == extension.oid) {
            Some(there) => *there = extension,
            None => self.0.push(extension),
        }
    }

    /// The extension that is called `oid`.
    pub fn find(&self, oid: &ObjectIdentifier) -> Option<&Extension> {
        self.0.iter().find(|it| it.oid == *oid)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Extension> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// SEQUENCE OF Extension.
    pub(crate) fn write(&self, out: &mut Writer) {
        out.sequence(|it| self.0.iter().for_each(|extension| extension.write(it)));
    }

    /// About how many octets they take.
    pub(crate) fn len_hint(&self) -> usize {
        self.0.iter().map(|it| it.value.len() + 24).sum()
    }
}

fn locations(urls: &[String]) -> Result<Vec<GeneralName>, Error> {
    if urls.is_empty() {
        return Err(Error::new(ErrorKind::Malformed, "an extension that names locations needs a URL"));
    }
    urls.iter().map(|url| GeneralName::uri(url)).collect()
}

static ACCESS_OCSP: ObjectIdentifier = ObjectIdentifier::known(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01]);
static ACCESS_CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::known(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02]);
