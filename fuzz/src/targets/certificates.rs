//! Certificates, requests for them and questions about them.

use acme_core::client::Chain;
use acme_core::limits;
use certstore::Spec;
use certstore::policy::reissue::{fields_of_certificate, fields_of_request};
use certstore::policy::renew;
use issuers::Holder;
use issuers::ca::ocsp::{CertificateId as OcspCertificateId, Request as OcspRequest, from_path};
use issuers::chain::{Constraints, Leaf, Path, bundle_from_pem};
use issuers::csr::{RawGeneralName, Request};
use issuers::name::{AttributeType, DistinguishedName, RawName};

use super::{instants, sound};

/// A chain as it is downloaded or kept.
pub fn chain(bytes: &[u8]) {
    match Chain::from_pem(bytes) {
        Ok(chain) => assert!((1..=limits::CHAIN).contains(&chain.certificates().len())),
        Err(error) => sound(&error),
    }
}

/// A signing request (DER), and what its extensions say.
pub fn csr(bytes: &[u8]) {
    let csr = bytes.into();
    match issuers::csr::read(&csr) {
        Ok(asked) => drop(format!("{asked:?}")),
        Err(error) => sound(&error),
    }
    let request = match Request::read(&csr) {
        Ok(request) => request,
        Err(error) => return sound(&error),
    };
    assert!(request.extensions().len() <= issuers::limits::EXTENSIONS);
    for extension in request.extensions() {
        let _ = extension.dotted();
    }
    let views = [
        request.alternative_names().map(drop),
        request.basic_constraints().map(drop),
        request.key_usages().map(drop),
        request.extended_key_usages().map(drop),
        request.verify(),
    ];
    for error in views.iter().filter_map(|it| it.as_ref().err()) {
        sound(error);
    }
    match Holder::of_request(&request) {
        Ok(holder) => compared(&holder),
        Err(error) => sound(&error),
    }
}

/// A distinguished name in the words of RFC 4514, and one in DER.
pub fn distinguished_name(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        match DistinguishedName::parse(text) {
            Ok(name) => printed(&name),
            Err(error) => sound(&error),
        }
    }
    let raw = match RawName::new(bytes) {
        Ok(raw) => raw,
        Err(error) => return sound(&error),
    };
    let _ = format!("{raw:?}");
    if let Ok(name) = DistinguishedName::read(&raw) {
        assert_eq!(name.to_raw().as_der().len(), bytes.len());
        printed(&name);
    }
}

/// What is printed of a name is read, and printed the same again.
fn printed(name: &DistinguishedName) {
    let printed = name.to_string();
    match DistinguishedName::parse(&printed) {
        Ok(again) => assert_eq!(again.to_string(), printed),
        // A value of DER is longer in hexadecimal than the text of a name may be.
        Err(error) => assert!(printed.len() > issuers::limits::NAME_TEXT, "{printed:?}: {error}"),
    }
}

/// A certificate (DER), and when it would be renewed.
pub fn leaf(bytes: &[u8]) {
    match Leaf::read(&bytes.into()) {
        Ok(leaf) => {
            let due = renew::due(&leaf, None);
            assert!(due.at >= leaf.not_before, "renewed before it is valid");
        }
        Err(error) => sound(&error),
    }
    match Holder::of_certificate(&bytes.into()) {
        Ok(holder) => compared(&holder),
        Err(error) => sound(&error),
    }
}

/// Whoever a certificate is for is compared with a wish, and has its common name in its subject.
fn compared(holder: &Holder) {
    let spec = Spec::called("anybody");
    let (of_certificate, of_request) = (fields_of_certificate(&spec, holder), fields_of_request(&spec, holder));
    let nobody = *holder == Holder::default();
    assert!(!nobody || of_certificate.is_empty());
    assert!(of_request.is_ok_and(|fields| !nobody || fields.is_empty()));
    assert!(holder.common_name().is_none_or(|name| holder.values(&AttributeType::COMMON_NAME).contains(&name)));
}

/// A request for the status of certificates (DER, or base64 in a path).
pub fn ocsp_request(bytes: &[u8]) {
    match OcspRequest::read(bytes) {
        Ok(request) => {
            assert!((1..=issuers::limits::OCSP_CERTIFICATES).contains(&request.certificates().len()));
            assert!(request.nonce().is_none_or(|it| (1..=issuers::limits::OCSP_NONCE).contains(&it.len())));
            let _ = request.certificates().iter().map(OcspCertificateId::serial).count();
        }
        Err(error) => sound(&error),
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(error) = from_path(text) {
        sound(&error);
    }
}

/// Certificates in any order (PEM): the path through them, and the names that their authorities permit.
pub fn path(bytes: &[u8]) {
    let bag = match bundle_from_pem(bytes) {
        Ok(bag) => bag,
        Err(error) => return sound(&error),
    };
    for now in instants() {
        match Path::of_bundle(&bag, now) {
            Ok(path) => {
                let chain = path.chain().certificates();
                assert!((1..=limits::CHAIN).contains(&chain.len()));
                assert!(chain.iter().chain(path.root()).all(|it| bag.contains(it)));
            }
            Err(error) => sound(&error),
        }
    }
    let names = [RawGeneralName::Dns(bytes), RawGeneralName::Uri(bytes), RawGeneralName::Email(bytes)];
    if let Err(error) = Constraints::of(&bag).and_then(|it| it.permit(bytes, &names)) {
        sound(&error);
    }
}
