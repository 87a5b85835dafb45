//! What goes wrong, and what is said of it.

use std::time::Duration;

use acme_core::Error;
use certwright_issuers::aws_pca::{AuthorityArn, AwsPcaIssuer};
use certwright_issuers::{ErrorKind, Issuer as _, Retry};
use testkit::run;

use crate::double::{ARN, Fault};
use crate::world::{Asking, Kept, World, assert_silent, authority};

#[test]
fn an_authority_that_does_not_issue_is_named_with_what_to_do() {
    for (status, expected, retry) in [
        ("DISABLED", "is disabled: enable it", Retry::Never),
        ("EXPIRED", "has expired: install a renewed certificate, or use another one", Retry::Never),
        ("PENDING_CERTIFICATE", "has no certificate yet: install one", Retry::Never),
        ("DELETED", "is deleted: restore it, or use another one", Retry::Never),
        ("FAILED", "could not be created: make another one", Retry::Never),
        ("CREATING", "is being created", Retry::Backoff),
    ] {
        let world = World::new();
        let issuer = world.issuer();
        // Once it has issued, the service itself says so; before that we look.
        world.go_on(&issuer, &Asking::new().request(), &mut Kept::default()).unwrap();
        world.double.state().status = status;
        for issuer in [issuer, world.issuer()] {
            let error = world.go_on(&issuer, &Asking::new().request(), &mut Kept::default()).map(drop).unwrap_err();
            assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, retry));
            assert_eq!(error.to_string(), format!("the private CA {ARN} {expected}"));
        }
    }
}

#[test]
fn a_denied_action_is_named_with_the_authority() {
    for action in ["DescribeCertificateAuthority", "IssueCertificate", "GetCertificate"] {
        let world = World::new();
        world.double.state().denied.push(action);

        let error = world.issue(&Asking::new().request()).map(drop).unwrap_err();

        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
        assert!(error.to_string().starts_with(&format!("acm-pca:{action} on {ARN}: ")), "{error}");
    }
}

#[test]
fn without_leave_to_describe_the_algorithm_may_be_given() {
    let world = World::new();
    world.double.state().denied.push("DescribeCertificateAuthority");
    let issuer = world.issuer().with_signing_algorithm("SHA256WITHECDSA");

    world.go_on(&issuer, &Asking::new().request(), &mut Kept::default()).unwrap();

    world.double.state().status = "DISABLED";
    let error = world.go_on(&issuer, &Asking::new().request(), &mut Kept::default()).map(drop).unwrap_err();
    assert!(error.to_string().contains("InvalidStateException"), "{error}");
}

#[test]
fn throttling_and_quotas_are_busy() {
    for code in ["ThrottlingException", "LimitExceededException", "RequestLimitExceeded", "TooManyRequestsException"] {
        let world = World::new();
        world.double.fault("IssueCertificate", Fault::Says(400, code, "Rate exceeded"));

        let error = world.issue(&Asking::new().request()).map(drop).unwrap_err();

        assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff), "{code}");
        assert!(world.double.state().made.is_empty());
    }
}

#[test]
fn refusals_of_the_request_are_final() {
    for (code, kind) in [
        ("MalformedCSRException", ErrorKind::Refused),
        ("InvalidArgsException", ErrorKind::Refused),
        ("InvalidArnException", ErrorKind::Refused),
        ("ValidationException", ErrorKind::Refused),
        ("ResourceNotFoundException", ErrorKind::NotFound),
    ] {
        let world = World::new();
        world.double.fault("IssueCertificate", Fault::Says(400, code, "no"));

        let error = world.issue(&Asking::new().request()).map(drop).unwrap_err();

        assert_eq!((error.kind(), error.retry()), (kind, Retry::Never), "{code}");
        assert!(error.to_string().contains(code), "{error}");
    }
}

#[test]
fn a_duration_beyond_the_authority_is_refused_in_its_words() {
    let (world, asking) = (World::new(), Asking::new());
    let mut request = asking.request();
    request.duration = Some(Duration::from_secs(366 * 24 * 3600));

    let error = world.issue(&request).map(drop).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
    assert!(error.to_string().contains("exceeds the certificate authority validity"), "{error}");
}

#[test]
fn a_failure_of_the_service_may_pass() {
    let world = World::new();
    world.double.fault("GetCertificate", Fault::Says(400, "RequestFailedException", "The request has failed"));

    let error = world.issue(&Asking::new().request()).map(drop).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Backoff));
}

#[test]
fn an_unreachable_service_ends_the_attempt_while_its_token_is_remembered() {
    let world = World::new();
    for _ in 0..1000 {
        world.double.fault("IssueCertificate", Fault::RequestLost);
    }

    let error = world.issue(&Asking::new().request()).map(drop).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Backoff));
    assert!((5..30).contains(&world.double.calls("IssueCertificate")));
}

#[test]
fn credentials_that_ended_are_refused_unseen() {
    let world = World::new();
    world.double.state().token = "another".to_owned();

    let error = world.issue(&Asking::new().request()).map(drop).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Backoff));
    assert_silent(&format!("{error} {error:?}"));
}

#[test]
fn a_wrong_secret_is_refused_by_the_signature() {
    let world = World::new();
    let wrong = solvers::credentials::aws::Credentials::new("ASIADOUBLE", &acme_core::Secret::new("wrong".to_owned()));
    let token = acme_core::Secret::new(world.double.state().token.clone());
    world.credentials.set(wrong.with_session_token(&token));

    let error = world.issue(&Asking::new().request()).map(drop).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
}

#[test]
fn a_certificate_for_another_request_is_not_handed_out() {
    let (world, mine, other) = (World::new(), Asking::new(), Asking::new());
    let mut progress = Kept::default();
    let theirs =
        world.go_on(&world.issuer(), &other.request(), &mut progress).map(|_| progress.states[1].clone()).unwrap();
    let mut ours = Kept::default();
    world.go_on(&world.issuer(), &mine.request(), &mut ours).unwrap();
    let (theirs, mut state): (serde_json::Value, serde_json::Value) =
        (serde_json::from_slice(&theirs).unwrap(), serde_json::from_slice(&ours.states[1]).unwrap());
    state["state"]["certificate"] = theirs["state"]["certificate"].clone();

    let error: Error =
        run(&world.clock, world.issuer().issue(&mine.request(), &mut Kept::of(state.to_string().as_bytes())))
            .map(drop)
            .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("is for the key of the request"), "{error}");
}

#[test]
fn what_is_no_private_ca_is_refused_before_anything_is_sent() {
    for text in [
        "",
        "12345678-1234-1234-1234-123456789012",
        "arn:aws:acm:eu-central-1:123456789012:certificate/1",
        "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/",
        "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1/certificate/2",
        "arn:aws:acm-pca:evil.example/:123456789012:certificate-authority/1",
        "arn:aws:acm-pca:eu-central-1::certificate-authority/1",
    ] {
        let error = AuthorityArn::parse(text).unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Malformed, Retry::Never), "{text}");
    }
    assert_eq!(authority().region().as_str(), "eu-central-1");
}

#[test]
fn a_client_of_another_region_is_refused_when_the_issuer_is_made() {
    let elsewhere = AuthorityArn::parse(&ARN.replace("eu-central-1", "eu-west-1")).unwrap();

    let error = AwsPcaIssuer::new("pca", elsewhere, World::new().client()).map(drop).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(
        error
            .to_string()
            .contains("is asked at acm-pca in eu-west-1, and the client given is one of acm-pca in eu-central-1"),
        "{error}"
    );
}
