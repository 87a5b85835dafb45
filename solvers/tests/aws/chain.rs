//! The default chain: who goes first, and what the profiles lead to.

use std::fs;
use std::path::Path;

use certwright_solvers::ErrorKind;
use http::Method;
use tempfile::TempDir;
use testkit::ScriptedTransport;
use testkit::transport::Answer;

use crate::{assert_silent, chain, fetch, sts_answer};

const STS: &str = "https://sts.eu-central-1.amazonaws.com/";
const KEYS: &[(&str, &str)] = &[("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "TOP-SECRET")];

#[test]
fn sources_go_in_the_order_of_the_libraries_of_aws() {
    let home = home("", "[default]\naws_access_key_id=FILE\naws_secret_access_key=TOP-SECRET\n");
    let token = home.path().join("token");
    fs::write(&token, "token").unwrap();
    let web = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/a"),
        ("AWS_REGION", "eu-central-1"),
    ];
    let files = [("HOME", home.path().to_str().unwrap())];
    let agent = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/")];
    let transport = ScriptedTransport::new();
    transport.whenever(|request| {
        Some(match request.uri().host().unwrap() {
            "sts.eu-central-1.amazonaws.com" => sts_answer("AssumeRoleWithWebIdentity", "WEB", "2026-01-02T04:04:05Z"),
            "localhost" => Answer::new(200, "application/json", agent_answer("AGENT")),
            _ => match request.uri().path() {
                "/latest/api/token" => Answer::new(200, "text/plain", "token"),
                path if path.ends_with('/') => Answer::new(200, "text/plain", "role"),
                _ => Answer::new(200, "application/json", agent_answer("INSTANCE")),
            },
        })
    });
    let first = |variables: &[&[(&str, &str)]]| {
        fetch(&chain(&variables.concat(), &transport)).unwrap().credential.access_key_id().to_owned()
    };

    assert_eq!(first(&[KEYS, &web, &files, &agent]), "ENV");
    assert_eq!(first(&[&web, &files, &agent]), "WEB");
    assert_eq!(first(&[&files, &agent]), "FILE");
    assert_eq!(first(&[&agent]), "AGENT");
    assert_eq!(first(&[]), "INSTANCE");
}

#[test]
fn nothing_at_all_is_said_to_be_nothing() {
    let disabled = [("AWS_EC2_METADATA_DISABLED", "true")];
    let offline = ScriptedTransport::new();
    offline.whenever(|_| Some(Answer::Failure(ErrorKind::Unreachable)));
    for variables in [disabled.as_slice(), &[]] {
        let error = fetch(&chain(variables, &offline)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(error.to_string().starts_with("no AWS credentials are set up"), "{error}");
    }
}

#[test]
fn what_is_set_up_and_fails_is_not_passed_over() {
    let home = home("[default]\nrole_arn=arn:aws:iam::1:role/a\n", "");
    let variables = [
        ("HOME", home.path().to_str().unwrap()),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/"),
        ("AWS_REGION", "eu-central-1"),
    ];

    let error = fetch(&chain(&variables, &ScriptedTransport::new())).unwrap_err();

    assert!(error.to_string().contains("role_arn of profile \"default\" in "), "{error}");
}

#[test]
fn a_profile_leads_through_others_to_a_role() {
    let config = "[profile top]\nrole_arn=arn:aws:iam::1:role/top\nsource_profile=middle\nregion=eu-central-1\nrole_session_name=top\nduration_seconds=1800\n\
                  [profile middle]\nrole_arn = arn:aws:iam::1:role/middle\nsource_profile = bottom\nexternal_id = 42\n";
    let home = home(config, "[bottom]\naws_access_key_id=KEY\naws_secret_access_key=TOP-SECRET\n");
    let transport = ScriptedTransport::new();
    transport.expect(Method::POST, STS, sts_answer("AssumeRole", "MIDDLE", "2026-01-02T04:04:05Z"));
    transport.expect(Method::POST, STS, sts_answer("AssumeRole", "TOP", "2026-01-02T03:34:05Z"));
    let chain = chain(&[("HOME", home.path().to_str().unwrap()), ("AWS_PROFILE", "top")], &transport);

    assert_eq!(fetch(&chain).unwrap().credential.access_key_id(), "TOP");

    let sent: Vec<_> = transport
        .sent()
        .iter()
        .map(|it| {
            (it.headers()["authorization"].to_str().unwrap().to_owned(), String::from_utf8(it.body().to_vec()).unwrap())
        })
        .collect();
    assert!(
        sent[0].0.contains("Credential=KEY/")
            && sent[0].1.contains("role%2Fmiddle")
            && sent[0].1.contains("ExternalId=42")
    );
    assert!(sent[1].0.contains("Credential=MIDDLE/") && sent[1].1.contains("RoleSessionName=top&DurationSeconds=1800"));
    assert_eq!(chain.region().unwrap().unwrap().as_str(), "eu-central-1");
}

#[test]
fn a_profile_may_begin_with_the_environment_or_with_web_identity() {
    let home = home(
        "[profile env]\nrole_arn=arn:aws:iam::1:role/a\ncredential_source=Environment\n[profile web]\nrole_arn=arn:aws:iam::1:role/b\nweb_identity_token_file=TOKEN\n",
        "",
    );
    let token = home.path().join("token");
    fs::write(&token, "token").unwrap();
    let config = home.path().join(".aws/config");
    let text = fs::read_to_string(&config).unwrap().replace("TOKEN", token.to_str().unwrap());
    fs::write(&config, text).unwrap();
    let variables = [KEYS, &[("AWS_CONFIG_FILE", config.to_str().unwrap()), ("AWS_REGION", "eu-central-1")]].concat();
    for (profile, action) in [("env", "AssumeRole"), ("web", "AssumeRoleWithWebIdentity")] {
        let transport = ScriptedTransport::new();
        transport.expect(Method::POST, STS, sts_answer(action, "ASIA", "2026-01-02T04:04:05Z"));
        let chain = chain(&variables, &transport).with_profile(profile);
        assert_eq!(fetch(&chain).unwrap().credential.access_key_id(), "ASIA", "{profile}");
    }
}

#[test]
fn the_endpoint_of_sts_is_the_most_specific_that_is_named() {
    let home = home(
        "[profile a]\nrole_arn=arn:aws:iam::1:role/a\nsource_profile=a\nregion=us-gov-west-1\nendpoint_url=http://profile\n",
        "[a]\naws_access_key_id=A\naws_secret_access_key=TOP-SECRET\n",
    );
    let base = [("HOME", home.path().to_str().unwrap()), ("AWS_PROFILE", "a")];
    let all = ("AWS_ENDPOINT_URL", "http://all");
    let own = ("AWS_ENDPOINT_URL_STS", "http://own:8080/sts");
    let asked = |more: &[(&str, &str)], given: Option<&str>| {
        let transport = ScriptedTransport::new();
        transport.whenever(|_| Some(sts_answer("AssumeRole", "ASIA", "2026-01-02T04:04:05Z")));
        let chain = chain(&[&base, more].concat(), &transport);
        let chain = match given {
            Some(url) => chain.with_sts_endpoint(url),
            None => chain,
        };
        fetch(&chain).unwrap();
        transport.sent()[0].uri().to_string()
    };

    assert_eq!(asked(&[], None), "http://profile/");
    assert_eq!(asked(&[all], None), "http://all/");
    assert_eq!(asked(&[all, own], None), "http://own:8080/sts/");
    assert_eq!(asked(&[all, own], Some("http://given")), "http://given/");
}

#[test]
fn profiles_that_lead_nowhere_say_where_and_why() {
    for (config, expected) in [
        (
            "[default]\nrole_arn=arn:aws:iam::1:role/a\nsource_profile=b\n",
            "source_profile of profile \"default\" in HOME/.aws/config names a profile that is nowhere",
        ),
        (
            "[default]\nrole_arn=arn:aws:iam::1:role/a\nsource_profile=b\n[profile b]\nrole_arn=arn:aws:iam::1:role/b\nsource_profile=default\n",
            "source_profile of profile \"b\" in HOME/.aws/config leads in a circle, or too far",
        ),
        (
            "[default]\nrole_arn=x\nsource_profile=b\n",
            "role_arn of profile \"default\" in HOME/.aws/config is no ARN of a role",
        ),
        (
            "[default]\naws_access_key_id=TOP-SECRET\n",
            "aws_access_key_id of profile \"default\" in HOME/.aws/config stands without aws_secret_access_key",
        ),
        (
            "[default]\nrole_arn=arn:aws:iam::1:role/a\ncredential_source=Moon\n",
            "credential_source of profile \"default\" in HOME/.aws/config is none of",
        ),
        (
            "[default]\nrole_arn=arn:aws:iam::1:role/a\nduration_seconds=TOP-SECRET\n",
            "duration_seconds of profile \"default\" in HOME/.aws/config is no number of seconds",
        ),
        (
            "[default]\nrole_arn=arn:aws:iam::1:role/a\nsource_profile=b\nmfa_serial=1\n",
            "mfa_serial of profile \"default\" in HOME/.aws/config is not supported",
        ),
        (
            "[default]\ncredential_process=TOP-SECRET\n",
            "credential_process of profile \"default\" in HOME/.aws/config is not supported",
        ),
        ("[default]\nsso_session=a\n", "sso_session of profile \"default\" in HOME/.aws/config is not supported"),
    ] {
        let home = home(config, "");
        let path = home.path().to_str().unwrap();
        let error =
            fetch(&chain(&[("HOME", path), ("AWS_REGION", "eu-central-1")], &ScriptedTransport::new())).unwrap_err();
        let text = error.to_string().replace(path, "HOME");
        assert!(text.contains(expected), "{text}\n{expected}");
        assert_silent(&format!("{error:?}"));
    }
}

#[test]
fn a_profile_that_was_asked_for_must_exist() {
    let home = home("[profile b]\nregion=eu-west-1\n", "");
    let error =
        fetch(&chain(&[("HOME", home.path().to_str().unwrap()), ("AWS_PROFILE", "a")], &ScriptedTransport::new()))
            .unwrap_err();
    assert_eq!(error.to_string(), "there is no profile \"a\" in the shared files; there are: b");
}

#[test]
fn a_role_wants_a_region() {
    let home = home("[default]\nrole_arn=arn:aws:iam::1:role/a\ncredential_source=Environment\n", "");
    let variables = [KEYS, &[("HOME", home.path().to_str().unwrap())]].concat();
    let error = fetch(&chain(&variables, &ScriptedTransport::new()).with_profile("default")).unwrap_err();
    assert!(error.to_string().contains("set AWS_REGION"), "{error}");
}

fn home(config: &str, credentials: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder: &Path = &home.path().join(".aws");
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("config"), config).unwrap();
    fs::write(folder.join("credentials"), credentials).unwrap();
    home
}

fn agent_answer(id: &str) -> String {
    serde_json::json!({"AccessKeyId": id, "SecretAccessKey": "TOP-SECRET", "Token": "t", "Expiration": "2026-01-02T09:04:05Z"}).to_string()
}
