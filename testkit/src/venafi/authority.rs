//! A certificate authority with an intermediate, which signs whatever it is handed.

use std::sync::OnceLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;

/// The chain for a signing request in PEM: the leaf, the intermediate, and the root.
pub(super) fn sign(csr_pem: &str) -> String {
    static HIERARCHY: OnceLock<(String, CertifiedIssuer<'static, KeyPair>)> = OnceLock::new();
    let (root, intermediate) = HIERARCHY.get_or_init(|| {
        let key = || KeyPair::generate().expect("a key");
        let root = CertifiedIssuer::self_signed(authority("root of the double"), key()).expect("a root");
        let intermediate = CertifiedIssuer::signed_by(authority("intermediate of the double"), key(), &root);
        let intermediate = intermediate.expect("an intermediate");
        (root.pem(), intermediate)
    });
    let csr = CertificateSigningRequestDer::from_pem_slice(csr_pem.as_bytes()).expect("a signing request in PEM");
    let mut request = CertificateSigningRequestParams::from_der(&csr).expect("a signing request");
    request.params.use_authority_key_identifier_extension = true;
    let leaf = request.signed_by(intermediate).expect("a certificate");
    format!("{}{}{root}", leaf.pem(), intermediate.pem())
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
