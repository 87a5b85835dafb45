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
        let authority = below.of_authority(key.public_key(), Some(4));
        Self { name, key, authority, root }
    }

    /// A certificate of this template; `None` for a template that nobody knows.
    pub(crate) fn leaf(
        &self,
        request: &csr::Request<'_>,
        template: &str,
        validity: Validity,
        serial: u32,
    ) -> Option<CertificateDer<'static>> {
        let Template { constraints, usages, passes } = Template::named(template)?;
        let subject = RawName::new(request.subject()).unwrap();
        let mut extensions = Extensions::new();
        for raw in request.extensions() {
            let extension = Extension::copied(raw).unwrap();
            if passes || *extension.oid() == Extension::SUBJECT_ALTERNATIVE_NAME {
                extensions.set(extension);
            }
        }
        // What a template says goes before what is asked for.
        extensions.set(constraints.to_extension());
        usages.iter().flat_map(Usages::to_extensions).for_each(|it| extensions.set(it));
        let leaf = Certificate { issuer: &self.name, issuer_key: &self.key, subject: &subject, validity, serial };
        Some(leaf.sign(request.public_key(), extensions))
    }
}

/// What a template says itself, and whether it lets the other extensions of a signing request pass.
struct Template {
    constraints: BasicConstraints,
    usages: Option<Usages>,
    passes: bool,
}

impl Template {
    fn named(name: &str) -> Option<Self> {
        let name = name.strip_suffix("/V1")?;
        if name == "BlankEndEntityCertificate_APICSRPassthrough" {
            return Some(Self { constraints: BasicConstraints::EndEntity, usages: None, passes: true });
        }
        let (base, passes) = match name.strip_suffix("_CSRPassthrough") {
            Some(base) => (base, true),
            None => (name, false),
        };
        let authority = |length: &str| {
            let path_length = ["0", "1", "2", "3"].contains(&length).then(|| length.parse().unwrap())?;
            Some(BasicConstraints::Authority { path_length: Some(path_length) })
        };
        if let Some(length) = base.strip_prefix("BlankSubordinateCACertificate_PathLen") {
            return Some(Self { constraints: authority(length)?, usages: None, passes }).filter(|it| it.passes);
        }
        if let Some(length) = base.strip_prefix("SubordinateCACertificate_PathLen") {
            let usages = KeyUsages::DIGITAL_SIGNATURE | KeyUsages::CERT_SIGN | KeyUsages::CRL_SIGN;
            return Some(Self { constraints: authority(length)?, usages: Some(Usages::of_key(usages)), passes });
        }
        let ciphers = KeyUsages::DIGITAL_SIGNATURE | KeyUsages::KEY_ENCIPHERMENT;
        let (key, extended) = match base {
            "EndEntityCertificate" => (ciphers, vec![ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth]),
            "EndEntityServerAuthCertificate" => (ciphers, vec![ExtendedKeyUsage::ServerAuth]),
            "EndEntityClientAuthCertificate" => (ciphers, vec![ExtendedKeyUsage::ClientAuth]),
            "CodeSigningCertificate" => (KeyUsages::DIGITAL_SIGNATURE, vec![ExtendedKeyUsage::CodeSigning]),
            "OCSPSigningCertificate" => (KeyUsages::DIGITAL_SIGNATURE, vec![ExtendedKeyUsage::OcspSigning]),
            _ => return None,
        };
        let usages = extended.into_iter().fold(Usages::of_key(key), Usages::with);
        Some(Self { constraints: BasicConstraints::EndEntity, usages: Some(usages), passes })
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
