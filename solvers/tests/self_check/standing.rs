//! What follows from several looks.

use certwright_solvers::http01::self_check::{Fault, Look, Rules, Standing, Verdict};
use tokio::net::TcpListener;

use super::server::{serve, to};
use super::*;

#[tokio::test]
async fn passes_count_only_in_a_row() {
    let rules = Rules::default();
    let mut standing = Standing::new();
    let mut next = |look: &Look, at: Timestamp| standing.next(look, &rules, at);
    let half = Duration::from_millis(500);
    assert_eq!(next(&Look::Passed, START), Verdict::Again(START + half));
    assert_eq!(next(&Look::Passed, START), Verdict::Again(START + half));
    let wrong = wrong().await;
    assert_eq!(next(&wrong, START), Verdict::Again(START + Duration::from_secs(2)));
    assert_eq!(next(&Look::Passed, START), Verdict::Again(START + half));
    assert_eq!(next(&Look::Passed, START), Verdict::Again(START + half));
    assert_eq!(next(&Look::Passed, START), Verdict::Ready);
    assert_eq!(next(&Look::Passed, START), Verdict::Ready, "and stays so");
}

#[tokio::test]
async fn who_is_never_answered_asks_blindly_in_the_end_and_who_is_answered_wrongly_never() {
    let rules = Rules::default();
    let patience = rules.blind_after.unwrap();
    let mut standing = Standing::new();
    let again = |at: Timestamp| Verdict::Again(at + rules.again_after);
    let (silence, wrong) = (silence().await, wrong().await);

    assert_eq!(standing.next(&silence, &rules, START), again(START));
    let late = START + patience;
    assert_eq!(standing.next(&wrong, &rules, late), again(late), "a wrong answer begins anew");
    assert_eq!(standing.next(&silence, &rules, late), again(late));
    let later = late + patience - rules.again_after;
    assert_eq!(standing.next(&silence, &rules, later), again(later));
    assert_eq!(standing.next(&silence, &rules, late + patience), Verdict::ReadyUnseen);
    for _ in 0..100 {
        let answered = standing.next(&wrong, &rules, Timestamp::MAX);
        assert!(matches!(answered, Verdict::Again(_)), "{answered:?}");
    }

    let required = Rules { blind_after: None, ..rules };
    let mut standing = Standing::new();
    for days in 0..40 {
        let now = START + days * patience;
        assert_eq!(standing.next(&silence, &required, now), again(now));
    }
}

#[tokio::test]
async fn an_address_that_is_not_asked_is_no_silence() {
    let address = serve(|_| to(302, "/")).await;
    let guarded = over(transport(address).only_addresses(|_| false), address.port());
    let forbidden = guarded.look(&challenge("example.com")).await.unwrap();
    let mut standing = Standing::new();
    standing.next(&forbidden, &Rules::default(), START);
    assert_eq!(standing.unreachable_since, None);
}

/// A wrong status.
async fn wrong() -> Look {
    let address = serve(|_| to(404, "")).await;
    let look = check(address).look(&challenge("example.com")).await.unwrap();
    assert!(matches!(&look, Look::Missed(miss) if matches!(miss.fault, Fault::Status(_))));
    look
}

/// No answer at all.
async fn silence() -> Look {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    check(closed).look(&challenge("example.com")).await.unwrap()
}

const START: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);
