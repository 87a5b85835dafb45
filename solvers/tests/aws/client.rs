//! What the client makes of AWS's answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use acme_core::{Secret, Timestamp};
use async_trait::async_trait;
use certwright_solvers::credentials::CredentialSource;
use certwright_solvers::credentials::aws::{Client, Credentials, Endpoint, Fault};
use certwright_solvers::{Error, ErrorKind, Retry};
use http::{Method, Request};
use testkit::transport::Answer;
use testkit::{ScriptedTransport, VirtualClock, run};

use crate::assert_silent;

const DENIAL: &str = "User: arn:aws:sts::123456789012:assumed-role/issuer/certwright is not authorized to perform: acm-pca:IssueCertificate on resource: arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1";

#[test]
fn throttling_is_busy_although_its_status_is_400() {
    for code in ["Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"] {
        let (error, _) = refused([json(400, code, "Rate exceeded")]);
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff), "{code}");

        let (error, _) = refused([xml(400, code, "Rate exceeded").with_header("retry-after", "7")]);
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::After(Duration::from_secs(7))), "{code}");
    }
}

#[test]
fn a_denial_is_final_and_names_who_may_not_do_what_to_what() {
    let (error, source) = refused([json(400, "AccessDeniedException", DENIAL)]);

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    assert_eq!(
        error.to_string(),
        format!("acm-pca:IssueCertificate on arn:aws:acm-pca: AWS answered AccessDeniedException: {DENIAL}")
    );
    assert_eq!(source.rejections(), 0);
}

#[test]
fn refused_credentials_are_fetched_anew_once() {
    let stale = ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"];
    // The secret of the same key may have been corrected.
    for code in stale.into_iter().chain(["SignatureDoesNotMatch"]) {
        let (transport, source) = (ScriptedTransport::new(), Arc::new(Numbered::default()));
        expect(&transport, [json(403, code, "The security token included in the request is expired")]);
        expect(&transport, [Answer::new(200, "application/json", "{}")]);

        assert_eq!(call(&transport, &source).unwrap(), "{}");

        let keys: Vec<_> =
            transport.sent().iter().map(|it| it.headers()["authorization"].to_str().unwrap().to_owned()).collect();
        assert!(keys[0].contains("Credential=KEY0/") && keys[1].contains("Credential=KEY1/"), "{keys:?}");
        assert_eq!(transport.sent()[1].headers()["x-amz-security-token"], "TOP-SECRET-1");
    }
}

#[test]
fn credentials_that_are_refused_twice_are_an_error() {
    let expired = || xml(403, "ExpiredToken", "The security token included in the request is expired");

    let (error, source) = refused([expired(), expired()]);

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Backoff));
    assert_eq!(source.rejections(), 2);
}

#[test]
fn every_form_of_an_error_is_read() {
    for (answer, code, message) in [
        (json(400, "com.amazonaws.acmpca#InvalidStateException", "not active"), "InvalidStateException", "not active"),
        (
            Answer::new(400, "application/json", "{\"Message\":\"no\"}")
                .with_header("x-amzn-errortype", "ResourceNotFoundException:http://internal.amazon.com/coral/"),
            "ResourceNotFoundException",
            "no",
        ),
        (xml(404, "NoSuchHostedZone", "none &amp; nothing"), "NoSuchHostedZone", "none & nothing"),
        (
            Answer::new(
                400,
                "text/xml",
                "<InvalidChangeBatch><Messages><Message>a</Message><Message>b</Message></Messages></InvalidChangeBatch>",
            ),
            "InvalidChangeBatch",
            "a; b",
        ),
        (
            Answer::new(
                400,
                "text/xml",
                "<Response><Errors><Error><Code>AuthFailure</Code><Message>m</Message></Error></Errors></Response>",
            ),
            "AuthFailure",
            "m",
        ),
        (Answer::new(500, "text/html", "<html><body>bad gateway</html>"), "", ""),
        (Answer::new(502, "text/html", ""), "", ""),
    ] {
        let (error, _) = refused([answer]);
        let fault = Fault::of(&error).unwrap();
        assert_eq!((fault.code(), fault.message()), (code, message), "{error}");
    }
}

#[test]
fn the_status_decides_where_the_code_says_nothing() {
    for (status, kind) in
        [(500, ErrorKind::Busy), (503, ErrorKind::Busy), (404, ErrorKind::NotFound), (400, ErrorKind::Refused)]
    {
        let (error, _) = refused([json(status, "SomethingNewException", "?")]);
        assert_eq!((error.kind(), error.retry()), (kind, Retry::Backoff), "{status}");
    }
}

#[test]
fn a_wrong_clock_is_named() {
    let expired =
        "Signature expired: 20260102T030405Z is now earlier than 20260102T031405Z (20260102T031905Z - 5 min.)";
    let (late, _) = refused([json(403, "InvalidSignatureException", expired)]);
    assert_eq!((late.kind(), late.retry()), (ErrorKind::Unauthorized, Retry::Backoff));
    assert!(
        late.to_string()
            .ends_with("InvalidSignatureException: Signature expired (is the clock of this machine right?)"),
        "{late}"
    );

    let (error, _) = refused([xml(
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
    )]);

    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().ends_with("(is the clock of this machine right?)"), "{error}");
}

#[test]
fn what_aws_repeats_of_the_secrets_is_not_shown() {
    let request = "The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:TOP-SECRET-0'";
    let unlike = || xml(403, "SignatureDoesNotMatch", request);
    let invalid = json(400, "ValidationException", "Value 'TOP-SECRET-0' at 'token' failed; so did VERY-PRIVATE-0");
    for answers in [vec![unlike(), unlike()], vec![invalid]] {
        let (error, _) = refused(answers);
        assert_silent(&format!("{error} {error:?} {:?}", Fault::of(&error).unwrap()));
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[test]
fn nothing_secret_is_in_what_is_printed_of_a_client() {
    let client = client(&ScriptedTransport::new(), &Arc::new(Numbered::default()));
    assert_silent(&format!("{client:?} {:?}", Numbered::default().make()));
}

/// Other credentials after each rejection.
#[derive(Default)]
struct Numbered(AtomicUsize);

impl Numbered {
    fn rejections(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn make(&self) -> Credentials {
        let number = self.rejections();
        Credentials::new(format!("KEY{number}"), &Secret::new(format!("VERY-PRIVATE-{number}")))
            .with_session_token(&Secret::new(format!("TOP-SECRET-{number}")))
    }
}

#[async_trait]
impl CredentialSource<Credentials> for Numbered {
    async fn credential(&self, _: Timestamp) -> Result<Arc<Credentials>, Error> {
        Ok(Arc::new(self.make()))
    }

    fn rejected(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn refused(answers: impl IntoIterator<Item = Answer>) -> (Error, Arc<Numbered>) {
    let (transport, source) = (ScriptedTransport::new(), Arc::new(Numbered::default()));
    expect(&transport, answers);
    let error = call(&transport, &source).unwrap_err();
    transport.assert_finished();
    (error, source)
}

fn expect(transport: &ScriptedTransport, answers: impl IntoIterator<Item = Answer>) {
    for answer in answers {
        transport.expect(Method::POST, "https://acm-pca.eu-central-1.amazonaws.com/", answer);
    }
}

fn client(transport: &ScriptedTransport, source: &Arc<Numbered>) -> Client {
    let endpoint = Endpoint::of("acm-pca", &"eu-central-1".parse().unwrap()).unwrap();
    Client::new(endpoint, Arc::clone(source) as _, Arc::new(transport.clone()), Arc::new(VirtualClock::new()))
}

fn call(transport: &ScriptedTransport, source: &Arc<Numbered>) -> Result<String, Error> {
    let client = client(transport, source);
    let request = Request::post("/").body("{}".into()).unwrap();
    let answer = run(&VirtualClock::new(), client.send("acm-pca:IssueCertificate on arn:aws:acm-pca", request));
    answer.map(|it| String::from_utf8(it.into_body().to_vec()).unwrap())
}

fn json(status: u16, kind: &str, message: &str) -> Answer {
    Answer::new(
        status,
        "application/x-amz-json-1.1",
        serde_json::json!({"__type": kind, "message": message}).to_string(),
    )
}

fn xml(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>1</RequestId></ErrorResponse>"
    );
    Answer::new(status, "text/xml", body)
}
