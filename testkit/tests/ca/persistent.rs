//! `dns-persist-01` at the model certificate authority, in both revisions.

use acme_core::hash::sha256;
use acme_core::protocol::ChallengeType;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use certwright_testkit::ca::{Accounts, ByTable, ModelCa, Persistence, Settings};
use certwright_testkit::{SimDns, VirtualClock};
use serde_json::{Value, json};

use crate::raw::{Raw, body, jwk_of, new_key, sign};

const OWNER: &str = "_validation-persist.example.com";

#[test]
fn the_challenge_names_issuers_and_the_account_and_has_no_token() {
    let (raw, _) = raw(Accounts::ByUrl);
    let challenge = offered(&raw, "*.example.com");
    assert_eq!(challenge["token"], Value::Null);
    assert_eq!(challenge["issuer-domain-names"], json!(["ca.test"]));
    assert_eq!(challenge["accounturi"], json!(raw.account));

    let (raw, _) = self::raw(Accounts::ByHash);
    let challenge = offered(&raw, "example.com");
    assert_eq!(challenge["issuerDomainNames"], json!(["ca.test"]));
    assert_eq!((&challenge["accounturi"], &challenge["issuer-domain-names"]), (&Value::Null, &Value::Null));
    let meta = &body(&raw.get(raw.ca.directory_url().as_str()))["meta"];
    assert_eq!(meta["accountHashPrefix"], "https://ca.test/account-hash/");
    assert_eq!(meta["issuerDomainNames"], json!(["ca.test"]));
}

#[test]
fn one_record_that_is_right_is_enough_and_others_say_why_they_are_not() {
    let account = "accounturi=ACCOUNT";
    for (name, texts, outcome) in [
        ("example.com", vec![format!("ca.test; {account}")], "valid"),
        ("example.com", vec![format!("ca.test; {account}; policy=wildcard; persistUntil=99999999999")], "valid"),
        ("*.example.com", vec![format!("ca.test;{account};Policy=WILDCARD")], "valid"),
        ("example.com", vec!["other".to_owned(), "ca.test; x".to_owned(), format!("ca.test; {account}")], "valid"),
        ("*.example.com", vec![format!("ca.test; {account}")], "unauthorized"),
        ("example.com", vec!["ca.test; accounturi=https://ca.test/acct/other".to_owned()], "unauthorized"),
        ("example.com", vec![format!("other.test; {account}")], "unauthorized"),
        ("example.com", vec![format!("ca.test; {account}; persistUntil=1")], "unauthorized"),
        ("example.com", vec![format!("ca.test; {account}; persistUntil=soon")], "malformed"),
        ("example.com", vec![format!("ca.test; {account}; {account}")], "malformed"),
        ("example.com", vec![format!("ca.test; {account};")], "malformed"),
        ("example.com", vec!["ca.test; policy=wildcard".to_owned()], "malformed"),
        ("example.com", vec![], "unauthorized"),
    ] {
        let (raw, dns) = raw(Accounts::ByUrl);
        for text in &texts {
            dns.add_txt(OWNER, &text.replace("ACCOUNT", raw.account.as_ref().unwrap()));
        }
        assert_eq!(verdict(&raw, name), outcome, "{name}: {texts:?}");
    }
}

#[test]
fn hashed_accounts_count_for_their_name_or_any_and_for_keys_that_were_changed() {
    for (name, outcome) in [("example.com", "valid"), ("*", "valid"), ("other.example", "unauthorized")] {
        let (mut raw, dns) = raw(Accounts::ByHash);
        dns.add_txt(OWNER, &format!("ca.test; accounturi={}", hashed(&raw, name)));
        assert_eq!(verdict(&raw, "example.com"), outcome, "{name}");
        change_key(&mut raw);
        assert_eq!(verdict(&raw, "example.com"), outcome, "{name} after the key was changed");
    }
    let (raw, dns) = raw(Accounts::ByHash);
    dns.add_txt(OWNER, &format!("ca.test; accounturi={}", raw.account.as_ref().unwrap()));
    assert_eq!(verdict(&raw, "example.com"), "unauthorized");
}

fn raw(accounts: Accounts) -> (Raw, SimDns) {
    let dns = SimDns::new();
    let settings = Settings {
        challenges: vec![ChallengeType::DnsPersist01],
        persistence: Persistence { accounts, ..Persistence::default() },
        ..Settings::default()
    };
    let ca = ModelCa::with_validator(settings, ByTable::new(&dns));
    let mut raw = Raw::on(ca, VirtualClock::new());
    raw.register();
    (raw, dns)
}

fn offered(raw: &Raw, name: &str) -> Value {
    let (_, order) = raw.order(&[name]);
    let shown = body(&raw.look(order["authorizations"][0].as_str().unwrap()));
    assert_eq!(shown["challenges"].as_array().unwrap().len(), 1);
    shown["challenges"][0].clone()
}

/// `valid`, or the last word of the problem's type.
fn verdict(raw: &Raw, name: &str) -> String {
    let challenge = offered(raw, name);
    let url = challenge["url"].as_str().unwrap();
    assert_eq!(raw.post(url, &json!({})).status(), 200);
    let shown = body(&raw.look(url));
    let end = shown["error"]["type"].as_str().map(|it| it.rsplit(':').next().unwrap().to_owned());
    end.unwrap_or_else(|| shown["status"].as_str().unwrap().to_owned())
}

fn hashed(raw: &Raw, name: &str) -> String {
    let account = raw.account.as_ref().unwrap();
    let length = char::from(u8::try_from(name.len()).unwrap());
    let digest = sha256(format!("{length}{name}{}{account}", raw.thumbprint()).as_bytes());
    format!("https://ca.test/account-hash/sha-256/{}", BASE64.encode(digest))
}

fn change_key(raw: &mut Raw) {
    let url = raw.endpoint("keyChange");
    let new = new_key();
    let header = json!({ "alg": "ES256", "jwk": jwk_of(&new), "url": url });
    let payload = json!({ "account": raw.account, "oldKey": raw.jwk() });
    assert_eq!(raw.post(&url, &sign(&new, &header, payload.to_string().as_bytes())).status(), 200);
    raw.key = new;
}
