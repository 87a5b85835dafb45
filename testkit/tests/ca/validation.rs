//! Challenges that are looked at in a simulated world.

use acme_core::Clock as _;
use acme_core::protocol::{KeyAuthorization, Problem, ProblemType};
use certwright_testkit::ca::{ByTable, Elsewhere, ModelCa, NeverValid, Settings, Verdict, account_label};
use certwright_testkit::{SimDns, VirtualClock};
use serde_json::{Value, json};

use crate::raw::{Raw, body};

#[test]
fn dns_01_finds_its_text_through_other_names() {
    let dns = SimDns::new();
    dns.add_zone("example.com", &["ns.example.com"]);
    dns.add_cname("_acme-challenge.example.com", "x.validation.example.");
    let (raw, challenge) = offered(ByTable::new(&dns), "*.example.com", "dns-01");
    let value = answer(&raw, &challenge).dns_value();
    dns.add_txt("X.validation.example", "left over by somebody else");
    dns.add_txt("x.validation.example", &value);
    assert_eq!(verdict(&raw, &challenge), json!({ "status": "valid" }));
}

#[test]
fn dns_01_says_what_it_missed() {
    for (values, broken, kind, detail) in [
        (&[][..], false, "unauthorized", "no TXT record"),
        (&["other"][..], false, "unauthorized", "incorrect TXT"),
        (&[][..], true, "dns", "SERVFAIL"),
    ] {
        let dns = SimDns::new();
        let (raw, challenge) = offered(ByTable::new(&dns), "example.com", "dns-01");
        for value in values {
            dns.add_txt("_acme-challenge.example.com", value);
        }
        if broken {
            dns.fail("_acme-challenge.example.com");
        }
        let shown = verdict(&raw, &challenge);
        assert_eq!(shown["status"], "invalid");
        let error = &shown["error"];
        assert!(error["type"].as_str().unwrap().ends_with(kind), "{error}");
        assert!(error["detail"].as_str().unwrap().contains(detail), "{error}");
    }
}

#[test]
fn dns_account_01_has_a_label_of_the_account() {
    let dns = SimDns::new();
    let (raw, challenge) = offered(ByTable::new(&dns), "example.com", "dns-account-01");
    let label = account_label(&raw.account.as_ref().unwrap().parse().unwrap());
    let name = format!("{label}._acme-challenge.example.com");
    dns.add_txt(&name, &answer(&raw, &challenge).dns_value());
    assert_eq!(verdict(&raw, &challenge)["status"], "valid");
}

#[test]
fn the_label_is_the_one_of_the_draft() {
    // draft-ietf-acme-dns-account-label section 3.2.
    let url = "https://example.com/acme/acct/ExampleAccount".parse().unwrap();
    assert_eq!(account_label(&url), "_ujmmovf2vn55tgye");
}

#[test]
fn http_01_compares_the_whole_body() {
    for (end, status) in [("", "valid"), ("\n", "valid"), ("x", "invalid")] {
        let thumbprint = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let shared = thumbprint.clone();
        let world = ByTable::new(&SimDns::new()).with_http(move |name, token| {
            assert_eq!(name.to_string(), "192.0.2.1");
            let thumbprint = shared.lock().unwrap().clone();
            Some(format!("{token}.{thumbprint}{end}"))
        });
        let (raw, challenge) = offered(world, "192.0.2.1", "http-01");
        *thumbprint.lock().unwrap() = raw.thumbprint();
        assert_eq!(verdict(&raw, &challenge)["status"], status);
    }
    let (raw, challenge) = offered(ByTable::new(&SimDns::new()), "a.example", "http-01");
    let shown = verdict(&raw, &challenge);
    assert!(shown["error"]["type"].as_str().unwrap().ends_with("connection"));
}

#[test]
fn tls_alpn_01_takes_no_certificate_but_the_right_one() {
    for (name, names, issuer, digest, critical, status) in [
        ("a.example", &["a.example"][..], false, true, true, "valid"),
        ("192.0.2.1", &["192.0.2.1"], false, true, true, "valid"),
        ("a.example", &["a.example", "b.example"], false, true, true, "invalid"),
        ("a.example", &["A.example"], false, true, true, "invalid"),
        ("a.example", &["b.example"], false, true, true, "invalid"),
        ("a.example", &["a.example"], true, true, true, "invalid"),
        ("a.example", &["a.example"], false, false, true, "invalid"),
        ("a.example", &["a.example"], false, true, false, "invalid"),
    ] {
        let shown = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let shared = shown.clone();
        let world = ByTable::new(&SimDns::new()).with_tls_alpn(move |_| Some(shared.lock().unwrap().clone()));
        let (raw, challenge) = offered(world, name, "tls-alpn-01");
        let mut value = answer(&raw, &challenge).digest();
        if !digest {
            value[0] ^= 1;
        }
        *shown.lock().unwrap() = certificate(names, &value, critical, issuer);
        let verdict = verdict(&raw, &challenge);
        assert_eq!(verdict["status"], status, "{names:?}: {verdict}");
    }
}

#[test]
fn jobs_are_handed_out_once_and_late_verdicts_change_nothing() {
    let ca = ModelCa::with_validator(Settings::default(), Elsewhere);
    let mut raw = Raw::on(ca, VirtualClock::new());
    raw.register();
    let (url, _) = raw.order(&["a.example"]);
    assert_eq!(raw.prove(&url)["status"], "pending");
    let jobs = raw.ca.take_jobs();
    assert_eq!((jobs.len(), raw.ca.take_jobs().len()), (1, 0));
    assert_eq!(jobs[0].identifier.to_string(), "a.example");
    raw.ca.conclude(&jobs[0], Verdict::Valid, raw.clock.now());
    assert_eq!(body(&raw.look(&url))["status"], "ready");
    let late = Verdict::Invalid(Problem::new(ProblemType::Dns, "late"));
    raw.ca.conclude(&jobs[0], late, raw.clock.now());
    assert_eq!(body(&raw.look(&url))["status"], "ready");
}

#[test]
fn a_validator_may_never_be_content() {
    let why = Problem::new(ProblemType::Caa, "CAA forbids it");
    let (raw, challenge) = offered(NeverValid(why), "a.example", "http-01");
    assert_eq!(verdict(&raw, &challenge)["error"]["detail"], "CAA forbids it");
}

/// An account, an order for `name`, and its challenge of this type.
fn offered(validator: impl certwright_testkit::ca::Validator + 'static, name: &str, kind: &str) -> (Raw, Value) {
    let ca = ModelCa::with_validator(Settings::default(), validator);
    let mut raw = Raw::on(ca, VirtualClock::new());
    raw.register();
    let (_, order) = raw.order(&[name]);
    let shown = body(&raw.look(order["authorizations"][0].as_str().unwrap()));
    let challenges = shown["challenges"].as_array().unwrap();
    let challenge = challenges.iter().find(|it| it["type"] == kind).unwrap();
    (raw, challenge.clone())
}

fn answer(raw: &Raw, challenge: &Value) -> KeyAuthorization {
    let token = challenge["token"].as_str().unwrap();
    KeyAuthorization::new(token, &raw.thumbprint()).unwrap()
}

/// Accepts the challenge and shows status and error after the look.
fn verdict(raw: &Raw, challenge: &Value) -> Value {
    let url = challenge["url"].as_str().unwrap();
    assert_eq!(raw.post(url, &json!({})).status(), 200);
    let shown = body(&raw.look(url));
    let mut verdict = json!({ "status": shown["status"] });
    if !shown["error"].is_null() {
        verdict["error"] = shown["error"].clone();
    }
    verdict
}

fn certificate(names: &[&str], digest: &[u8], critical: bool, other_issuer: bool) -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    let mut extension = rcgen::CustomExtension::new_acme_identifier(digest);
    extension.set_criticality(critical);
    params.custom_extensions = vec![extension];
    if other_issuer {
        let mut issuer = rcgen::CertificateParams::default();
        issuer.distinguished_name = rcgen::DistinguishedName::new();
        let issuer = rcgen::Issuer::new(issuer, rcgen::KeyPair::generate().unwrap());
        return params.signed_by(&key, &issuer).unwrap().der().to_vec();
    }
    params.self_signed(&key).unwrap().der().to_vec()
}
