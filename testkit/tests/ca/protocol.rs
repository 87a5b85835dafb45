//! Orders from beginning to end, and everything around them.

use std::time::Duration;

use acme_core::Clock as _;
use acme_core::protocol::CertificateId;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use certwright_testkit::ca::{Endpoint, ExternalAccounts, Profile, Settings};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::raw::{Raw, body, csr_by, csr_of, header, jwk_of, new_key, order_of, problem, sign};

#[test]
fn an_order_ends_in_a_chain_that_leads_to_the_root() {
    let raw = Raw::registered(Settings::default());
    let (_, order) = raw.issue(&["example.com", "*.example.com", "192.0.2.1"]);
    let pem = raw.look(order["certificate"].as_str().unwrap());
    assert_eq!(header(&pem, "content-type").unwrap(), "application/pem-certificate-chain");
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.body()).map(Result::unwrap).collect();
    assert_eq!(chain.len(), 2);
    let root = CertificateDer::from_pem_slice(raw.ca.root_pem(0).unwrap().as_bytes()).unwrap();
    let parsed: Vec<_> = chain.iter().chain([&root]).map(|it| X509Certificate::from_der(it).unwrap().1).collect();
    for pair in parsed.windows(2) {
        assert_eq!(pair[0].issuer(), pair[1].subject());
        pair[0].verify_signature(Some(pair[1].public_key())).unwrap();
    }
    let names = parsed[0].subject_alternative_name().unwrap().unwrap();
    assert_eq!(names.value.general_names.len(), 3);
    let now = raw.clock.now().unix_seconds();
    assert_eq!(parsed[0].validity().not_before.timestamp(), now - 3600);
    let issued = raw.ca.issued();
    assert_eq!(issued.len(), 1);
    assert_eq!(issued[0].csr_spki, parsed[0].public_key().raw);
    assert_eq!(raw.ca.finalized_orders(), 1);
    assert_eq!(raw.ca.pending_orders(raw.clock.now()), 0);
}

#[test]
fn alternates_are_other_ways_to_other_roots() {
    let raw = Raw::registered(Settings { roots: 3, intermediates: 2, ..Settings::default() });
    let (_, order) = raw.issue(&["example.com"]);
    let url = order["certificate"].as_str().unwrap();
    let answer = raw.look(url);
    let links: Vec<String> = answer
        .headers()
        .get_all("link")
        .iter()
        .map(|it| it.to_str().unwrap().to_owned())
        .filter(|it| it.contains("alternate"))
        .collect();
    assert_eq!(links.len(), 2);
    for (number, link) in links.iter().enumerate() {
        let url = link.trim_start_matches('<').split('>').next().unwrap();
        let chain: Vec<_> = CertificateDer::pem_slice_iter(raw.look(url).body()).map(Result::unwrap).collect();
        assert_eq!(chain.len(), 3);
        let root = raw.ca.root_pem(number + 1).unwrap();
        let root = CertificateDer::from_pem_slice(root.as_bytes()).unwrap();
        let root = X509Certificate::from_der(&root).unwrap().1;
        let last = X509Certificate::from_der(&chain[2]).unwrap().1;
        last.verify_signature(Some(root.public_key())).unwrap();
        let first = X509Certificate::from_der(&chain[1]).unwrap().1;
        let leaf = X509Certificate::from_der(&chain[0]).unwrap().1;
        leaf.verify_signature(Some(first.public_key())).unwrap();
    }
}

#[test]
fn ids_are_the_seeds_and_serials_are_never_the_same() {
    let settings = || Settings { seed: 7, ..Settings::default() };
    let (one, other) = (Raw::registered(settings()), Raw::registered(settings()));
    assert_eq!(one.order(&["a.example"]).0, other.order(&["a.example"]).0);
    let mut serials: Vec<String> = Vec::new();
    for _ in 0..20 {
        one.issue(&["a.example"]);
    }
    serials.extend(one.ca.issued().into_iter().map(|it| it.serial));
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 20);
}

#[test]
fn addresses_have_no_challenge_over_dns_and_wildcards_no_other() {
    let raw = Raw::registered(Settings::default());
    let kinds = |name: &str| {
        let (_, order) = raw.order(&[name]);
        let url = order["authorizations"][0].as_str().unwrap();
        let shown = body(&raw.look(url));
        let kinds: Vec<String> =
            shown["challenges"].as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap().to_owned()).collect();
        (shown, kinds)
    };
    assert_eq!(kinds("2001:db8::1").1, ["http-01", "tls-alpn-01"]);
    let (shown, offered) = kinds("*.example.com");
    assert_eq!(offered, ["dns-01", "dns-account-01"]);
    assert_eq!(shown["identifier"]["value"], "example.com");
    assert_eq!(shown["wildcard"], true);
}

#[test]
fn validation_and_issuance_take_the_time_they_are_given() {
    let hours = Duration::from_secs(3 * 3600);
    let raw = Raw::registered(Settings { validation_delay: hours, issuance_delay: hours, ..Settings::default() });
    let (url, _) = raw.order(&["example.com"]);
    assert_eq!(raw.prove(&url)["status"], "pending");
    raw.clock.advance(hours);
    let ready = body(&raw.look(&url));
    assert_eq!(ready["status"], "ready");
    let finalize = ready["finalize"].as_str().unwrap();
    let answer = raw.post(finalize, &csr_of(&["example.com"]));
    assert_eq!(body(&answer)["status"], "processing");
    assert_eq!(header(&answer, "retry-after").unwrap(), "3");
    assert_eq!(problem(&raw.post(finalize, &csr_of(&["example.com"]))), "orderNotReady");
    raw.clock.advance(hours - Duration::from_millis(1));
    assert_eq!(body(&raw.look(&url))["status"], "processing");
    raw.clock.advance(Duration::from_millis(1));
    assert_eq!(body(&raw.look(&url))["status"], "valid");
    assert_eq!(raw.ca.requests_of_order(&url.parse().unwrap()), 7);
}

#[test]
fn orders_and_authorizations_run_out() {
    let raw = Raw::registered(Settings::default());
    let (url, _) = raw.order(&["example.com"]);
    raw.clock.advance(Duration::from_secs(8 * 24 * 3600));
    assert_eq!(body(&raw.look(&url))["status"], "invalid");
}

#[test]
fn proven_authorizations_serve_later_orders_when_they_may() {
    let raw = Raw::registered(Settings { reuse_percent: 100, ..Settings::default() });
    raw.issue(&["example.com"]);
    let (_, again) = raw.order(&["example.com"]);
    assert_eq!(again["status"], "ready");
    raw.clock.advance(Duration::from_secs(31 * 24 * 3600));
    let (_, later) = raw.order(&["example.com"]);
    assert_eq!(later["status"], "pending");
}

#[test]
fn the_same_unfinished_order_comes_again_where_boulder_does_so() {
    let raw = Raw::registered(Settings { reuse_orders: true, ..Settings::default() });
    let first = raw.order(&["a.example", "b.example"]).0;
    assert_eq!(raw.order(&["b.example", "a.example"]).0, first);
    assert_ne!(raw.order(&["a.example"]).0, first);
    assert_eq!(raw.ca.orders(), 2);
}

#[test]
fn a_deactivated_authorization_takes_its_order_along() {
    let raw = Raw::registered(Settings::default());
    let (url, order) = raw.order(&["example.com"]);
    let authorization = order["authorizations"][0].as_str().unwrap();
    let answer = raw.post(authorization, &json!({ "status": "deactivated" }));
    assert_eq!(body(&answer)["status"], "deactivated");
    assert_eq!(body(&raw.look(&url))["status"], "invalid");
}

#[test]
fn signing_requests_must_ask_for_exactly_the_order() {
    let raw = Raw::registered(Settings { ed25519_leaves: false, ..Settings::default() });
    let (url, _) = raw.order(&["example.com"]);
    let ready = raw.prove(&url);
    let finalize = ready["finalize"].as_str().unwrap();
    for names in [&["example.org"][..], &["example.com", "example.org"], &[]] {
        assert_eq!(problem(&raw.post(finalize, &csr_of(names))), "badCSR");
    }
    let edwards = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let answer = raw.post(finalize, &csr_by(&edwards, &["example.com"]));
    assert_eq!(problem(&answer), "badCSR");
    let good = csr_of(&["example.com"]);
    let mut der = BASE64.decode(good["csr"].as_str().unwrap()).unwrap();
    let last = der.len() - 1;
    der[last] ^= 1;
    let answer = raw.post(finalize, &json!({ "csr": BASE64.encode(der) }));
    assert_eq!(problem(&answer), "badCSR");
    assert_eq!(body(&raw.post(finalize, &good))["status"], "valid");
}

#[test]
fn refused_names_are_named_in_subproblems() {
    let raw = Raw::registered(Settings { blocked: vec!["blocked.example".to_owned()], ..Settings::default() });
    let answer = raw.post(&raw.endpoint("newOrder"), &order_of(&["fine.example", "www.blocked.example"]));
    assert_eq!(problem(&answer), "rejectedIdentifier");
    let value = body(&answer);
    assert_eq!(value["subproblems"][0]["identifier"]["value"], "www.blocked.example");
    assert_eq!(raw.ca.orders(), 0);
    let wish = json!({ "identifiers": [{ "type": "email", "value": "a@b.example" }] });
    assert_eq!(problem(&raw.post(&raw.endpoint("newOrder"), &wish)), "unsupportedIdentifier");
}

#[test]
fn profiles_decide_the_validity_and_unknown_ones_are_refused() {
    let hours = 160 * 3600;
    let mut settings = Settings::default();
    settings.profiles.insert("shortlived".to_owned(), Profile::new("six days", Duration::from_secs(hours)));
    let raw = Raw::registered(settings);
    let directory = body(&raw.get(raw.ca.directory_url().as_str()));
    assert_eq!(directory["meta"]["profiles"]["shortlived"], "six days");
    let mut wish = order_of(&["example.com"]);
    wish["profile"] = "classic".into();
    let answer = raw.post(&raw.endpoint("newOrder"), &wish);
    assert_eq!(problem(&answer), "invalidProfile");
    wish["profile"] = "shortlived".into();
    let answer = raw.post(&raw.endpoint("newOrder"), &wish);
    let url = header(&answer, "location").unwrap();
    let ready = raw.prove(&url);
    assert_eq!(ready["profile"], "shortlived");
    raw.post(ready["finalize"].as_str().unwrap(), &csr_of(&["example.com"]));
    let leaf = raw.ca.issued().remove(0).leaf;
    let validity = X509Certificate::from_der(&leaf).unwrap().1.validity().clone();
    let life = validity.not_after.timestamp() - validity.not_before.timestamp();
    assert_eq!(life, i64::try_from(hours).unwrap());
}

#[test]
fn dates_of_an_order_are_the_certificates() {
    let raw = Raw::registered(Settings::default());
    let until = raw.clock.now() + Duration::from_secs(5 * 24 * 3600);
    let mut wish = order_of(&["example.com"]);
    wish["notAfter"] = json!(until);
    let answer = raw.post(&raw.endpoint("newOrder"), &wish);
    let url = header(&answer, "location").unwrap();
    let ready = raw.prove(&url);
    raw.post(ready["finalize"].as_str().unwrap(), &csr_of(&["example.com"]));
    let leaf = raw.ca.issued().remove(0).leaf;
    let validity = X509Certificate::from_der(&leaf).unwrap().1.validity().clone();
    assert_eq!(validity.not_after.timestamp(), until.unix_seconds());
    raw.ca.change(|it| it.order_dates = false);
    assert_eq!(problem(&raw.post(&raw.endpoint("newOrder"), &wish)), "malformed");
}

#[test]
fn a_certificate_is_replaced_once() {
    let raw = Raw::registered(Settings::default());
    raw.issue(&["example.com"]);
    let id = raw.ca.issued().remove(0).id;
    let mut wish = order_of(&["other.example"]);
    wish["replaces"] = json!(id);
    let new_order = raw.endpoint("newOrder");
    assert_eq!(raw.post(&new_order, &wish).status(), 400);
    wish["identifiers"] = order_of(&["example.com"])["identifiers"].clone();
    let first = raw.post(&new_order, &wish);
    assert_eq!(first.status(), 201);
    assert_eq!(body(&first)["replaces"], json!(id));
    let second = raw.post(&new_order, &wish);
    assert_eq!((second.status().as_u16(), problem(&second)), (409, "alreadyReplaced".to_owned()));
    // An order that failed replaces nothing.
    let authorization = body(&first)["authorizations"][0].as_str().unwrap().to_owned();
    raw.post(&authorization, &json!({ "status": "deactivated" }));
    assert_eq!(raw.post(&new_order, &wish).status(), 201);
}

#[test]
fn renewal_information_is_natural_programmed_or_nonsense() {
    let raw = Raw::registered(Settings::default());
    raw.issue(&["example.com"]);
    let id = raw.ca.issued().remove(0).id;
    let url = |id: &CertificateId| format!("{}/{id}", raw.endpoint("renewalInfo"));
    let natural = raw.get(&url(&id));
    assert_eq!(header(&natural, "retry-after").unwrap(), "21600");
    let start = body(&natural)["suggestedWindow"]["start"].clone();
    assert_eq!(start, "2026-03-03T02:04:05Z");
    let (from, to) = (raw.clock.now(), raw.clock.now() + Duration::from_secs(60));
    raw.ca.set_renewal_window_of(&id, to, from);
    let programmed = body(&raw.get(&url(&id)));
    assert_eq!(programmed["suggestedWindow"]["start"], json!(to));
    raw.ca.clear_renewal_windows();
    raw.ca.set_renewal_body("<html>");
    assert_eq!(raw.get(&url(&id)).body().as_ref(), b"<html>");
    raw.ca.clear_renewal_windows();
    raw.ca.revoke(&id, raw.clock.now());
    let window = body(&raw.get(&url(&id)));
    assert_eq!(window["suggestedWindow"]["end"], json!(raw.clock.now()));
    let stranger = CertificateId::from_parts(b"who", b"knows");
    assert_eq!(raw.get(&url(&stranger)).status(), 404);
}

#[test]
fn certificates_are_revoked_once_by_account_or_by_key() {
    let raw = Raw::registered(Settings::default());
    let names = ["example.com"];
    raw.issue(&names);
    let revoke = raw.endpoint("revokeCert");
    let issued = raw.ca.issued().remove(0);
    let wish = |reason: u8| json!({ "certificate": BASE64.encode(&issued.leaf), "reason": reason });
    let mut stranger = Raw::on(raw.ca.clone(), raw.clock.clone());
    stranger.register();
    assert_eq!(stranger.post(&revoke, &wish(0)).status(), 403);
    assert_eq!(problem(&raw.post(&revoke, &wish(3))), "badRevocationReason");
    assert_eq!(raw.post(&revoke, &wish(4)).status(), 200);
    assert_eq!(raw.ca.revocation(&issued.id), Some(4));
    assert_eq!(problem(&raw.post(&revoke, &wish(4))), "alreadyRevoked");
}

#[test]
fn whoever_proved_every_name_may_revoke() {
    let raw = Raw::registered(Settings::default());
    raw.issue(&["example.com"]);
    let issued = raw.ca.issued().remove(0);
    let mut other = Raw::on(raw.ca.clone(), raw.clock.clone());
    other.register();
    let (url, _) = other.order(&["example.com"]);
    other.prove(&url);
    let wish = json!({ "certificate": BASE64.encode(&issued.leaf) });
    assert_eq!(other.post(&other.endpoint("revokeCert"), &wish).status(), 200);
}

#[test]
fn keys_are_changed_with_the_consent_of_both() {
    let mut raw = Raw::registered(Settings::default());
    let account = raw.account.clone().unwrap();
    let url = raw.endpoint("keyChange");
    let new = new_key();
    let inner = |key, old: &serde_json::Value| {
        let header = json!({ "alg": "ES256", "jwk": jwk_of(key), "url": url });
        let payload = json!({ "account": account, "oldKey": old });
        sign(key, &header, payload.to_string().as_bytes())
    };
    let wrong = inner(&new, &jwk_of(&new));
    assert_eq!(problem(&raw.post(&url, &wrong)), "malformed");
    let mut other = Raw::on(raw.ca.clone(), raw.clock.clone());
    other.register();
    let taken = raw.post(&url, &inner(&other.key, &raw.jwk()));
    assert_eq!(taken.status(), 409);
    assert_eq!(header(&taken, "location"), other.account);
    let right = inner(&new, &raw.jwk());
    assert_eq!(raw.post(&url, &right).status(), 200);
    assert_eq!(problem(&raw.look(&account)), "malformed");
    raw.key = new;
    assert_eq!(raw.look(&account).status(), 200);
}

#[test]
fn accounts_are_found_changed_and_given_up() {
    let mut raw = Raw::new(Settings::default());
    let url = raw.endpoint("newAccount");
    let only = json!({ "onlyReturnExisting": true });
    assert_eq!(problem(&raw.post(&url, &only)), "accountDoesNotExist");
    assert_eq!(problem(&raw.post(&url, &json!({}))), "userActionRequired");
    for (contact, kind) in [("tel:+431", "unsupportedContact"), ("mailto:nobody", "invalidContact")] {
        let wish = json!({ "termsOfServiceAgreed": true, "contact": [contact] });
        assert_eq!(problem(&raw.post(&url, &wish)), kind);
    }
    let wish = json!({ "termsOfServiceAgreed": true, "contact": ["mailto:a@b.example"] });
    let made = raw.post(&url, &wish);
    assert_eq!(made.status(), 201);
    let account = header(&made, "location").unwrap();
    let found = raw.post(&url, &only);
    assert_eq!((found.status().as_u16(), header(&found, "location")), (200, Some(account.clone())));
    raw.account = Some(account.clone());
    let wish = json!({ "contact": ["mailto:c@d.example"] });
    assert_eq!(body(&raw.post(&account, &wish))["contact"][0], "mailto:c@d.example");
    let given_up = raw.post(&account, &json!({ "status": "deactivated" }));
    assert_eq!(body(&given_up)["status"], "deactivated");
    assert_eq!(problem(&raw.look(&account)), "unauthorized");
}

#[test]
fn lists_of_orders_come_in_pages() {
    let raw = Raw::registered(Settings { order_lists: true, orders_per_page: 2, ..Settings::default() });
    let orders: Vec<String> = (0..5).map(|it| raw.order(&[&format!("{it}.example")]).0).collect();
    let account = body(&raw.look(raw.account.as_ref().unwrap()));
    let mut next = Some(account["orders"].as_str().unwrap().to_owned());
    let mut found = Vec::new();
    while let Some(url) = next {
        let answer = raw.look(&url);
        for order in body(&answer)["orders"].as_array().unwrap() {
            found.push(order.as_str().unwrap().to_owned());
        }
        next = answer
            .headers()
            .get_all("link")
            .iter()
            .map(|it| it.to_str().unwrap())
            .find(|it| it.ends_with(r#"rel="next""#))
            .map(|it| it.trim_start_matches('<').split('>').next().unwrap().to_owned());
    }
    assert_eq!(found, orders);
    assert_eq!(raw.ca.requests(Endpoint::Orders), 3);
}

#[test]
fn an_external_account_is_required_where_it_is() {
    let raw = Raw::new(Settings { external_accounts: ExternalAccounts::Required, ..Settings::default() });
    let wish = json!({ "termsOfServiceAgreed": true });
    let answer = raw.post(&raw.endpoint("newAccount"), &wish);
    assert_eq!(problem(&answer), "externalAccountRequired");
}
