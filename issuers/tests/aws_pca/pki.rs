//! The certificates of the double: a root, an authority below it, and leaves as its templates make them.

use acme_core::{KeyType, PrivateKey, Signer as _, Timestamp};
use certwright_issuers::csr;
use certwright_issuers::name::{DistinguishedName, RawName};
use certwright_issuers::template::{
    BasicConstraints, Draft, ExtendedKeyUsage, Extension, Extensions, KeyIdentifier, KeyUsages, SerialNumber, Usages,
    Validity,
};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

pub(crate) struct Pki {
    name: RawName,
    key: PrivateKey,
    pub(crate) authority: CertificateDer<'static>,
    pub(crate) root: CertificateDer<'static>,
}

impl Pki {
    /// Valid from `begin` to `end`.
    pub(crate) fn new(begin: Timestamp, end: Timestamp) -> Self {
        let root_name = DistinguishedName::parse("CN=Double Root").unwrap().to_raw();
        let name = DistinguishedName::parse("CN=Double Authority,O=Example").unwrap().to_raw();
        let root_key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        let validity = Validity { not_before: begin, not_after: end };
        let root = Certificate { issuer: &root_name, issuer_key: &root_key, subject: &root_name, validity, serial: 1 };
        let root = root.of_authority(root_key.public_key(), None);
        let below = Certificate { issuer: &root_name, issuer_key: &root_key, subject: &name, validity, serial: 2 };
        let authority = below.of_authority(key.public_key(), Some(0));
        Self { name, key, authority, root }
    }

    /// A leaf of this template; `None` for a template that nobody knows.
    pub(crate) fn leaf(
        &self,
        request: &csr::Request<'_>,
        template: &str,
        validity: Validity,
        serial: u32,
    ) -> Option<CertificateDer<'static>> {
        let usages = |extended: &[ExtendedKeyUsage]| {
            let key = Usages::of_key(KeyUsages::DIGITAL_SIGNATURE | KeyUsages::KEY_ENCIPHERMENT);
            Some(extended.iter().cloned().fold(key, Usages::with))
        };
        let wanted = match template {
            "EndEntityCertificate/V1" => usages(&[ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth]),
            "EndEntityServerAuthCertificate/V1" => usages(&[ExtendedKeyUsage::ServerAuth]),
            "EndEntityClientAuthCertificate/V1" => usages(&[ExtendedKeyUsage::ClientAuth]),
            "BlankEndEntityCertificate_APICSRPassthrough/V1" => None,
            _ => return None,
        };
        let subject = RawName::new(request.subject()).unwrap();
        let mut extensions = Extensions::new().with(BasicConstraints::EndEntity.to_extension());
        for raw in request.extensions() {
            let extension = Extension::copied(raw).unwrap();
            // Templates with a fixed meaning take the names alone.
            if wanted.is_none() || *extension.oid() == Extension::SUBJECT_ALTERNATIVE_NAME {
                extensions.set(extension);
            }
        }
        wanted.iter().flat_map(Usages::to_extensions).for_each(|it| extensions.set(it));
        let leaf = Certificate { issuer: &self.name, issuer_key: &self.key, subject: &subject, validity, serial };
        Some(leaf.sign(request.public_key(), extensions))
    }
}

/// A certificate to be signed.
struct Certificate<'a> {
    issuer: &'a RawName,
    issuer_key: &'a PrivateKey,
    subject: &'a RawName,
    validity: Validity,
    serial: u32,
}

impl Certificate<'_> {
    fn of_authority(self, key: &SubjectPublicKeyInfoDer<'_>, path_length: Option<u32>) -> CertificateDer<'static> {
        let usages = KeyUsages::CERT_SIGN | KeyUsages::CRL_SIGN | KeyUsages::DIGITAL_SIGNATURE;
        let constraints = BasicConstraints::Authority { path_length }.to_extension();
        self.sign(key, Extensions::new().with(constraints).with(usages.to_extension()))
    }

    fn sign(self, key: &SubjectPublicKeyInfoDer<'_>, extensions: Extensions) -> CertificateDer<'static> {
        let of = |key| KeyIdentifier::of_key(key).unwrap();
        let extensions = extensions
            .with(of(key).to_subject_extension())
            .with(of(self.issuer_key.public_key()).to_authority_extension());
        let serial = SerialNumber::from_octets(&self.serial.to_be_bytes()).unwrap();
        let draft = Draft::new(self.issuer, self.subject, key, serial, self.validity).with_extensions(extensions);
        let unsigned = draft.to_be_signed(self.issuer_key.algorithm());
        let signature = self.issuer_key.sign_now(unsigned.message()).unwrap();
        unsigned.finish(&signature)
    }
}
