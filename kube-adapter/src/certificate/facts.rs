//! What a request asks for and was given, compared with what is asked for now.

use acme_core::client::Chain;
use acme_core::{Error, ErrorKind, PrivateKey, Signer as _, hash};
use certstore::Spec;
use certstore::policy::reissue::fields_of_request;
use issuers::Holder;
use issuers::csr::Request;
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;

use crate::crd::certificate::{CertificateSpec, KeyUsage};
use crate::crd::certificate_request::{CertificateRequest, CertificateRequestSpec};
use crate::plan::certificate::{RequestFacts, path};
use crate::secret::{issuer_digest, target};

/// What a request asks for and was given.
pub(super) fn of(request: &CertificateRequest, spec: &CertificateSpec, wanted: &Spec) -> RequestFacts {
    let leaf = request.status.as_ref().and_then(|it| Chain::from_pem(it.certificate.as_slice()).ok());
    let leaf = leaf.as_ref().and_then(Chain::leaf).map(target::digest);
    match asked(request.spec.request.as_slice(), wanted) {
        Ok((mut unlike, key)) => {
            unlike.extend(beside_request(&request.spec, spec));
            RequestFacts { unlike, key: Some(key), broken: None, leaf }
        }
        Err(error) => RequestFacts { unlike: Vec::new(), key: None, broken: Some(error.to_string()), leaf },
    }
}

/// SHA-256 of the public key that a request is for, if that can be read.
pub(super) fn key_of(request: &CertificateRequest) -> Option<[u8; 32]> {
    let csr = CertificateSigningRequestDer::from_pem_slice(request.spec.request.as_slice()).ok()?;
    Some(hash::sha256(Request::read(&csr).ok()?.public_key()))
}

/// SHA-256 of the public half of a key.
pub(super) fn digest_of(key: &PrivateKey) -> [u8; 32] {
    hash::sha256(key.public_key())
}

/// The fields in which the signing request differs, and its key.
fn asked(pem: &[u8], wanted: &Spec) -> Result<(Vec<&'static str>, [u8; 32]), Error> {
    let csr = CertificateSigningRequestDer::from_pem_slice(pem)
        .map_err(|_| Error::new(ErrorKind::Malformed, "the text holds no signing request in PEM"))?;
    let request = Request::read(&csr)?;
    let fields = fields_of_request(wanted, &Holder::of_request(&request)?)?;
    Ok((fields.into_iter().map(path).collect(), hash::sha256(request.public_key())))
}

/// The fields that stand beside the signing request.
fn beside_request(asked: &CertificateRequestSpec, spec: &CertificateSpec) -> Vec<&'static str> {
    let mut unlike = Vec::new();
    if asked.is_ca != spec.is_ca {
        unlike.push("spec.isCA");
    }
    let sorted = |usages: &[KeyUsage]| {
        let mut usages: Vec<_> = usages.iter().map(KeyUsage::as_str).collect();
        if usages.is_empty() {
            usages = vec!["digital signature", "key encipherment"];
        }
        usages.sort_unstable();
        usages.dedup();
        usages.join(",")
    };
    if sorted(&asked.usages) != sorted(&spec.usages) {
        unlike.push("spec.usages");
    }
    if let (Some(asked), Some(wanted)) = (&asked.duration, &spec.duration)
        && asked.nanoseconds() != wanted.nanoseconds()
    {
        unlike.push("spec.duration");
    }
    if issuer_digest(&asked.issuer_ref) != issuer_digest(&spec.issuer_ref) {
        unlike.push("spec.issuerRef");
    }
    unlike
}
