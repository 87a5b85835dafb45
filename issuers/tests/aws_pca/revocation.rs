//! Revocation by serial number.

use acme_core::Error;
use acme_core::protocol::RevocationReason;
use certwright_issuers::{ErrorKind, Issuer as _, Retry};
use rustls_pki_types::CertificateDer;
use testkit::run;

use crate::world::{Asking, World};

#[test]
fn a_certificate_is_revoked_once_and_a_repeat_is_a_success() {
    let world = World::new();
    let (first, _) = world.issue(&Asking::new().request()).unwrap();
    let (second, _) = world.issue(&Asking::new().request()).unwrap();

    revoke(&world, first.chain.leaf().unwrap(), None).unwrap();
    revoke(&world, second.chain.leaf().unwrap(), Some(RevocationReason::KeyCompromise)).unwrap();
    revoke(&world, first.chain.leaf().unwrap(), Some(RevocationReason::Superseded)).unwrap();

    let revoked = world.double.state().revoked.clone();
    let expected = [("80:00:00:00", "UNSPECIFIED"), ("80:00:00:01", "KEY_COMPROMISE")];
    assert_eq!(revoked, expected.map(|(serial, reason)| (serial.to_owned(), reason.to_owned())));
}

#[test]
fn a_certificate_of_somebody_else_is_not_found() {
    let world = World::new();
    let foreign = world.double.state().pki.root.clone();

    let error = revoke(&world, &foreign, None).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::NotFound, Retry::Never));
    assert!(error.to_string().starts_with("acm-pca:RevokeCertificate on arn:"), "{error}");
}

#[test]
fn a_reason_that_the_service_lacks_is_unsupported() {
    let world = World::new();
    let (issued, _) = world.issue(&Asking::new().request()).unwrap();

    let error = revoke(&world, issued.chain.leaf().unwrap(), Some(RevocationReason::CertificateHold)).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(world.double.state().revoked.is_empty());
}

fn revoke(world: &World, certificate: &CertificateDer<'_>, reason: Option<RevocationReason>) -> Result<(), Error> {
    let issuer = world.issuer();
    run(&world.clock, issuer.revoke().unwrap().revoke(certificate, reason))
}
