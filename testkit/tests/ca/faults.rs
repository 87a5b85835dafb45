//! Every fault, as a client meets it.

use std::time::Duration;

use acme_core::protocol::{Problem, ProblemType};
use acme_core::{Clock as _, Timestamp};
use certwright_testkit::ca::{Endpoint, Exchange, Fault, LeafFlaw, Settings, Times, Wait};
use http::HeaderName;
use serde_json::json;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::raw::{Raw, body, csr_of, header, order_of, problem, sign};

#[test]
fn storms_of_bad_nonces_leave_nothing_behind() {
    let raw = Raw::registered(Settings::default());
    let storm = raw.ca.inject_everywhere(Fault::BadNonce, Times::Next(3));
    let url = raw.endpoint("newOrder");
    for _ in 0..3 {
        assert_eq!(problem(&raw.post(&url, &order_of(&["a.example"]))), "badNonce");
    }
    assert_eq!((raw.ca.struck(storm), raw.ca.orders()), (3, 0));
    assert_eq!(raw.post(&url, &order_of(&["a.example"])).status(), 201);
}

#[test]
fn chance_is_the_seeds() {
    let strikes = || {
        let raw = Raw::registered(Settings::default());
        let fault = raw.ca.inject(Endpoint::NewOrder, Fault::BadNonce, Times::Percent(90));
        for _ in 0..100 {
            raw.post(&raw.endpoint("newOrder"), &order_of(&["a.example"]));
        }
        raw.ca.struck(fault)
    };
    let struck = strikes();
    assert!((80..100).contains(&struck), "{struck}");
    assert_eq!(strikes(), struck);
}

#[test]
fn a_limit_names_its_end_and_requests_before_it_are_counted_everywhere() {
    for (number, endpoint) in Endpoint::ALL.into_iter().enumerate() {
        let raw = Raw::registered(Settings { order_lists: true, ..Settings::default() });
        let url = url_of(&raw, endpoint);
        let wait = Duration::from_secs(3 * 3600);
        let fault = match number % 3 {
            0 => Fault::RateLimited(Wait::Seconds(wait)),
            1 => Fault::RateLimited(Wait::Date(wait)),
            _ => Fault::Unavailable(Wait::Seconds(wait)),
        };
        raw.ca.inject(endpoint, fault, Times::Once);
        let sent = raw.clock.now();
        let first = ask(&raw, endpoint, &url);
        assert!(matches!(first.status().as_u16(), 429 | 503), "{endpoint:?}");
        let after = header(&first, "retry-after").unwrap();
        let until = match after.parse::<u64>() {
            Ok(seconds) => sent + Duration::from_secs(seconds),
            Err(_) => Timestamp::parse_http_date(&after).unwrap(),
        };
        assert_eq!(until, sent + wait, "{endpoint:?}");
        assert_eq!(raw.ca.requests_inside_windows(), 0);
        raw.clock.advance(wait - Duration::from_secs(1));
        assert_eq!(ask(&raw, endpoint, &url).status(), 429, "{endpoint:?}");
        assert_eq!(raw.ca.requests_inside_windows(), 1, "{endpoint:?}");
        raw.clock.advance(Duration::from_secs(1));
        let later = ask(&raw, endpoint, &url);
        assert_ne!(later.status(), 429, "{endpoint:?}");
        assert_eq!(raw.ca.requests_inside_windows(), 1, "{endpoint:?}");
    }
}

#[test]
fn the_limit_of_one_account_is_not_another_s() {
    let raw = Raw::registered(Settings::default());
    let mut other = Raw::on(raw.ca.clone(), raw.clock.clone());
    other.register();
    let wait = Wait::Seconds(Duration::from_secs(60));
    raw.ca.inject(Endpoint::NewOrder, Fault::RateLimited(wait), Times::Once);
    let url = raw.endpoint("newOrder");
    assert_eq!(raw.post(&url, &order_of(&["a.example"])).status(), 429);
    assert_eq!(other.post(&url, &order_of(&["a.example"])).status(), 201);
    assert_eq!(raw.ca.requests_inside_windows(), 0);
}

#[test]
fn failing_statuses_come_as_problems_and_as_pages() {
    let raw = Raw::registered(Settings::default());
    let url = raw.endpoint("newOrder");
    raw.ca.inject(Endpoint::NewOrder, Fault::ServerError(500), Times::Once);
    raw.ca.inject(Endpoint::NewOrder, Fault::Html(502), Times::Once);
    let paused = Problem::new(ProblemType::RateLimited, "paused").with_status(429);
    raw.ca.inject(Endpoint::NewOrder, Fault::Refuse(Box::new(paused)), Times::Once);
    let wish = order_of(&["a.example"]);
    assert_eq!(problem(&raw.post(&url, &wish)), "serverInternal");
    let page = raw.post(&url, &wish);
    assert_eq!((page.status().as_u16(), header(&page, "replay-nonce")), (502, None));
    assert!(page.body().starts_with(b"<html>"));
    assert_eq!(problem(&raw.post(&url, &wish)), "rateLimited");
    assert_eq!(raw.ca.orders(), 0);
    assert_eq!(raw.post(&url, &wish).status(), 201);
}

#[test]
fn connections_drop_before_and_after_the_server_acted() {
    let raw = Raw::registered(Settings::default());
    let url = raw.endpoint("newOrder");
    let wish = order_of(&["a.example"]).to_string();
    for (fault, orders) in [(Fault::DropBefore, 0), (Fault::DropAfter, 1)] {
        raw.ca.inject(Endpoint::NewOrder, fault, Times::Once);
        let jws = sign(&raw.key, &raw.header(&url), wish.as_bytes());
        let request = http::Request::post(&url)
            .header("user-agent", "raw")
            .header("content-type", "application/jose+json")
            .body(jws.to_string().into())
            .unwrap();
        let exchange = raw.ca.exchange(&request, raw.clock.now());
        assert!(matches!(exchange, Exchange::Dropped));
        assert_eq!(raw.ca.orders(), orders);
        assert_eq!(raw.ca.log().last().unwrap().status, None);
    }
}

#[test]
fn answers_are_cut_off_garbled_slow_and_bare() {
    let raw = Raw::registered(Settings::default());
    let url = raw.endpoint("newOrder");
    let wish = order_of(&["a.example"]);
    let replay_nonce = HeaderName::from_static("replay-nonce");
    for fault in [
        Fault::CutOff,
        Fault::Garbage,
        Fault::Without(http::header::LOCATION),
        Fault::Without(replay_nonce),
        Fault::StatusWord("dreaming".to_owned()),
    ] {
        raw.ca.inject(Endpoint::NewOrder, fault, Times::Once);
    }
    for _ in 0..2 {
        let answer = raw.post(&url, &wish);
        assert!(serde_json::from_slice::<serde_json::Value>(answer.body()).is_err());
    }
    assert_eq!(header(&raw.post(&url, &wish), "location"), None);
    assert_eq!(header(&raw.post(&url, &wish), "replay-nonce"), None);
    assert_eq!(body(&raw.post(&url, &wish))["status"], "dreaming");
    assert_eq!(raw.ca.orders(), 5);
}

#[test]
fn slow_answers_take_virtual_time_and_too_slow_ones_never_come() {
    use acme_core::{ErrorKind, Transport as _};
    let raw = Raw::registered(Settings::default());
    let transport = raw.ca.transport(&raw.clock).with_round_trip(Duration::from_millis(80));
    let request = || {
        let directory = raw.ca.directory_url();
        let request = http::Request::get(directory.as_str()).header("user-agent", "raw");
        request.body(bytes::Bytes::new()).unwrap()
    };
    let begin = raw.clock.now();
    certwright_testkit::run(&raw.clock, transport.send(request())).unwrap();
    assert_eq!(raw.clock.now().since(begin), Duration::from_millis(80));
    let slow = Fault::Slow(Duration::from_secs(20));
    raw.ca.inject(Endpoint::Directory, slow, Times::Once);
    let stuck = Fault::Slow(Duration::from_secs(3600));
    raw.ca.inject(Endpoint::Directory, stuck, Times::Once);
    let begin = raw.clock.now();
    certwright_testkit::run(&raw.clock, transport.send(request())).unwrap();
    assert_eq!(raw.clock.now().since(begin), Duration::from_millis(20_080));
    let error = certwright_testkit::run(&raw.clock, transport.send(request())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}

#[test]
fn orders_turn_invalid_before_and_after_they_are_ready() {
    let raw = Raw::registered(Settings::default());
    let caa = || Box::new(Problem::new(ProblemType::Caa, "CAA forbids it"));
    let (url, _) = raw.order(&["a.example"]);
    raw.ca.inject(Endpoint::Order, Fault::Invalidate(caa()), Times::Once);
    let shown = body(&raw.look(&url));
    assert_eq!(shown["status"], "invalid");
    assert_eq!(shown["error"]["detail"], "CAA forbids it");
    let (url, _) = raw.order(&["b.example"]);
    let ready = raw.prove(&url);
    raw.ca.inject(Endpoint::Finalize, Fault::Invalidate(caa()), Times::Once);
    let answer = raw.post(ready["finalize"].as_str().unwrap(), &csr_of(&["b.example"]));
    assert_eq!(problem(&answer), "orderNotReady");
    assert_eq!(body(&raw.look(&url))["status"], "invalid");
    assert_eq!(raw.ca.finalized_orders(), 0);
}

#[test]
fn a_challenge_fails_and_says_why() {
    let raw = Raw::registered(Settings::default());
    let (url, order) = raw.order(&["a.example", "b.example"]);
    let refused = Box::new(Problem::new(ProblemType::Connection, "refused"));
    raw.ca.inject(Endpoint::Challenge, Fault::Invalidate(refused), Times::Once);
    let shown = raw.prove(&url);
    assert_eq!(shown["status"], "invalid");
    assert_eq!(shown["error"]["identifier"]["value"], "a.example");
    let failed = body(&raw.look(order["authorizations"][0].as_str().unwrap()));
    assert_eq!(failed["status"], "invalid");
    assert_eq!(failed["challenges"][0]["error"]["detail"], "refused");
}

#[test]
fn processing_may_last_for_hours() {
    let raw = Raw::registered(Settings::default());
    let (url, _) = raw.order(&["a.example"]);
    let hours = Duration::from_secs(5 * 3600);
    raw.ca.inject(Endpoint::Challenge, Fault::Processing(hours), Times::Once);
    raw.ca.inject(Endpoint::Finalize, Fault::Processing(hours), Times::Once);
    assert_eq!(raw.prove(&url)["status"], "pending");
    raw.clock.advance(hours);
    let ready = body(&raw.look(&url));
    let finalize = ready["finalize"].as_str().unwrap();
    assert_eq!(body(&raw.post(finalize, &csr_of(&["a.example"])))["status"], "processing");
    assert_eq!(raw.ca.pending_orders(raw.clock.now()), 1);
    raw.clock.advance(hours);
    assert_eq!(body(&raw.look(&url))["status"], "valid");
}

#[test]
fn things_are_forgotten_one_by_one_and_all_at_once() {
    let mut raw = Raw::registered(Settings::default());
    let (url, _) = raw.order(&["a.example"]);
    raw.ca.inject(Endpoint::Order, Fault::Forget, Times::Once);
    assert_eq!(raw.look(&url).status(), 404);
    let (url, _) = raw.order(&["a.example"]);
    raw.ca.inject(Endpoint::Order, Fault::Amnesia, Times::Once);
    assert_eq!(problem(&raw.look(&url)), "badNonce");
    assert_eq!(problem(&raw.look(&url)), "accountDoesNotExist");
    raw.account = None;
    raw.register();
    assert_eq!(raw.look(&url).status(), 404);
    raw.ca.forget_everything();
    assert_eq!((raw.ca.accounts(), raw.ca.orders()), (0, 0));
}

#[test]
fn endpoints_move_and_objects_stay() {
    let raw = Raw::registered(Settings::default());
    let old = raw.endpoint("newOrder");
    let (url, _) = raw.order(&["a.example"]);
    raw.ca.move_endpoints();
    assert_eq!(raw.post(&old, &order_of(&["a.example"])).status(), 404);
    assert_ne!(raw.endpoint("newOrder"), old);
    assert_eq!(raw.look(&url).status(), 200);
    raw.order(&["b.example"]);
}

#[test]
fn odd_challenges_are_on_offer_and_cannot_be_accepted() {
    let raw = Raw::registered(Settings { odd_challenges: true, ..Settings::default() });
    let (_, order) = raw.order(&["a.example"]);
    let shown = body(&raw.look(order["authorizations"][0].as_str().unwrap()));
    let offered = shown["challenges"].as_array().unwrap();
    assert_eq!(offered[0]["type"], "carrier-pigeon-01");
    let tokenless: Vec<_> = offered.iter().filter(|it| it["token"].is_null()).collect();
    assert_eq!(tokenless.len(), 1);
    assert_eq!(tokenless[0]["type"], "smoke-signal-01");
    for odd in [&offered[0], tokenless[0]] {
        let answer = raw.post(odd["url"].as_str().unwrap(), &json!({}));
        assert_eq!(problem(&answer), "malformed");
    }
}

#[test]
fn leaves_have_the_flaw_that_was_asked_for() {
    for flaw in [LeafFlaw::Precertificate, LeafFlaw::WrongKey, LeafFlaw::Expired, LeafFlaw::MissingName] {
        let raw = Raw::registered(Settings::default());
        raw.ca.inject(Endpoint::Finalize, Fault::Leaf(flaw), Times::Once);
        raw.issue(&["a.example", "b.example"]);
        let issued = raw.ca.issued().remove(0);
        let (_, leaf) = X509Certificate::from_der(&issued.leaf).unwrap();
        let poisoned =
            leaf.extensions().iter().any(|it| it.critical && it.oid.to_id_string() == "1.3.6.1.4.1.11129.2.4.3");
        let wrong_key = leaf.public_key().raw != issued.csr_spki;
        let expired = leaf.validity().not_after.timestamp() < raw.clock.now().unix_seconds();
        let names = leaf.subject_alternative_name().unwrap().unwrap();
        let missing = names.value.general_names.len() < 2;
        assert_eq!(
            [poisoned, wrong_key, expired, missing],
            [
                flaw == LeafFlaw::Precertificate,
                flaw == LeafFlaw::WrongKey,
                flaw == LeafFlaw::Expired,
                flaw == LeafFlaw::MissingName,
            ]
        );
    }
}

#[test]
fn pem_comes_with_text_around_it() {
    let raw = Raw::registered(Settings::default());
    let (_, order) = raw.issue(&["a.example"]);
    raw.ca.inject(Endpoint::Certificate, Fault::DecoratedPem, Times::Once);
    let answer = raw.look(order["certificate"].as_str().unwrap());
    let text = std::str::from_utf8(answer.body()).unwrap();
    assert!(text.starts_with("subject=") && text.ends_with("all\r\n"));
    assert!(text.contains("-----BEGIN CERTIFICATE-----\r\n"));
}

#[test]
fn faults_wait_their_turn_and_can_be_healed() {
    let raw = Raw::registered(Settings::default());
    let url = raw.endpoint("newOrder");
    let wish = order_of(&["a.example"]);
    raw.ca.inject(Endpoint::NewOrder, Fault::ServerError(500), Times::OnceAfter(2));
    let statuses: Vec<u16> = (0..4).map(|_| raw.post(&url, &wish).status().as_u16()).collect();
    assert_eq!(statuses, [201, 201, 500, 201]);
    let always = raw.ca.inject(Endpoint::NewOrder, Fault::ServerError(500), Times::Always);
    assert_eq!(raw.post(&url, &wish).status(), 500);
    raw.ca.heal();
    assert_eq!(raw.post(&url, &wish).status(), 201);
    assert_eq!(raw.ca.struck(always), 1);
}

fn url_of(raw: &Raw, endpoint: Endpoint) -> String {
    let (order, shown) = raw.issue(&["a.example"]);
    let authorization = shown["authorizations"][0].as_str().unwrap().to_owned();
    let account = raw.account.clone().unwrap();
    match endpoint {
        Endpoint::Directory => raw.ca.directory_url().to_string(),
        Endpoint::NewNonce => raw.endpoint("newNonce"),
        Endpoint::NewAccount => raw.endpoint("newAccount"),
        Endpoint::Account => account,
        Endpoint::Orders => account.replace("/acct/", "/orders/"),
        Endpoint::NewOrder => raw.endpoint("newOrder"),
        Endpoint::Order => order,
        Endpoint::Authorization => authorization,
        Endpoint::Challenge => {
            let shown = body(&raw.look(&authorization));
            shown["challenges"][0]["url"].as_str().unwrap().to_owned()
        }
        Endpoint::Finalize => shown["finalize"].as_str().unwrap().to_owned(),
        Endpoint::Certificate => shown["certificate"].as_str().unwrap().to_owned(),
        Endpoint::RenewalInfo => {
            let id = raw.ca.issued().remove(0).id;
            format!("{}/{id}", raw.endpoint("renewalInfo"))
        }
        Endpoint::RevokeCert => raw.endpoint("revokeCert"),
        Endpoint::KeyChange => raw.endpoint("keyChange"),
        Endpoint::Nowhere => raw.ca.directory_url().to_string() + "/nowhere",
    }
}

/// One request without another before it: the header is made without asking the endpoint under test.
fn ask(raw: &Raw, endpoint: Endpoint, url: &str) -> http::Response<bytes::Bytes> {
    if endpoint.is_signed() {
        let mut header = json!({ "alg": "ES256", "nonce": raw.nonce(), "url": url });
        match endpoint {
            Endpoint::NewAccount => header["jwk"] = raw.jwk(),
            _ => header["kid"] = raw.account.clone().into(),
        }
        raw.send(url, &header, b"")
    } else {
        raw.get(url)
    }
}
