//! The certificates of the authority, and those it issues.

use std::time::Duration;

use acme_core::protocol::CertificateId;
use acme_core::{Identifier, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::keys::PublicKey;

/// Roots, and intermediates that hold the same keys under each of them, so that one leaf has several chains.
pub(crate) struct Hierarchy {
    roots: Vec<CertificateDer<'static>>,
    chains: Vec<Vec<CertificateDer<'static>>>,
    issuing: Issuer<'static, KeyPair>,
}

/// What a leaf is made of.
pub(crate) struct Leaf<'a> {
    pub(crate) key: &'a PublicKey,
    pub(crate) key_bits: &'a [u8],
    pub(crate) identifiers: &'a [Identifier],
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) serial: &'a [u8],
    pub(crate) flaw: Option<LeafFlaw>,
}

/// What is wrong with a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeafFlaw {
    /// It carries the poison of a precertificate (RFC 6962 section 3.1).
    Precertificate,
    /// It is for another key.
    WrongKey,
    /// Its life is over.
    Expired,
    /// It lacks the first name that was asked for; where there is only one it is for `missing.invalid`.
    MissingName,
}

impl Hierarchy {
    pub(crate) fn new(roots: usize, intermediates: usize) -> Self {
        let roots: Vec<(CertificateDer<'static>, Issuer<'static, KeyPair>)> = (0..roots.max(1))
            .map(|number| {
                let key = generate();
                let params = authority(&format!("Model Root {number}"));
                let certificate = params.self_signed(&key).expect("a root signs itself");
                (certificate.der().clone(), Issuer::new(params, key))
            })
            .collect();
        // From the roots towards the leaf: the first is signed by every root, the others by the one before.
        let mut upper: Option<Issuer<'static, KeyPair>> = None;
        let mut shared = Vec::new();
        let mut crossed = Vec::new();
        for number in (0..intermediates).rev() {
            let key = generate();
            let params = authority(&format!("Model Intermediate {number}"));
            let sign = |issuer: &Issuer<'static, KeyPair>| {
                params.signed_by(&key, issuer).expect("an authority signs an intermediate").der().clone()
            };
            match &upper {
                Some(issuer) => shared.insert(0, sign(issuer)),
                None => crossed = roots.iter().map(|(_, issuer)| sign(issuer)).collect(),
            }
            upper = Some(Issuer::new(params, key));
        }
        let chains = if intermediates == 0 {
            vec![Vec::new()]
        } else {
            crossed.into_iter().map(|last| shared.iter().cloned().chain([last]).collect()).collect()
        };
        let (ders, mut issuers): (Vec<_>, Vec<_>) = roots.into_iter().unzip();
        let issuing = upper.unwrap_or_else(|| issuers.swap_remove(0));
        Self { roots: ders, chains, issuing }
    }

    pub(crate) fn root(&self, number: usize) -> Option<&CertificateDer<'static>> {
        self.roots.get(number)
    }

    /// The intermediates of each chain, from the leaf's issuer upwards.
    pub(crate) fn chains(&self) -> &[Vec<CertificateDer<'static>>] {
        &self.chains
    }

    pub(crate) fn issue(&self, leaf: &Leaf<'_>) -> Result<CertificateDer<'static>, String> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.serial_number = Some(SerialNumber::from_slice(leaf.serial));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.not_before = date(leaf.not_before);
        params.not_after = date(leaf.not_after);
        params.subject_alt_names = names(leaf.identifiers)?;
        match leaf.flaw {
            Some(LeafFlaw::Precertificate) => {
                let mut poison = CustomExtension::from_oid_content(POISON, vec![5, 0]);
                poison.set_criticality(true);
                params.custom_extensions.push(poison);
            }
            Some(LeafFlaw::Expired) => {
                params.not_before = date(leaf.not_before - EXPIRED - EXPIRED);
                params.not_after = date(leaf.not_before - EXPIRED);
            }
            Some(LeafFlaw::MissingName) => {
                params.subject_alt_names.remove(0);
                if params.subject_alt_names.is_empty() {
                    let name = "missing.invalid".try_into().map_err(|_| "no IA5")?;
                    params.subject_alt_names = vec![SanType::DnsName(name)];
                }
            }
            Some(LeafFlaw::WrongKey) | None => {}
        }
        let signed = if leaf.flaw == Some(LeafFlaw::WrongKey) {
            params.signed_by(&generate(), &self.issuing)
        } else {
            params.signed_by(&Subject(leaf), &self.issuing)
        };
        signed.map(|it| it.der().clone()).map_err(|error| format!("the certificate cannot be made: {error}"))
    }
}

/// The id of a leaf in renewal information.
pub(crate) fn certificate_id(leaf: &CertificateDer<'_>) -> CertificateId {
    let (_, parsed) = X509Certificate::from_der(leaf).expect("what was issued can be read");
    let authority = parsed
        .extensions()
        .iter()
        .find_map(|it| {
            if let ParsedExtension::AuthorityKeyIdentifier(id) = it.parsed_extension() {
                id.key_identifier.as_ref().map(|it| it.0.to_vec())
            } else {
                None
            }
        })
        .expect("what was issued names its issuer's key");
    CertificateId::from_parts(&authority, parsed.raw_serial())
}

struct Subject<'a>(&'a Leaf<'a>);

impl PublicKeyData for Subject<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.key_bits
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.0.key.rcgen()
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn generate() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key can be made")
}

fn names(identifiers: &[Identifier]) -> Result<Vec<SanType>, String> {
    identifiers
        .iter()
        .map(|identifier| match identifier {
            Identifier::Dns(name) => {
                name.as_str().try_into().map(SanType::DnsName).map_err(|_| format!("{name} is not ASCII"))
            }
            Identifier::Ip(address) => Ok(SanType::IpAddress(*address)),
            Identifier::Other(_) | _ => Err(format!("{identifier} has no place in a certificate")),
        })
        .collect()
}

fn date(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

const POISON: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 3];
const EXPIRED: Duration = Duration::from_secs(10 * 24 * 3600);
