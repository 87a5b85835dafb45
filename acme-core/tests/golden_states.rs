//! Stored states are a file format: the bytes of this release, byte for byte, and that they are read for as long as promised.

use std::time::Duration;

use certwright_acme_core as acme_core;

use acme_core::Timestamp;
use acme_core::flow::{
    AccountEvent, AccountFlow, AccountPlan, Choice, Issuance, IssuanceAction, IssuanceEvent, IssuancePlan, OrderAction,
    OrderEvent, OrderPace,
};
use acme_core::protocol::{ChallengeType, NewOrder};

const MAYBE_ORDERED: &str = include_str!("golden/0.1/issuance-maybe-ordered.json");
const PRESENTING: &str = include_str!("golden/0.1/issuance-presenting.json");
const ACCOUNT: &str = include_str!("golden/0.1/account-changing-key.json");

fn begin() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000)
}

fn ordered() -> (Issuance, IssuanceAction) {
    let order = NewOrder::new(["example.com".parse().expect("a name"), "*.example.com".parse().expect("a name")]);
    let flow = Issuance::new(IssuancePlan::new(order.clone()), begin());
    (flow, IssuanceAction::Order(OrderAction::Create(order)))
}

fn presenting() -> Issuance {
    let (mut flow, _) = ordered();
    let order = serde_json::from_value(serde_json::json!({
        "status": "pending",
        "finalize": "https://ca.test/finalize/1",
        "authorizations": ["https://ca.test/authorization/1", "https://ca.test/authorization/2"],
    }))
    .expect("an order");
    let url = "https://ca.test/order/1".parse().expect("a URL");
    let _ = flow.apply(IssuanceEvent::Order(OrderEvent::Created { url, order, retry_after: None }), begin());
    let authorization = serde_json::from_value(serde_json::json!({
        "status": "pending",
        "identifier": {"type": "dns", "value": "example.com"},
        "wildcard": true,
        "challenges": [{"type": "dns-01", "status": "pending", "url": "https://ca.test/challenge/1", "token": "abc"}],
    }))
    .expect("an authorization");
    let event = IssuanceEvent::Authorization {
        url: "https://ca.test/authorization/2".parse().expect("a URL"),
        authorization: Box::new(authorization),
        choice: Ok(Choice::new("dns".into(), ChallengeType::Dns01)),
    };
    let _ = flow.apply(event, begin() + Duration::from_millis(120));
    flow
}

fn account() -> AccountFlow {
    let plan = AccountPlan::new(vec!["mailto:ops@example.com".to_owned()]);
    let mut flow = AccountFlow::new(plan, OrderPace::default(), begin());
    let url = "https://ca.test/account/1".parse().expect("a URL");
    let _ = flow.apply(AccountEvent::Registered { url, contact: vec!["mailto:ops@example.com".to_owned()] }, begin());
    let _ = flow.apply(AccountEvent::KeyWanted, begin());
    flow
}

#[test]
fn states_are_written_as_they_were_in_0_1() {
    let (flow, action) = ordered();
    assert_eq!(text(flow.before(&action).encode()), MAYBE_ORDERED.trim_end());
    assert_eq!(text(presenting().encode()), PRESENTING.trim_end());
    assert_eq!(text(account().encode()), ACCOUNT.trim_end());
}

#[test]
fn states_of_0_1_are_read() {
    let (flow, action) = ordered();
    assert_eq!(Issuance::decode(MAYBE_ORDERED.as_bytes()).expect("read"), flow.before(&action));
    assert_eq!(Issuance::decode(PRESENTING.as_bytes()).expect("read"), presenting());
    assert_eq!(AccountFlow::decode(ACCOUNT.as_bytes()).expect("read"), account());
}

#[test]
fn members_of_later_minors_are_passed_over() {
    let later = PRESENTING.replacen("\"state\":{", "\"state\":{\"later\":true,", 1);
    assert_eq!(Issuance::decode(later.as_bytes()).expect("read"), presenting());
}

fn text(bytes: Result<Vec<u8>, acme_core::Error>) -> String {
    String::from_utf8(bytes.expect("bytes")).expect("text")
}
