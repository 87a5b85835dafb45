//! Accounts: made, found, changed, given up.

use std::sync::Arc;

use certwright_acme_core::protocol::{AccountStatus, ExternalAccount, Registration};
use certwright_acme_core::{Client as _, ErrorKind, Retry};
use serde_json::json;

use crate::script::{Fake, answer, authority, directory, json_answer, part, problem, run, session, url};

#[test]
fn an_account_is_made_with_the_key_itself() {
    let (script, authority) = authority();
    script.warm().on("POST /new-account", json_answer(201, json!({ "status": "valid" })).at("/account/7"));
    let registration = Registration::agreeing_to_terms().with_email("ops@example.com");

    let session = run(authority.register(Arc::new(Fake(1)), &registration)).unwrap();

    assert_eq!(session.account(), &url("https://ca.example/account/7"));
    let asked = script.last();
    assert_eq!(asked.headers["content-type"], "application/jose+json");
    assert_eq!(asked.protected["alg"], "ES256");
    assert_eq!(asked.protected["url"], "https://ca.example/new-account");
    assert_eq!(asked.protected["jwk"]["kty"], "EC");
    assert!(asked.protected.get("kid").is_none());
    assert_eq!(asked.payload, json!({ "contact": ["mailto:ops@example.com"], "termsOfServiceAgreed": true }));
}

#[test]
fn terms_that_were_not_agreed_to_are_named() {
    let (script, authority) = authority();
    let mut with_terms = directory();
    with_terms["meta"]["termsOfService"] = json!("https://ca.example/terms.pdf");
    script.on("GET /directory", json_answer(200, with_terms));

    let error = run(authority.register(Arc::new(Fake(1)), &Registration::default())).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
    assert!(error.to_string().contains("https://ca.example/terms.pdf"), "{error}");
    assert_eq!(script.asked().len(), 1);
}

#[test]
fn a_missing_external_account_is_told_before_anything_is_sent() {
    let (script, authority) = authority();
    let mut bound = directory();
    bound["meta"]["externalAccountRequired"] = json!(true);
    script.on("GET /directory", json_answer(200, bound));

    let error = run(authority.register(Arc::new(Fake(1)), &Registration::agreeing_to_terms())).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().contains("external account"), "{error}");
    assert_eq!(script.asked().len(), 1);
}

#[test]
fn an_external_account_signs_the_key_of_the_new_one() {
    let (script, authority) = authority();
    script.warm().on("POST /new-account", answer(201).at("/account/7"));
    let external =
        ExternalAccount::new("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W").unwrap();
    let registration = Registration::agreeing_to_terms().with_external_account(external);

    run(authority.register(Arc::new(Fake(1)), &registration)).unwrap();

    let asked = script.last();
    let binding = &asked.payload["externalAccountBinding"];
    assert_eq!(
        part(binding, "protected"),
        json!({ "alg": "HS256", "kid": "kid-1", "url": "https://ca.example/new-account" })
    );
    assert_eq!(part(binding, "payload"), asked.protected["jwk"]);
}

#[test]
fn a_wrong_external_account_says_what_to_compare() {
    let (script, authority) = authority();
    script.warm().on("POST /new-account", problem(403, "unauthorized"));
    let external = ExternalAccount::new("kid-1", "c2VjcmV0").unwrap();
    let registration = Registration::agreeing_to_terms().with_external_account(external);

    let error = run(authority.register(Arc::new(Fake(1)), &registration)).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().contains("kid-1"), "{error}");
    assert!(!format!("{error:?}").contains("c2VjcmV0"));
}

#[test]
fn a_key_that_the_server_does_not_take_says_which_it_takes() {
    let (script, authority) = authority();
    let body = json!({
        "type": "urn:ietf:params:acme:error:badSignatureAlgorithm",
        "algorithms": ["RS256", "ES384"]
    });
    script.warm().on("POST /new-account", json_answer(400, body));

    let error = run(authority.register(Arc::new(Fake(1)), &Registration::agreeing_to_terms())).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Refused);
    let said = error.to_string();
    assert!(said.contains("ES256") && said.contains("RS256, ES384"), "{said}");
}

#[test]
fn an_account_without_its_place_is_malformed() {
    let (script, authority) = authority();
    script.warm().on("POST /new-account", answer(201));
    let error = run(authority.register(Arc::new(Fake(1)), &Registration::agreeing_to_terms())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[test]
fn finding_makes_nothing() {
    let (script, authority) = authority();
    script
        .warm()
        .on("POST /new-account", problem(400, "accountDoesNotExist"))
        .on("POST /new-account", json_answer(200, json!({ "status": "valid" })).at("/account/7"))
        .on("POST /new-account", json_answer(200, json!({ "status": "deactivated" })).at("/account/7"));

    assert!(run(authority.find(Arc::new(Fake(1)))).unwrap().is_none());
    assert_eq!(script.last().payload, json!({ "onlyReturnExisting": true }));
    assert!(run(authority.find(Arc::new(Fake(1)))).unwrap().is_some());
    let error = run(authority.find(Arc::new(Fake(1)))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().contains("deactivated"), "{error}");
}

#[test]
fn an_unknown_account_is_not_found_and_says_why() {
    let (script, session) = session();
    script.warm().on("POST /account/1", problem(400, "accountDoesNotExist"));
    let error = run(session.account_object()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.problem().unwrap().kind.short(), "accountDoesNotExist");
}

#[test]
fn an_account_is_read_updated_and_given_up() {
    let (script, session) = session();
    let valid = || json_answer(200, json!({ "status": "valid" }));
    script
        .warm()
        .on("POST /account/1", valid())
        .on("POST /account/1", valid())
        .on("POST /account/1", valid())
        .on("POST /account/1", json_answer(200, json!({ "status": "deactivated" })));

    run(session.account_object()).unwrap();
    run(session.update_contacts(&["mailto:a@example.com".to_owned()])).unwrap();
    run(session.agree_to_terms()).unwrap();
    let last = run(session.deactivate()).unwrap();

    assert_eq!(last.status, AccountStatus::Deactivated);
    let asked = script.asked();
    let payloads: Vec<_> = asked[2..].iter().map(|it| it.payload.clone()).collect();
    assert_eq!(
        payloads,
        [
            json!(null),
            json!({ "contact": ["mailto:a@example.com"] }),
            json!({ "termsOfServiceAgreed": true }),
            json!({ "status": "deactivated" }),
        ]
    );
    assert_eq!(asked[2].protected["kid"], "https://ca.example/account/1");
    assert!(asked[2].protected.get("jwk").is_none());
}

#[test]
fn a_new_key_signs_the_old_one_inside() {
    let (script, session) = session();
    script
        .warm()
        .on("POST /key-change", answer(200))
        .on("POST /account/1", json_answer(200, json!({ "status": "valid" })));

    let changed = run(session.change_key(Arc::new(Fake(2)))).unwrap();

    assert_eq!(changed.account(), session.account());
    assert_ne!(changed.thumbprint(), session.thumbprint());
    let outer = script.last();
    assert_eq!(outer.protected["kid"], "https://ca.example/account/1");
    let inner = part(&outer.payload, "protected");
    assert_eq!(inner["url"], "https://ca.example/key-change");
    assert!(inner.get("nonce").is_none() && inner.get("kid").is_none());
    let payload = part(&outer.payload, "payload");
    assert_eq!(payload["account"], "https://ca.example/account/1");
    assert_ne!(payload["oldKey"], inner["jwk"]);
    run(changed.account_object()).unwrap();
}

#[test]
fn a_conflict_over_a_key_is_ours_or_somebody_elses() {
    let (script, session) = session();
    script
        .warm()
        .on("POST /key-change", problem(409, "malformed").at("/account/1"))
        .on("POST /key-change", problem(409, "malformed").at("/account/2"));

    assert!(run(session.change_key(Arc::new(Fake(2)))).is_ok());
    let error = run(session.change_key(Arc::new(Fake(3)))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("another account"), "{error}");
}
