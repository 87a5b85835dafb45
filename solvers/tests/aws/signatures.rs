//! Signature Version 4 against AWS's test suite, and against botocore for requests made by chance.

use acme_core::Secret;
use bytes::Bytes;
use certwright_solvers::ErrorKind;
use certwright_solvers::credentials::aws::{Credentials, Endpoint, Region, Scope, sts};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use testkit::servers::Moto;

use crate::{at, example};

#[test]
fn the_vectors_of_the_test_suite_are_met() {
    // aws-sig-v4-test-suite: 2015-08-30T12:36:00Z, us-east-1, service "service".
    let scope = Scope::new("service", "us-east-1".parse().unwrap());
    let signed = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let mut request = request(method, &format!("https://example.amazonaws.com{path}"), headers, body);
        scope.sign(&mut request, &example(), at("2015-08-30T12:36:00Z")).unwrap();
        request
    };
    for (name, request, expected) in [
        (
            "get-vanilla",
            signed("GET", "/", &[], ""),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "post-vanilla",
            signed("POST", "/", &[], ""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "get-vanilla-query-order-key-case",
            signed("GET", "/?Param2=value2&Param1=value1", &[], ""),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-header-value-trim",
            signed("GET", "/", &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")], ""),
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
    ] {
        assert_eq!(signature(&request), expected, "{name}");
    }
}

#[test]
fn the_signature_of_the_general_reference_is_met() {
    let scope = Scope::new("iam", "us-east-1".parse().unwrap());
    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let mut request = request("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", &[form], "");

    scope.sign(&mut request, &example(), at("2015-08-30T12:36:00Z")).unwrap();

    assert_eq!(
        request.headers()["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

#[test]
fn route_53_is_signed_as_botocore_signs_it() {
    let scope = Scope::new("route53", "us-east-1".parse().unwrap());
    let token = example().with_session_token(&Secret::new("TOKENEXAMPLE".to_owned()));
    let change = "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"/>";
    for (method, path, body, credentials, expected) in [
        (
            "GET",
            "hostedzonesbyname?dnsname=example.org",
            "",
            example(),
            "d91b1a5229df49f75e6bcf013a8864f89562ac6305ae6d0a6408967b907df076",
        ),
        (
            "POST",
            "hostedzone/Z1/rrset/",
            change,
            example(),
            "15342e666b7dd4d9cde0ba44b3a150d80ed19a0bed73170dcf71119b0f277e6f",
        ),
        ("GET", "change/C1", "", token, "3edf769bbda9f69eb81029b4c0540c7a799d9789e57f8a2922c0d2d3a62ce617"),
    ] {
        let mut request = request(method, &format!("https://route53.amazonaws.com/2013-04-01/{path}"), &[], body);
        scope.sign(&mut request, &credentials, at("2026-01-02T03:04:05Z")).unwrap();
        assert_eq!(signature(&request), expected, "{path}");
    }
}

/// Paths with dots, doubled slashes and escapes; queries with repeated and empty names; headers of several words; any body; all through botocore.
#[test]
fn botocore_signs_generated_requests_alike() {
    let mut runner = TestRunner::deterministic();
    let made: Vec<Generated> = (0..400).map(|_| generated().new_tree(&mut runner).unwrap().current()).collect();
    let ours: Vec<String> = made.iter().map(Generated::sign).collect();
    let asked: Vec<_> = made.iter().map(Generated::to_json).collect();

    let answer = Moto::python(BOTOCORE, &serde_json::Value::from(asked).to_string());

    let theirs: Vec<String> = serde_json::from_str(&answer).unwrap();
    assert_eq!(theirs.len(), 400);
    for ((made, ours), theirs) in made.iter().zip(&ours).zip(&theirs) {
        assert_eq!(ours, theirs, "{}", made.to_json());
    }
}

#[test]
fn a_request_may_be_signed_again_with_other_credentials() {
    let scope = Scope::new("acm-pca", "eu-central-1".parse().unwrap());
    let now = at("2026-01-02T03:04:05Z");
    let temporary = example().with_session_token(&Secret::new("first".to_owned()));
    let mut twice = request("POST", "https://acm-pca.eu-central-1.amazonaws.com/", &[], "{}");
    let mut once = twice.clone();

    scope.sign(&mut twice, &temporary, at("2026-01-02T03:00:00Z")).unwrap();
    scope.sign(&mut twice, &example(), now).unwrap();
    scope.sign(&mut once, &example(), now).unwrap();

    assert_eq!(twice.headers(), once.headers());
}

#[test]
fn the_caller_of_sts_is_proven_by_a_signed_request() {
    let region: Region = "eu-west-1".parse().unwrap();
    let mut extra = HeaderMap::new();
    extra.insert("x-vault-aws-iam-server-id", HeaderValue::from_static("vault.example.com"));

    let request =
        sts::caller_identity(&sts::endpoint(&region).unwrap(), &example(), extra, at("2026-01-02T03:04:05Z")).unwrap();

    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(request.body(), "Action=GetCallerIdentity&Version=2011-06-15");
    let authorization = request.headers()["authorization"].to_str().unwrap();
    assert!(authorization.contains("SignedHeaders=content-type;host;x-amz-date;x-vault-aws-iam-server-id,"));
}

#[test]
fn endpoints_follow_the_partition_of_the_region() {
    for (region, expected) in [
        ("eu-central-1", "https://acm-pca.eu-central-1.amazonaws.com"),
        ("cn-north-1", "https://acm-pca.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "https://acm-pca.us-gov-west-1.amazonaws.com"),
    ] {
        let region: Region = region.parse().unwrap();
        assert_eq!(Endpoint::of("acm-pca", &region).unwrap().url().as_str(), expected);
    }
}

#[test]
fn what_cannot_be_signed_is_refused_without_showing_it() {
    let scope = Scope::new("sts", "us-east-1".parse().unwrap());
    let broken = example().with_session_token(&Secret::new("first\nsecond".to_owned()));
    let mut request = request("GET", "https://sts.amazonaws.com/", &[], "");

    let error = scope.sign(&mut request, &broken, at("2026-01-02T03:04:05Z")).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(!format!("{error} {error:?}").contains("second"), "{error}");
}

#[test]
fn a_region_that_would_change_the_host_is_refused() {
    for text in ["", "eu central", "evil.example/", "eu-central-1.", "-eu", "EU-WEST-1"] {
        assert_eq!(Region::parse(text).unwrap_err().kind(), ErrorKind::Malformed, "{text:?}");
    }
}

#[derive(Debug)]
struct Generated {
    service: &'static str,
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
    token: Option<String>,
}

impl Generated {
    fn sign(&self) -> String {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut request = request(self.method, &self.url, &headers, &self.body);
        let credentials = Credentials::new("AKIDEXAMPLE", example().secret_access_key());
        let credentials = match &self.token {
            Some(token) => credentials.with_session_token(&Secret::new(token.clone())),
            None => credentials,
        };
        let scope = Scope::new(self.service, "eu-central-1".parse().unwrap());
        scope.sign(&mut request, &credentials, at("2026-01-02T03:04:05Z")).unwrap();
        request.headers()["authorization"].to_str().unwrap().to_owned()
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "service": self.service, "method": self.method, "url": self.url, "headers": self.headers, "body": self.body, "token": self.token,
        })
    }
}

fn generated() -> impl Strategy<Value = Generated> {
    let part = "([a-zA-Z0-9._~-]|%20|%2F|%C3%A9|%25|:|@|!|\\$|,|=|\\+){0,6}";
    let path = prop::collection::vec(prop_oneof![part, Just(".".to_owned()), Just("..".to_owned())], 0..5);
    // In a query botocore takes what is written for encoded already; so it is.
    let piece = "([a-zA-Z0-9._~-]|%20|%2F|%C3%A9|%25|%3A|%2B){0,5}";
    let query = prop::collection::vec((prop_oneof![Just("a"), Just("A"), Just("b%20")], piece), 0..5);
    let header = ("x-(amz|custom|a)-[a-z0-9]{1,8}", "[ -~]{0,20}");
    let headers = prop::collection::btree_map(header.0, header.1, 0..4);
    let service = prop_oneof![Just("route53"), Just("acm-pca"), Just("sts"), Just("execute-api")];
    let host = prop_oneof![Just("https://a.example"), Just("https://A.Example:8443"), Just("http://127.0.0.1:5000")];
    let token = prop::option::of("[a-zA-Z0-9/+=]{1,80}");
    (service, prop_oneof![Just("GET"), Just("POST"), Just("PUT")], host, path, query, headers, "\\PC{0,40}", token)
        .prop_map(|(service, method, host, path, query, headers, body, token)| {
            let mut url = format!("{host}/{}", path.join("/"));
            let pairs: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if !pairs.is_empty() {
                url = format!("{url}?{}", pairs.join("&"));
            }
            Generated { service, method, url, headers: headers.into_iter().collect(), body, token }
        })
}

fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(url).body(Bytes::from(body.to_owned())).unwrap();
    for (name, value) in headers {
        request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    request
}

fn signature(request: &Request<Bytes>) -> String {
    let authorization = request.headers()["authorization"].to_str().unwrap();
    authorization.rsplit_once("Signature=").unwrap().1.to_owned()
}

const BOTOCORE: &str = r#"
import datetime, json, sys
import botocore.auth as auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

now = datetime.datetime(2026, 1, 2, 3, 4, 5)
auth.get_current_datetime = lambda *_: now

signed = []
for it in json.load(sys.stdin):
    request = AWSRequest(method=it["method"], url=it["url"], headers=dict(it["headers"]), data=it["body"].encode())
    key = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", it["token"])
    auth.SigV4Auth(key, it["service"], "eu-central-1").add_auth(request)
    signed.append(request.headers["Authorization"])
json.dump(signed, sys.stdout)
"#;
