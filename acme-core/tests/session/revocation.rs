//! Revocation, by account and by the certificate's own key.

use certwright_acme_core::ErrorKind;
use certwright_acme_core::directory::Revoker;
use certwright_acme_core::protocol::RevocationReason;
use rustls_pki_types::CertificateDer;
use serde_json::json;

use crate::script::{Fake, answer, problem, run, session};

#[test]
fn the_account_revokes_with_a_reason() {
    let (script, session) = session();
    script.warm().on("POST /revoke", answer(200));
    let certificate = CertificateDer::from(vec![1, 2, 3]);

    run(session.directory().revoke(&certificate, Some(RevocationReason::KeyCompromise), Revoker::Account(&session)))
        .unwrap();

    let asked = script.last();
    assert_eq!(asked.payload, json!({ "certificate": "AQID", "reason": 1 }));
    assert_eq!(asked.protected["kid"], "https://ca.example/account/1");
}

#[test]
fn the_certificates_key_revokes_without_an_account() {
    let (script, session) = session();
    script.warm().on("POST /revoke", answer(200));
    let certificate = CertificateDer::from(vec![1, 2, 3]);

    run(session.directory().revoke(&certificate, None, Revoker::CertificateKey(&Fake(9)))).unwrap();

    let asked = script.last();
    assert_eq!(asked.payload, json!({ "certificate": "AQID" }));
    assert_eq!(asked.protected["jwk"]["kty"], "EC");
    assert!(asked.protected.get("kid").is_none());
}

#[test]
fn a_repeat_is_a_success_and_a_bad_reason_is_not() {
    let (script, session) = session();
    script
        .warm()
        .on("POST /revoke", problem(400, "alreadyRevoked"))
        .on("POST /revoke", problem(400, "badRevocationReason"));
    let certificate = CertificateDer::from(vec![1, 2, 3]);
    let revoke = || run(session.directory().revoke(&certificate, None, Revoker::Account(&session)));

    assert!(revoke().is_ok());
    assert_eq!(revoke().unwrap_err().kind(), ErrorKind::Refused);
}
