//! Records that stay (`dns-persist-01`), in BIND.

use acme_core::protocol::{DirectoryObject, PersistentAccount, PersistentOffer, PersistentProof};
use certwright_solvers::{DnsPersist01, ErrorKind, Readiness, Retry, Selector, Solver as _, Solvers};
use testkit::servers::{Bind, Zone};

use super::*;

const OWNER: &str = "_validation-persist.example.org";

#[tokio::test]
async fn what_is_missing_is_written_once_and_stays() {
    let server = Bind::builder().zone(example()).start();
    let solver = persistent(&server);
    let challenge = asked("example.org");
    assert!(matches!(solver.check(&challenge).await.unwrap(), Readiness::NotYet { .. }));
    for _ in 0..3 {
        solver.present(&challenge).await.unwrap();
        assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
        solver.clean_up(&challenge).await.unwrap();
    }
    assert_eq!(server.txt(OWNER), ["ca.test; accounturi=https://ca.test/acct/1"]);
    assert_eq!(changes(&server), 1);
    solver.remove(&challenge).await.unwrap();
    assert!(server.txt(OWNER).is_empty());
}

#[tokio::test]
async fn a_record_that_somebody_published_is_enough() {
    let by_hand = "_validation-persist IN TXT \"other.test;accounturi=\" \"https://ca.test/acct/1; Policy=Wildcard\"";
    let server = Bind::builder().zone(Zone::new("example.org").record(by_hand)).start();
    let solver = DnsPersist01::published_elsewhere(resolver(&server));
    for name in ["example.org", "*.example.org"] {
        solver.present(&asked(name)).await.unwrap();
        assert_eq!(solver.check(&asked(name)).await.unwrap(), Readiness::Ready);
    }
    assert_eq!(changes(&server), 0);
}

#[tokio::test]
async fn who_publishes_elsewhere_is_told_the_record() {
    let server = Bind::builder().zone(Zone::new("example.org")).start();
    let solver = DnsPersist01::published_elsewhere(resolver(&server));
    let error = solver.present(&asked("*.example.org")).await.unwrap_err();
    let wanted = "publish the TXT record \"ca.test; accounturi=https://ca.test/acct/1; policy=wildcard\" at \
                  _validation-persist.example.org, and leave it there";
    assert!(error.to_string().ends_with(wanted), "{error}");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::NotFound, Retry::Backoff));
    assert_eq!(solver.remove(&asked("example.org")).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_record_that_is_too_long_for_one_string_is_published_by_hand_and_read() {
    let account = format!("https://ca.test/acct/{}", "a".repeat(300));
    let challenge = asked_by("example.org", &account);
    let server = Bind::builder().zone(example()).start();
    let error = persistent(&server).present(&challenge).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
    let value = persistent(&server).record(&challenge).unwrap().value;
    let told = format!("publish the TXT record {value:?} by hand, in several strings, and leave it there");
    assert!(error.to_string().ends_with(&told), "{error}");
    assert_eq!(changes(&server), 0);

    let (front, back) = value.split_at(200);
    let by_hand = example().record(&format!("_validation-persist IN TXT \"{front}\" \"{back}\""));
    let server = Bind::builder().zone(by_hand).start();
    for solver in [persistent(&server), DnsPersist01::published_elsewhere(resolver(&server))] {
        solver.present(&challenge).await.unwrap();
        assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
    }
    assert_eq!(changes(&server), 0);
}

#[tokio::test]
async fn a_wildcard_wants_a_record_that_covers_it() {
    let server = Bind::builder().zone(example()).start();
    let solver = persistent(&server);
    solver.present(&asked("example.org")).await.unwrap();
    assert!(matches!(solver.check(&asked("*.example.org")).await.unwrap(), Readiness::NotYet { .. }));
    solver.present(&asked("*.example.org")).await.unwrap();
    assert_eq!(server.txt(OWNER).len(), 2);

    let server = Bind::builder().zone(example()).start();
    let solver = persistent(&server).covering_wildcards();
    for name in ["example.org", "*.example.org"] {
        solver.present(&asked(name)).await.unwrap();
    }
    assert_eq!(server.txt(OWNER), ["ca.test; accounturi=https://ca.test/acct/1; policy=wildcard"]);
    assert_eq!(changes(&server), 1);
}

#[tokio::test]
async fn a_record_that_ends_soon_is_followed_by_another() {
    let soon = wall().now() + std::time::Duration::from_secs(1800);
    let line = format!(
        "_validation-persist IN TXT \"ca.test; accounturi=https://ca.test/acct/1; persistUntil={}\"",
        soon.unix_seconds()
    );
    let server = Bind::builder().zone(example().record(&line)).start();
    let refused = persistent(&server).until(soon).present(&asked("example.org")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.retry()), (ErrorKind::Refused, Retry::Never));
    let later = soon + std::time::Duration::from_secs(7200);
    let solver = persistent(&server).until(later);
    solver.present(&asked("example.org")).await.unwrap();
    assert_eq!(solver.check(&asked("example.org")).await.unwrap(), Readiness::Ready);
    let wanted = format!("persistUntil={}", later.unix_seconds());
    assert!(server.txt(OWNER).iter().any(|it| it.ends_with(&wanted)), "{:?}", server.txt(OWNER));
}

#[tokio::test]
async fn the_record_is_written_at_the_end_of_a_delegation() {
    let from = Zone::new("example.com").record("_validation-persist IN CNAME proof.example.org.");
    let server = Bind::builder().zone(from).zone(example()).start();
    let solver = persistent(&server);
    let challenge = asked("example.com");
    solver.present(&challenge).await.unwrap();
    assert_eq!(server.txt("proof.example.org").len(), 1);
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
}

#[tokio::test]
async fn other_types_are_refused() {
    let server = Bind::builder().zone(example()).start();
    let solver = persistent(&server);
    let other = challenge("example.org", "token");
    assert_eq!(solver.present(&other).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(solver.check(&other).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(solver.clean_up(&other).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(changes(&server), 0);
}

#[tokio::test]
async fn the_choice_between_types_is_explicit_and_can_be_printed() {
    let server = Bind::builder().zone(example()).start();
    let solvers = Solvers::new().with("stays", persistent(&server), Selector::any()).with(
        "each-time",
        solver(&server),
        Selector::any(),
    );
    let explain = |offered: &[ChallengeType]| {
        let name = Identifier::parse("example.org").unwrap();
        solvers.explain(&name, true, offered, &std::collections::BTreeMap::new()).to_string()
    };
    assert_eq!(
        explain(&[ChallengeType::Dns01, ChallengeType::DnsPersist01]),
        "*.example.org: `stays` (dns-persist-01)\n  not `each-time` (dns-01): another one is more specific or was registered earlier"
    );
    assert_eq!(
        explain(&[ChallengeType::Dns01]),
        "*.example.org: `each-time` (dns-01)\n  not `stays` (dns-persist-01): the certificate authority does not offer its challenge"
    );
}

fn persistent(server: &Bind) -> DnsPersist01 {
    DnsPersist01::new(provider(server, &key()), resolver(server))
}

/// A challenge of a server that names two issuers.
pub(crate) fn asked(name: &str) -> Presentation {
    asked_by(name, "https://ca.test/acct/1")
}

fn asked_by(name: &str, account: &str) -> Presentation {
    let url = |text: &str| Url::parse(text).unwrap();
    let (directory, account) = (url("https://ca.test/directory"), url(account));
    let object: DirectoryObject = serde_json::from_value(serde_json::json!({
        "newNonce": "https://ca.test/nonce", "newAccount": "https://ca.test/account", "newOrder": "https://ca.test/order",
    }))
    .unwrap();
    let offer = PersistentOffer::read(&["ca.test".to_owned(), "other.test".to_owned()], None).unwrap();
    let by = PersistentAccount { directory: &directory, url: &account, thumbprint: "thumbprint" };
    let identifier = Identifier::parse(name).unwrap();
    let proof = PersistentProof::new(&offer, &identifier.dns().unwrap().base(), by, &object).unwrap();
    Presentation::new(identifier, ChallengeType::DnsPersist01, proof, account)
}

/// How often an update added a record.
fn changes(server: &Bind) -> usize {
    server.log().matches("adding an RR at").count()
}
