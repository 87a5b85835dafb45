//! HTTP-01: the table, the listener, the layer and the folder.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "http-01-listener")]
mod listener;
mod shared;
mod webroot;

use acme_core::Identifier;
use acme_core::protocol::{ChallengeType, KeyAuthorization, Url};
use certwright_solvers::{Answer, Answers, ErrorKind, Http01, Presentation, Readiness, Solver as _};

#[tokio::test]
async fn answers_are_found_by_host_and_token_and_go_one_by_one() {
    let answers = Answers::new();
    let solver = Http01::new(answers.clone());
    let one = challenge("Example.com", "one");
    let two = challenge("example.com", "two");
    let address = challenge("2001:db8::1", "three");
    for each in [&one, &two, &address, &one] {
        solver.present(each).await.unwrap();
        assert_eq!(solver.check(each).await.unwrap(), Readiness::Ready);
    }
    assert_eq!(answers.len(), 3);
    let body = |host, token| answers.http(host, token).map(|it| it.as_str().to_owned());
    assert_eq!(body("EXAMPLE.com:80", "one").as_deref(), Some("one.thumbprint"));
    assert_eq!(body("example.com.", "two").as_deref(), Some("two.thumbprint"));
    assert_eq!(body("[2001:DB8::1]:80", "three").as_deref(), Some("three.thumbprint"));
    assert_eq!(body("example.org", "one"), None);
    assert_eq!(body("example.com", "three"), None);

    solver.clean_up(&one).await.unwrap();
    solver.clean_up(&one).await.unwrap();
    assert!(matches!(solver.check(&one).await.unwrap(), Readiness::NotYet { .. }));
    assert_eq!(body("example.com", "one"), None);
    assert!(body("example.com", "two").is_some());
}

#[tokio::test]
async fn a_challenge_of_another_type_is_refused() {
    let answers = Answers::new();
    let mut other = challenge("example.com", "one");
    other.challenge = ChallengeType::Dns01;
    let error = Http01::new(answers.clone()).present(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(answers.is_empty());
}

#[tokio::test]
async fn the_newest_digest_is_shown_and_an_older_one_when_it_is_gone() {
    let answers = Answers::new();
    let digest =
        |number| Answer::TlsAlpn { identifier: Identifier::parse("example.com").unwrap(), digest: [number; 32] };
    let shown = || answers.tls_alpn("Example.com").map(|it| it.digest[0]);
    for number in [1, 2] {
        answers.publish(digest(number)).await.unwrap();
        assert_eq!(shown(), Some(number));
    }
    answers.withdraw(&digest(2)).await.unwrap();
    assert_eq!(shown(), Some(1));
    answers.withdraw(&digest(1)).await.unwrap();
    assert_eq!(shown(), None);
}

#[tokio::test]
async fn the_table_is_bounded() {
    let answers = Answers::new();
    let mut failure = None;
    for number in 0..certwright_solvers::limits::ANSWERS * 2 {
        let published = answers
            .publish(Answer::Http {
                identifier: Identifier::parse("example.com").unwrap(),
                key_authorization: KeyAuthorization::new(&number.to_string(), "thumbprint").unwrap(),
            })
            .await;
        if let Err(error) = published {
            failure = Some(error);
            break;
        }
    }
    assert_eq!(failure.unwrap().kind(), ErrorKind::Busy);
    assert!(answers.len() <= certwright_solvers::limits::ANSWERS);
}

#[test]
fn nothing_shows_a_key_authorization() {
    let presentation = challenge("example.com", "token");
    let answer = Answer::Http {
        identifier: presentation.identifier.clone(),
        key_authorization: presentation.key_authorization().unwrap().clone(),
    };
    let shown = format!("{presentation:?} {answer:?}");
    assert!(!shown.contains("thumbprint"), "{shown}");
}

fn challenge(name: &str, token: &str) -> Presentation {
    Presentation::new(
        Identifier::parse(name).unwrap(),
        ChallengeType::Http01,
        KeyAuthorization::new(token, "thumbprint").unwrap(),
        Url::parse("https://ca.test/acct/1").unwrap(),
    )
}
