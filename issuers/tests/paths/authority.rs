//! Certificates of all kinds, made by rcgen, and the judges of what leads from one to another.

use std::time::Duration;

use acme_core::Timestamp;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use testkit::servers::judges::{OpenSsl, Trial};

/// A key and a name that sign.
pub(crate) struct Authority {
    pub(crate) params: CertificateParams,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        Self { params: authority(name), key: KeyPair::generate().unwrap() }
    }

    /// The same name and key, in a certificate of its own.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = self.params.clone();
        change(&mut params);
        Self { params, key: KeyPair::try_from(self.key.serialized_der()).unwrap() }
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.params.self_signed(&self.key).unwrap().der().clone()
    }

    pub(crate) fn certify(&self, other: &Self) -> CertificateDer<'static> {
        let issued: Certificate = other.params.signed_by(&other.key, &self.issuer()).unwrap();
        issued.der().clone()
    }

    pub(crate) fn issue(&self, leaf: &CertificateParams, key: &KeyPair) -> CertificateDer<'static> {
        leaf.signed_by(key, &self.issuer()).unwrap().der().clone()
    }

    /// A leaf for `a.example`.
    pub(crate) fn leaf(&self) -> CertificateDer<'static> {
        self.issue(&leaf("a.example"), &KeyPair::generate().unwrap())
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

pub(crate) fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, -DAY, 365 * DAY);
    params
}

pub(crate) fn leaf(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, -DAY, DAY);
    params
}

/// From and until so many seconds after now.
pub(crate) fn valid(params: &mut CertificateParams, from: i64, until: i64) {
    let at = |seconds| time::OffsetDateTime::from_unix_timestamp(now().unix_seconds() + seconds).unwrap();
    (params.not_before, params.not_after) = (at(from), at(until));
}

/// Does OpenSSL lead from the first certificate of `chain` to `root`, whatever its names are?
pub(crate) fn by_openssl(chain: &[CertificateDer<'static>], root: &CertificateDer<'static>) -> Result<(), String> {
    OpenSsl::find().verify(&Trial::new(chain, std::slice::from_ref(root), now()))
}

/// Do OpenSSL and rustls-webpki lead from the first certificate of `chain` to `root`? They are asked both, and must agree.
pub(crate) fn judged(chain: &[CertificateDer<'static>], root: &CertificateDer<'static>) -> bool {
    let roots = std::slice::from_ref(root);
    let openssl = OpenSsl::find().verify(&Trial::new(chain, roots, now()).for_server("a.example"));
    let webpki = by_webpki(chain, root);
    assert_eq!(openssl.is_ok(), webpki.is_ok(), "openssl: {openssl:?}, webpki: {webpki:?}");
    openssl.is_ok()
}

fn by_webpki(chain: &[CertificateDer<'static>], root: &CertificateDer<'static>) -> Result<(), String> {
    by_webpki_path(chain, root)?;
    let leaf = webpki::EndEntityCert::try_from(&chain[0]).map_err(|error| error.to_string())?;
    let name = ServerName::try_from("a.example").unwrap();
    leaf.verify_is_valid_for_subject_name(&name).map_err(|error| error.to_string())
}

/// Does rustls-webpki lead from the first certificate of `chain` to `root`, whatever its names are?
pub(crate) fn by_webpki_path(chain: &[CertificateDer<'static>], root: &CertificateDer<'static>) -> Result<(), String> {
    let anchors = [webpki::anchor_from_trusted_cert(root).map_err(|error| error.to_string())?];
    let leaf = webpki::EndEntityCert::try_from(&chain[0]).map_err(|error| error.to_string())?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now().unix_seconds()).unwrap()));
    let usage = webpki::KeyUsage::server_auth();
    leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &anchors, &chain[1..], at, usage, None, None)
        .map(drop)
        .map_err(|error| error.to_string())
}

pub(crate) fn key_of(certificate: &CertificateDer<'_>) -> SubjectPublicKeyInfoDer<'static> {
    use x509_parser::prelude::FromDer as _;
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(certificate).unwrap();
    parsed.tbs_certificate.subject_pki.raw.to_vec().into()
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_767_323_045)
}

pub(crate) const DAY: i64 = 24 * 3600;
