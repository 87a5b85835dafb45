//! What a careless client must not get away with.

use acme_core::Clock as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use certwright_testkit::ca::Settings;
use http::Request;
use serde_json::json;

use crate::raw::{Raw, body, header, order_of, problem, sign};

#[test]
fn a_nonce_is_good_once() {
    let raw = Raw::registered(Settings::default());
    let url = raw.endpoint("newOrder");
    let header = raw.header(&url);
    let wish = order_of(&["example.com"]).to_string();
    assert_eq!(raw.send(&url, &header, wish.as_bytes()).status(), 201);
    let again = raw.send(&url, &header, wish.as_bytes());
    assert_eq!((again.status().as_u16(), problem(&again)), (400, "badNonce".to_owned()));
    let mut made_up = raw.header(&url);
    made_up["nonce"] = "AAAA".into();
    assert_eq!(problem(&raw.send(&url, &made_up, wish.as_bytes())), "badNonce");
    assert_eq!(raw.ca.orders(), 1);
}

#[test]
fn every_refusal_brings_a_new_nonce_that_works() {
    let raw = Raw::registered(Settings::default());
    let url = raw.endpoint("newOrder");
    let mut bad = raw.header(&url);
    bad["nonce"] = "AAAA".into();
    let nonce = header(&raw.send(&url, &bad, b"{}"), "replay-nonce").unwrap();
    bad["nonce"] = nonce.into();
    let wish = order_of(&["example.com"]).to_string();
    assert_eq!(raw.send(&url, &bad, wish.as_bytes()).status(), 201);
}

#[test]
fn the_signature_covers_url_key_and_payload() {
    let raw = Raw::registered(Settings::default());
    let url = raw.endpoint("newOrder");
    let wish = order_of(&["example.com"]).to_string();
    let mut elsewhere = raw.header(&url);
    elsewhere["url"] = raw.endpoint("keyChange").into();
    assert_eq!(problem(&raw.send(&url, &elsewhere, wish.as_bytes())), "unauthorized");
    let mut jws = sign(&raw.key, &raw.header(&url), wish.as_bytes());
    jws["payload"] = BASE64.encode(order_of(&["evil.example"]).to_string()).into();
    assert_eq!(problem(&raw.send_jws(&url, &jws)), "malformed");
    let stranger = Raw::new(Settings::default());
    let jws = sign(&stranger.key, &raw.header(&url), wish.as_bytes());
    assert_eq!(problem(&raw.send_jws(&url, &jws)), "malformed");
    assert_eq!(raw.ca.orders(), 0);
}

#[test]
fn key_and_account_are_named_where_they_belong() {
    let raw = Raw::registered(Settings::default());
    let new_order = raw.endpoint("newOrder");
    let wish = order_of(&["example.com"]).to_string();
    let mut both = raw.header(&new_order);
    both["jwk"] = raw.jwk();
    let mut neither = raw.header(&new_order);
    neither.as_object_mut().unwrap().remove("kid");
    let mut key = neither.clone();
    key["jwk"] = raw.jwk();
    for mut header in [both, neither, key] {
        header["nonce"] = raw.nonce().into();
        assert_eq!(problem(&raw.send(&new_order, &header, wish.as_bytes())), "malformed");
    }
    let new_account = raw.endpoint("newAccount");
    assert_eq!(problem(&raw.post(&new_account, &json!({}))), "malformed");
    let mut unknown = raw.header(&new_order);
    unknown["kid"] = "https://ca.test/acct/nobody".into();
    let answer = raw.send(&new_order, &unknown, wish.as_bytes());
    assert_eq!(problem(&answer), "accountDoesNotExist");
}

#[test]
fn algorithms_are_named_when_they_are_refused() {
    let raw = Raw::registered(Settings::default());
    let url = raw.endpoint("newOrder");
    for algorithm in ["none", "HS256", "RS1"] {
        let mut header = raw.header(&url);
        header["alg"] = algorithm.into();
        let answer = raw.send(&url, &header, b"{}");
        assert_eq!(problem(&answer), "badSignatureAlgorithm");
        let taken = body(&answer)["algorithms"].clone();
        assert_eq!(taken, json!(["ES256", "ES384", "ES512", "RS256", "EdDSA"]));
    }
    let mut header = raw.header(&url);
    header["alg"] = "ES384".into();
    assert_eq!(problem(&raw.send(&url, &header, b"{}")), "malformed");
}

#[test]
fn only_flattened_jws_of_three_members_pass() {
    let raw = Raw::registered(Settings::default());
    let url = raw.endpoint("newOrder");
    let wish = order_of(&["example.com"]).to_string();
    for (name, value) in [("header", json!({})), ("signatures", json!([]))] {
        let mut jws = sign(&raw.key, &raw.header(&url), wish.as_bytes());
        jws[name] = value;
        assert_eq!(problem(&raw.send_jws(&url, &jws)), "malformed");
    }
    let mut padded = sign(&raw.key, &raw.header(&url), b"{}");
    padded["payload"] = "e30=".into();
    assert_eq!(problem(&raw.send_jws(&url, &padded)), "malformed");
}

#[test]
fn content_type_user_agent_and_method_are_required() {
    let raw = Raw::registered(Settings::default());
    let url = raw.endpoint("newOrder");
    let jws = || Bytes::from(sign(&raw.key, &raw.header(&url), b"{}").to_string());
    let request = Request::post(&url).header("user-agent", "raw");
    let answer = raw.handle(request.header("content-type", "application/json").body(jws()).unwrap());
    assert_eq!(answer.status(), 415);
    let request = Request::post(&url).header("content-type", "application/jose+json");
    assert_eq!(problem(&raw.handle(request.body(jws()).unwrap())), "malformed");
    let nameless = Request::get(raw.ca.directory_url().as_str());
    assert_eq!(raw.handle(nameless.body(Bytes::new()).unwrap()).status(), 400);
    assert_eq!(raw.get(&url).status(), 405);
}

#[test]
fn looks_are_empty_and_acceptance_is_an_empty_object() {
    let raw = Raw::registered(Settings::default());
    let (url, order) = raw.order(&["example.com"]);
    assert_eq!(problem(&raw.post(&url, &json!({}))), "malformed");
    let authorization = body(&raw.look(order["authorizations"][0].as_str().unwrap()));
    let challenge = authorization["challenges"][0]["url"].as_str().unwrap();
    let wish = json!({ "keyAuthorization": "of the drafts" });
    assert_eq!(problem(&raw.post(challenge, &wish)), "malformed");
    // A look does not accept.
    assert_eq!(body(&raw.look(challenge))["status"], "pending");
    assert_eq!(body(&raw.post(challenge, &json!({})))["status"], "processing");
}

#[test]
fn what_is_not_yours_is_not_shown() {
    let raw = Raw::registered(Settings::default());
    let (url, order) = raw.issue(&["example.com"]);
    let mut stranger = Raw::on(raw.ca.clone(), raw.clock.clone());
    stranger.register();
    for url in [
        url.as_str(),
        order["authorizations"][0].as_str().unwrap(),
        order["certificate"].as_str().unwrap(),
        raw.account.as_ref().unwrap(),
    ] {
        assert_eq!(stranger.look(url).status(), 403, "{url}");
    }
}

#[test]
fn weak_and_private_keys_are_refused() {
    let raw = Raw::new(Settings::default());
    let url = raw.endpoint("newAccount");
    let short = json!({ "kty": "RSA", "e": "AQAB", "n": BASE64.encode([0xff; 128]) });
    let mut private = raw.jwk();
    private["d"] = "AA".into();
    for jwk in [short, private, json!({ "kty": "oct", "k": "AA" })] {
        let mut header = raw.header(&url);
        header["jwk"] = jwk;
        assert_eq!(problem(&raw.send(&url, &header, b"{}")), "badPublicKey");
    }
}

#[test]
fn every_answer_points_to_the_directory_and_dates_itself() {
    let raw = Raw::registered(Settings::default());
    raw.ca.set_date_offset(-7200);
    let answer = raw.look(raw.account.as_ref().unwrap());
    assert_eq!(header(&answer, "link").unwrap(), r#"<https://ca.test/directory>;rel="index""#);
    let date = acme_core::Timestamp::parse_http_date(&header(&answer, "date").unwrap()).unwrap();
    let off = raw.clock.now().since(date);
    assert_eq!(off.as_secs(), 7200);
}
