//! Each source by itself, against answers that are written down.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock as _, Secret, Transport};
use certwright_solvers::ErrorKind;
use certwright_solvers::credentials::aws::sts::{self, Role};
use certwright_solvers::credentials::aws::{AssumeRole, Container, Endpoint, Environment, Instance, WebIdentity};
use certwright_solvers::credentials::{CredentialSource as _, Fixed, Refreshing};
use http::Method;
use testkit::transport::Answer;
use testkit::{ScriptedTransport, VirtualClock, run};

use crate::{assert_silent, at, example, fetch, sts_answer};

const STS: &str = "https://sts.eu-central-1.amazonaws.com/";
const METADATA: &str = "http://169.254.169.254/latest";
const ROLES: &str = "http://169.254.169.254/latest/meta-data/iam/security-credentials/";

#[test]
fn a_role_is_assumed_by_a_signed_request() {
    let transport = ScriptedTransport::new();
    transport.expect(Method::POST, STS, sts_answer("AssumeRole", "ASIA1", "2026-01-02T04:04:05Z"));
    let role = role().session_name("issuer of example.com").external_id("a b").duration(Duration::from_secs(900));

    let fetched =
        fetch(&AssumeRole::new(role, Arc::new(Fixed::new(example())), endpoint(), shared(&transport))).unwrap();

    assert_eq!(fetched.credential.access_key_id(), "ASIA1");
    assert_eq!(fetched.credential.secret_access_key().expose(), "TOP-SECRET/ASIA1");
    assert_eq!(fetched.credential.session_token().unwrap().expose(), "TOP-SECRET-token==");
    assert_eq!(fetched.expires, Some(at("2026-01-02T04:04:05Z")));
    let sent = &transport.sent()[0];
    assert_eq!(
        sent.body(),
        "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fissuer&RoleSessionName=issuer-of-example.com\
         &ExternalId=a%20b&DurationSeconds=900&Version=2011-06-15"
    );
    assert!(sent.headers()["authorization"].to_str().unwrap().contains("/eu-central-1/sts/aws4_request"));
}

#[test]
fn a_role_that_may_not_be_assumed_is_named() {
    let transport = ScriptedTransport::new();
    let denial = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
    transport.expect(Method::POST, STS, Answer::new(403, "text/xml", denial));

    let error =
        fetch(&AssumeRole::new(role(), Arc::new(Fixed::new(example())), endpoint(), shared(&transport))).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().starts_with("sts:AssumeRole on arn:aws:iam::123456789012:role/issuer: "), "{error}");
}

#[test]
fn the_web_identity_token_is_read_anew_for_each_request_and_nothing_is_signed() {
    let (folder, transport) = (tempfile::tempdir().unwrap(), ScriptedTransport::new());
    let file = folder.path().join("token");
    for number in 1..=2 {
        let answer = sts_answer("AssumeRoleWithWebIdentity", &format!("ASIA{number}"), "2026-01-02T04:04:05Z");
        transport.expect(Method::POST, STS, answer);
    }
    let source = WebIdentity::new(role(), &file, endpoint(), shared(&transport));

    for number in 1..=2 {
        fs::write(&file, format!("TOP-SECRET-{number}\n")).unwrap();
        assert_eq!(fetch(&source).unwrap().credential.access_key_id(), format!("ASIA{number}"));
    }

    for (number, sent) in (1..).zip(transport.sent()) {
        let body = String::from_utf8(sent.body().to_vec()).unwrap();
        assert!(body.contains(&format!("&WebIdentityToken=TOP-SECRET-{number}&Version=")), "{body}");
        assert!(!sent.headers().contains_key("authorization"));
    }
}

#[test]
fn a_web_identity_token_may_come_from_any_source() {
    let transport = ScriptedTransport::new();
    transport.expect(Method::POST, STS, sts_answer("AssumeRoleWithWebIdentity", "ASIA1", "2026-01-02T04:04:05Z"));
    let token = Fixed::new(Secret::new("TOP-SECRET of a service account".to_owned()));
    let source = WebIdentity::with_token(role(), token, endpoint(), shared(&transport));

    assert_eq!(fetch(&source).unwrap().credential.access_key_id(), "ASIA1");

    let body = String::from_utf8(transport.sent()[0].body().to_vec()).unwrap();
    assert!(body.contains("&WebIdentityToken=TOP-SECRET%20of%20a%20service%20account&Version="), "{body}");
    assert_silent(&format!("{source:?}"));
}

#[test]
fn a_web_identity_token_is_in_no_error() {
    let (folder, transport) = (tempfile::tempdir().unwrap(), ScriptedTransport::new());
    let file = folder.path().join("token");
    fs::write(&file, "TOP-SECRET").unwrap();
    let echo = "<ErrorResponse><Error><Code>ValidationError</Code><Message>Value 'TOP-SECRET' at 'webIdentityToken' failed</Message></Error></ErrorResponse>";
    transport.expect(Method::POST, STS, Answer::new(400, "text/xml", echo));
    let source = WebIdentity::new(role(), &file, endpoint(), shared(&transport));

    let error = fetch(&source).unwrap_err();

    assert_silent(&format!("{error} {error:?} {source:?}"));
    assert!(
        error.to_string().contains("role/issuer: AWS answered ValidationError: Value '…' at 'webIdentityToken'"),
        "{error}"
    );
}

#[test]
fn a_missing_web_identity_token_is_named_by_its_file() {
    let source = WebIdentity::new(role(), "/nowhere/token", endpoint(), shared(&ScriptedTransport::new()));

    let error = fetch(&source).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.to_string(), "there is no web identity token in /nowhere/token: is it mounted?");
}

#[test]
fn answers_of_sts_that_make_no_sense_are_malformed() {
    let whole = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>TOP-SECRET</SecretAccessKey>\
                 <SessionToken>TOP-SECRET</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    for body in [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("SessionToken", "Other"),
        whole.replace("2026-01-02T04:04:05Z", "tomorrow"),
        whole.replace("<SessionToken>", &format!("<SessionToken>{}", "x".repeat(70_000))),
        "{\"json\": true}".to_owned(),
    ] {
        let transport = ScriptedTransport::new();
        transport.expect(Method::POST, STS, Answer::new(200, "text/xml", body));
        let source = AssumeRole::new(role(), Arc::new(Fixed::new(example())), endpoint(), shared(&transport));
        let error = fetch(&source).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().contains("role/issuer"), "{error}");
        assert_silent(&format!("{error:?}"));
    }
}

#[test]
fn the_agent_of_a_pod_is_asked_with_the_token_of_a_file() {
    let (folder, transport) = (tempfile::tempdir().unwrap(), ScriptedTransport::new());
    let file = folder.path().join("token");
    fs::write(&file, "TOP-SECRET\n").unwrap();
    let url = "http://169.254.170.23/v1/credentials";
    transport.expect(Method::GET, url, json(200, &answered("Success")));
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.to_str().unwrap()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "not this one"),
    ];

    let source = Container::from(&Environment::new(variables), shared(&transport)).unwrap().unwrap();

    assert_eq!(fetch(&source).unwrap().credential.access_key_id(), "ASIA1");
    assert_eq!(transport.sent()[0].headers()["authorization"], "TOP-SECRET");
    assert_silent(&format!("{source:?} {:?}", transport.sent()[0]));
}

#[test]
fn a_task_of_ecs_asks_by_a_path() {
    let transport = ScriptedTransport::new();
    transport.expect(Method::GET, "http://169.254.170.2/v2/credentials/x", json(200, &answered("Success")));
    let environment = Environment::new([("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x")]);

    let source = Container::from(&environment, shared(&transport)).unwrap().unwrap();

    assert!(fetch(&source).is_ok());
    assert!(!transport.sent()[0].headers().contains_key("authorization"));
}

#[test]
fn no_token_goes_in_plain_text_to_a_stranger() {
    let agent = |url: &str| {
        let environment = Environment::new([("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)]);
        Container::from(&environment, shared(&ScriptedTransport::new())).map(drop)
    };
    for url in [
        "https://anywhere.example/x",
        "http://localhost:8080/x",
        "http://127.9.9.9/x",
        "http://[::1]/x",
        "http://169.254.170.2/x",
        "http://[fd00:ec2::23]/v1/credentials",
    ] {
        agent(url).unwrap();
    }
    for url in [
        "http://anywhere.example/x",
        "http://127.0.0.1.example/x",
        "http://169.254.169.254/x",
        "http://localhost.example/x",
        "http://127.0.0.1@evil.example/x",
        "ftp://127.0.0.1/x",
        "/x",
    ] {
        let kind = agent(url).unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::Refused | ErrorKind::Malformed), "{url}");
    }
}

#[test]
fn a_token_with_a_line_break_is_refused_unseen() {
    let environment = Environment::new([
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "TOP-SECRET\r\nX-Evil: 1"),
    ]);
    let source = Container::from(&environment, shared(&ScriptedTransport::new())).unwrap().unwrap();

    let error = fetch(&source).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert_silent(&format!("{error:?} {environment:?}"));
}

#[test]
fn an_instance_is_asked_with_a_token() {
    let transport = ScriptedTransport::new();
    transport
        .expect(Method::PUT, &format!("{METADATA}/api/token"), Answer::new(200, "text/plain", "TOP-SECRET"))
        .expect(Method::GET, ROLES, Answer::new(200, "text/plain", "issuer role\n"))
        .expect(Method::GET, &format!("{ROLES}issuer%20role"), json(200, &answered("Success")));

    let fetched = fetch(&Instance::new(shared(&transport)).unwrap()).unwrap();

    assert_eq!(fetched.credential.access_key_id(), "ASIA1");
    assert_eq!(fetched.expires, Some(at("2026-01-02T09:04:05Z")));
    let sent = transport.sent();
    assert_eq!(sent[0].headers()["x-aws-ec2-metadata-token-ttl-seconds"], "21600");
    assert!(sent[1..].iter().all(|it| it.headers()["x-aws-ec2-metadata-token"] == "TOP-SECRET"));
    assert_silent(&format!("{sent:?}"));
}

#[test]
fn what_an_instance_lacks_is_said() {
    let token = |answer: Answer| {
        let transport = ScriptedTransport::new();
        transport.expect(Method::PUT, &format!("{METADATA}/api/token"), answer);
        transport
    };
    let given = || Answer::new(200, "text/plain", "TOP-SECRET");
    let no_role = token(given());
    no_role.expect(Method::GET, ROLES, Answer::new(404, "text/plain", ""));
    let failed = token(given());
    failed.expect(Method::GET, ROLES, Answer::new(200, "text/plain", "issuer"));
    failed.expect(Method::GET, &format!("{ROLES}issuer"), json(200, &answered("AssumeRoleUnauthorizedAccess")));
    for (transport, kind, expected) in [
        (
            token(Answer::Failure(ErrorKind::Unreachable)),
            ErrorKind::Unreachable,
            "the hop limit of its metadata options must be 2",
        ),
        (token(Answer::new(403, "text/plain", "")), ErrorKind::Unauthorized, "switched off"),
        (token(Answer::new(503, "text/plain", "")), ErrorKind::Busy, "AWS answered 503"),
        (no_role, ErrorKind::Unauthorized, "attach an instance profile"),
        (failed, ErrorKind::Unauthorized, "the answer says AssumeRoleUnauthorizedAccess"),
    ] {
        let error = fetch(&Instance::new(shared(&transport)).unwrap()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert_silent(&format!("{error:?}"));
    }
}

#[test]
fn an_instance_that_hands_out_the_same_credentials_again_is_not_asked_on_every_call() {
    let transport = ScriptedTransport::new();
    transport.whenever(|request| {
        Some(match (request.method().as_str(), request.uri().path().ends_with('/')) {
            ("PUT", _) => Answer::new(200, "text/plain", "token"),
            (_, true) => Answer::new(200, "text/plain", "issuer"),
            _ => json(200, &answered("Success")),
        })
    });
    let source = Refreshing::new(Instance::new(shared(&transport)).unwrap());
    let clock = VirtualClock::starting_at(at("2026-01-02T09:00:00Z"));

    // Four minutes before the end of what it hands out.
    for _ in 0..240 {
        run(&clock, source.credential(clock.now())).unwrap();
        clock.advance(Duration::from_secs(1));
    }

    let fetches = transport.sent().len() / 3;
    assert_eq!(fetches, 2, "at first, and when three quarters of what was left are over");
}

#[test]
fn half_an_access_key_in_the_environment_is_an_error() {
    for (there, missing) in
        [("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")]
    {
        let environment = Environment::new([(there, "TOP-SECRET"), (missing, "")]);
        let error = environment.credentials().unwrap_err();
        assert_eq!(error.to_string(), format!("{there} is set and {missing} is not: set both or neither"));
    }
    let nothing = Environment::default();
    assert!(nothing.credentials().unwrap().is_none());
    assert_eq!(fetch(&nothing).map(drop).unwrap_err().kind(), ErrorKind::Unauthorized);
}

fn role() -> Role {
    Role::new("arn:aws:iam::123456789012:role/issuer").unwrap()
}

fn endpoint() -> Endpoint {
    sts::endpoint(&"eu-central-1".parse().unwrap()).unwrap()
}

fn shared(transport: &ScriptedTransport) -> Arc<dyn Transport> {
    Arc::new(transport.clone())
}

fn answered(code: &str) -> serde_json::Value {
    serde_json::json!({
        "Code": code, "Type": "AWS-HMAC", "LastUpdated": "2026-01-02T03:00:00Z", "AccessKeyId": "ASIA1", "SecretAccessKey": "TOP-SECRET",
        "Token": "TOP-SECRET", "Expiration": "2026-01-02T09:04:05Z",
    })
}

fn json(status: u16, body: &serde_json::Value) -> Answer {
    Answer::new(status, "application/json", body.to_string())
}
