//! What is unusual and allowed: odd specifications, names of every kind, and objects that people change, move and take away under way.

use std::time::Duration;

use serde_json::json;
use testkit::servers::ControlPlane;

use crate::kit::manifests::{authority, ca_issuer, certificate, self_signed_issuer, with_spec};
use crate::kit::standins::approve;
use crate::kit::{Call, Fault, Operator, Space, Verb, Written, definitions, eventually, judge, pause};
use crate::{condition, ready};

#[test]
fn empty_parts_of_a_specification_are_parts_that_are_not_there() {
    let (space, proxy, operator) = ready("empty");
    let empty = json!({
        "subject": {}, "privateKey": {}, "keystores": {}, "secretTemplate": { "labels": {}, "annotations": {} },
        "usages": [], "additionalOutputFormats": [], "ipAddresses": [], "uris": [], "emailAddresses": [], "otherNames": [],
        "issuerRef": { "name": "ca", "kind": "", "group": "" },
    });
    space.apply(&with_spec(certificate("web", "ca"), empty));
    space.await_ready("web");
    space.await_quiet(&proxy);
    judge::assert_settled(&space, "web");
    // Nothing else is asked for by saying so, or by not saying so any more.
    proxy.forget();
    let issuer = json!({ "kind": "Issuer", "group": "cert-manager.io" });
    let spelled = json!({ "spec": { "subject": null, "keystores": null, "usages": null, "issuerRef": issuer } });
    space.patch("certificates", "web", "", &spelled);
    space.await_ready("web");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&["patch certificates/status"], 0);
    assert_writes_nothing_after_a_restart(&space, operator);
}

#[test]
fn names_of_every_kind_stand_in_the_certificate_and_are_the_same_after_a_restart() {
    let (space, proxy, operator) = ready("kinds");
    let many: Vec<String> = (0..1000).map(|it| format!("name-{it}.example.test")).collect();
    space.apply(&with_spec(certificate("many", "ca"), json!({ "dnsNames": many })));
    let kinds = json!({
        "commonName": "Bücher & Co", "dnsNames": ["*.example.test", "xn--bcher-kva.example.test"],
        "ipAddresses": ["10.0.0.1", "2001:db8:0::1", "2001:DB8::2", "::ffff:10.0.0.7"],
        "uris": ["spiffe://cluster.local/ns/x/sa/y", "https://example.test/a?b=c"],
        "emailAddresses": ["a@example.test", "B.c+d@Example.test"],
        "otherNames": [{ "oid": "1.3.6.1.4.1.311.20.2.3", "utf8Value": "üser@example.test" }],
        "subject": { "organizations": ["Bücher & Söhne", "日本"], "countries": ["DE"], "serialNumber": "42" },
    });
    space.apply(&with_spec(certificate("kinds", "ca"), kinds));
    let literal = "CN=l,SERIALNUMBER=7,C=DE,ST=P,L=L,STREET=S 1,O=o\\, p,OU=u1+OU=u2,DC=example,DC=test,UID=me";
    space.apply(&with_spec(certificate("literal", "ca"), json!({ "literalSubject": literal })));
    for name in ["many", "kinds", "literal"] {
        space.await_ready(name);
    }
    space.await_quiet(&proxy);
    for name in ["many", "kinds", "literal"] {
        judge::assert_settled(&space, name);
    }
    assert_eq!(judge::names_in(&space, "many").len(), 1000);
    assert_writes_nothing_after_a_restart(&space, operator);
}

#[test]
fn a_name_that_no_certificate_can_carry_is_told_with_what_to_do_and_once() {
    let (space, proxy, _operator) = ready("uncarried");
    for (name, fields, told) in [
        ("dns", json!({ "dnsNames": ["bücher.example.test"] }), "write its xn-- form"),
        ("mail", json!({ "emailAddresses": ["bücher@example.test"] }), "what is before the @ must be ASCII"),
        ("uri", json!({ "uris": ["https://bücher.example.test/ü"] }), "escape the rest with %"),
        ("long", json!({ "dnsNames": [format!("{}.example.test", "x".repeat(64))] }), "longer than 63 characters"),
        ("nothing", json!({ "dnsNames": [] }), "must be set"),
    ] {
        proxy.forget();
        space.apply(&with_spec(certificate(name, "ca"), fields));
        let object = space.await_condition("certificates", name, "Ready", "False");
        let condition = condition(&object, "Ready");
        assert!(condition["message"].as_str().is_some_and(|it| it.contains(told)), "{condition}");
        space.await_quiet(&proxy);
        proxy.ledger().assert_is(&["patch certificates/status"], 0);
    }
}

#[test]
fn odd_values_are_taken_as_they_are_or_told() {
    let (space, proxy, operator) = ready("odd");
    for (name, fields, _) in ODD {
        space.apply(&with_spec(certificate(name, "ca"), serde_json::from_str(fields).expect("JSON")));
    }
    for (name, _, told) in ODD {
        match told {
            None => drop(space.await_ready(name)),
            Some(told) => {
                let object = space.await_condition("certificates", name, "Ready", "False");
                let condition = condition(&object, "Ready");
                let is_told = condition["message"].as_str().is_some_and(|it| it.contains(told));
                assert!(is_told && condition["reason"] == "InvalidSpec", "{name}: {condition}");
            }
        }
    }
    space.await_quiet(&proxy);
    proxy.ledger().assert_clean();
    assert_writes_nothing_after_a_restart(&space, operator);
}

#[test]
fn a_secret_name_that_changes_several_times_is_followed_to_the_last() {
    let (space, proxy, _operator) = ready("moved");
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    for name in ["first", "second", "web", "third"] {
        space.patch("certificates", "web", "", &json!({ "spec": { "secretName": name } }));
    }
    eventually("the last Secret", || space.get("secrets", "third").ok_or_else(|| "there is none".to_owned()));
    let object = space.await_ready("web");
    assert!(object["status"]["revision"].as_i64().is_some_and(|it| it <= 4), "{}", object["status"]);
    space.await_quiet(&proxy);
    judge::assert_settled(&space, "web");
}

#[test]
fn an_issuer_that_comes_again_as_another_signs_what_is_asked_for_after_that() {
    let (space, proxy, _operator) = ready("again");
    space.apply(&certificate("before", "ca"));
    space.await_ready("before");
    space.delete("issuers", "ca");
    space.apply(&certificate("between", "ca"));
    space.await_condition("certificates", "between", "Issuing", "True");
    space.apply(&self_signed_issuer("ca"));
    space.await_ready("between");
    space.delete("issuers", "ca");
    space.apply(&ca_issuer("ca", "authority"));
    space.await_condition("issuers", "ca", "Ready", "True");
    space.apply(&certificate("after", "ca"));
    space.await_ready("after");
    space.await_quiet(&proxy);
    for name in ["before", "between", "after"] {
        assert_eq!(space.get("certificates", name).expect("it is there")["status"]["revision"], 1, "{name}");
    }
    let authority = |name: &str| space.get("secrets", name).expect("it is there")["data"]["ca.crt"].clone();
    assert_eq!(authority("before"), authority("after"));
    assert_ne!(authority("between"), authority("after"), "it signed for itself");
}

#[test]
fn a_namespace_that_is_deleted_under_way_goes_and_is_not_written_to_for_ever() {
    let space = Space::new("going");
    authority(&space);
    space.apply(&ca_issuer("ca", "authority"));
    let proxy = space.proxy();
    let mut settings = space.settings();
    settings.approver = false;
    let _operator = Operator::start(&proxy, settings);
    space.await_condition("issuers", "ca", "Ready", "True");
    let names: Vec<String> = (0..8).map(|number| format!("web-{number}")).collect();
    names.iter().for_each(|name| drop(space.apply(&certificate(name, "ca"))));
    names.iter().for_each(|name| drop(space.await_condition("certificates", name, "Issuing", "True")));
    approve(&space);
    let namespace = format!("/api/v1/namespaces/{}", space.namespace);
    space.plane.write("DELETE", &namespace, &json!({}));
    eventually("the end of the namespace", || match space.plane.call("GET", &namespace, None) {
        answer if answer.status == 404 => Ok(()),
        answer => Err(answer.body["status"].to_string()),
    });
    space.await_quiet(&proxy);
    let refused = proxy.ledger().objects().filter(|it| it.code >= 400).count();
    assert!(refused <= 8 * names.len(), "{}", proxy.ledger());
}

#[test]
fn who_is_refused_the_same_again_and_again_asks_ever_more_rarely() {
    let (space, proxy, _operator) = ready("refusals");
    let codes = [400, 403, 404, 409, 422, 429, 500, 503];
    let is_struck = move |call: &Call, code: u16| {
        let of_status = call.resource == "certificates/status" && call.name == format!("status-{code}");
        let of_pair = call.resource == "secrets" && call.name == format!("pair-{code}");
        call.verb == Verb::Patch && (of_status || of_pair)
    };
    proxy.fail(move |call| codes.into_iter().find(|it| is_struck(call, *it)).map(|it| Fault::Refuse(it, None)));
    let names: Vec<String> = codes.iter().flat_map(|code| [format!("status-{code}"), format!("pair-{code}")]).collect();
    names.iter().for_each(|name| drop(space.apply(&certificate(name, "ca"))));
    let tries = |code: u16, resource: &str| {
        let of = |it: &&Written| it.call.resource == resource && is_struck(&it.call, code);
        proxy.ledger().objects().filter(of).count()
    };
    let all = || codes.into_iter().flat_map(|code| [(code, "certificates/status"), (code, "secrets")]);
    eventually("a refusal of each", || match all().find(|(code, resource)| tries(*code, resource) == 0) {
        None => Ok(()),
        Some(other) => Err(format!("{other:?}")),
    });
    // Half a second, one, two, four: a fifth and a sixth try fall into this time, and one more while the others began.
    pause(Duration::from_secs(8));
    for (code, resource) in all() {
        let tried = tries(code, resource);
        assert!(tried <= 7, "{resource} was refused with {code} {tried} times:\n{}", proxy.ledger());
    }
    proxy.heal();
    // What cannot be written as it is ends the attempt; everything else was only a matter of time.
    for name in names.iter().filter(|it| !["pair-400", "pair-422"].contains(&it.as_str())) {
        space.await_ready(name);
    }
    let failed = space.get("certificates", "pair-422").expect("it is there");
    assert_eq!(failed["status"]["failedIssuanceAttempts"], 1, "{failed}");
}

#[test]
fn a_cluster_without_the_definitions_is_waited_for() {
    let plane: &'static ControlPlane = Box::leak(Box::new(ControlPlane::builder().start()));
    let space = Space::at(plane, "bare");
    let proxy = space.proxy();
    let _operator = Operator::start(&proxy, space.settings());
    eventually("the first questions", || match proxy.calls().len() {
        0..20 => Err("there are few".to_owned()),
        _ => Ok(()),
    });
    definitions::all().iter().for_each(|it| drop(plane.apply(it)));
    let mut issuer = ca_issuer("ca", "authority");
    issuer["metadata"]["namespace"] = json!(space.namespace);
    eventually("the definitions", || match plane.call("POST", &space.path("issuers", ""), Some(&issuer)) {
        answer if answer.status == 201 => Ok(()),
        answer => Err(answer.body.to_string()),
    });
    authority(&space);
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    let asked = proxy.calls().iter().filter(|it| it.code == 404).count();
    assert!(asked <= 100, "{asked} times");
}

fn assert_writes_nothing_after_a_restart(space: &Space, operator: Operator) {
    operator.stop();
    let proxy = space.proxy();
    let _operator = Operator::start(&proxy, space.settings());
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&[], 0);
}

/// What people write, and what they are told where no certificate comes of it.
const ODD: &[(&str, &str, Option<&str>)] = &[
    ("longest", r#"{ "duration": "2562047h" }"#, None),
    ("fractions", r#"{ "duration": "1h0.5s", "renewBefore": "5m0.1s" }"#, None),
    ("days", r#"{ "duration": "90d" }"#, Some("as in 2160h for 90 days")),
    ("too-long", r#"{ "duration": "99999999h" }"#, Some("it is no span of time")),
    ("backwards", r#"{ "duration": "-5h" }"#, Some("must be greater than 1h0m0s")),
    ("all-history", r#"{ "revisionHistoryLimit": 2147483647 }"#, None),
    ("no-history", r#"{ "revisionHistoryLimit": -1 }"#, Some("must not be less than 1")),
    ("one-bit", r#"{ "privateKey": { "algorithm": "RSA", "size": 1 } }"#, Some("must be between 2048 and 8192")),
    ("huge-key", r#"{ "privateKey": { "algorithm": "RSA", "size": 1000000 } }"#, Some("must be between 2048 and 8192")),
    ("no-curve", r#"{ "privateKey": { "algorithm": "ECDSA", "size": -5 } }"#, Some("there is no curve of -5 bits")),
    (
        "no-network",
        r#"{ "isCA": true, "nameConstraints": { "permitted": { "ipRanges": ["10.0.0.0/99"] } } }"#,
        Some("invalid CIDR address"),
    ),
    ("no-oid", r#"{ "otherNames": [{ "oid": "9.9.9", "utf8Value": "x" }] }"#, Some("invalid oid syntax")),
    ("long-oid", r#"{ "otherNames": [{ "oid": "1.2.99999999999999999999999999", "utf8Value": "x" }] }"#, None),
    ("zone", r#"{ "ipAddresses": ["fe80::1%eth0"] }"#, Some("invalid IP address")),
    ("octal", r#"{ "ipAddresses": ["010.0.0.1"] }"#, Some("invalid IP address")),
    ("mailbox", r#"{ "emailAddresses": ["Bob <bob@example.test>"] }"#, Some("only contains the email address itself")),
    ("service", r#"{ "dnsNames": ["_sip._tcp.example.test", "final.dot.example.test."] }"#, None),
    ("control", r#"{ "commonName": "a\u0000b\nc" }"#, None),
    ("way-out", r#"{ "secretName": "../../kube-system/secrets/x" }"#, Some("a lowercase RFC 1123 subdomain")),
    ("no-label", r#"{ "secretTemplate": { "labels": { "bad key!!": "x" } } }"#, Some("name part must consist of")),
    ("own-label", r#"{ "secretTemplate": { "labels": { "controller.cert-manager.io/fao": "false" } } }"#, None),
    ("hexadecimal", r#"{ "literalSubject": "CN=x=y,1.2.3.4=#04024869" }"#, None),
    ("two-commas", r#"{ "literalSubject": "CN=x,," }"#, Some("incomplete type, value pair")),
    ("no-word", r#"{ "subject": { "organizations": [""] } }"#, Some("the O of a name is empty")),
];
