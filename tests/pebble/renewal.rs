//! Renewal information and replacement (RFC 9773).

use std::time::Duration;

use acme_core::client::Call;
use acme_core::protocol::{CertificateId, NewOrder};
use acme_core::{Client as _, Clock as _, Error, ErrorKind, Timestamp};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use issuers::TokioTimer;
use issuers::chain::Leaf;
use testkit::servers::Pebble;

use crate::authority::{directory, identifiers};
use crate::by_hand;
use crate::under::{Under, under_both};

under_both! {
    renewal_information_is_what_the_ca_says,
    renewal_information_that_says_nothing_sound_is_malformed,
    a_certificate_that_the_ca_does_not_know_is_not_found,
    a_certificate_is_replaced_once,
}

async fn renewal_information_is_what_the_ca_says(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let directory = directory(&pebble);
    let session = under.account(&directory).await?;
    let finished = by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.unwrap();
    let leaf = Leaf::read(finished.chains[0].leaf().expect("a leaf")).unwrap();
    let id = leaf.id.expect("an authority key identifier");

    let fresh = directory.renewal_info(&id).await.unwrap();
    let window = fresh.info.suggested_window;
    assert!(TokioTimer.now() < window.start && window.end < leaf.not_after, "{window:?}");
    assert_eq!(fresh.retry_after, Some(Duration::from_secs(6 * 3_600)));

    let past = r#"{"suggestedWindow":{"start":"2020-01-01T00:00:00Z","end":"2020-01-02T00:00:00Z"},"explanationURL":"https://ca.test/incident"}"#;
    pebble.set_renewal_info(&finished.pem(), past);
    let told = directory.renewal_info(&id).await.unwrap();
    assert_eq!(told.info.suggested_window.end, Timestamp::parse_rfc3339("2020-01-02T00:00:00Z").unwrap());
    assert_eq!(told.info.explanation_url.as_deref(), Some("https://ca.test/incident"));
    Ok(())
}

async fn renewal_information_that_says_nothing_sound_is_malformed(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let directory = directory(&pebble);
    let session = under.account(&directory).await?;
    let finished = by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.unwrap();
    let id = Leaf::read(finished.chains[0].leaf().expect("a leaf")).unwrap().id.expect("an id");

    let backwards = r#"{"suggestedWindow":{"start":"2020-01-02T00:00:00Z","end":"2020-01-01T00:00:00Z"}}"#;
    for said in ["<html>", "{}", backwards, r#"{"suggestedWindow":{"start":"now","end":"soon"}}"#] {
        pebble.set_renewal_info(&finished.pem(), said);
        let error = directory.renewal_info(&id).await.expect_err(said);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{said}: {error}");
    }
    Ok(())
}

async fn a_certificate_that_the_ca_does_not_know_is_not_found(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let directory = directory(&pebble);
    let session = under.account(&directory).await?;
    let finished = by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.unwrap();
    let id = Leaf::read(finished.chains[0].leaf().expect("a leaf")).unwrap().id.expect("an id");
    let (issuer, _) = id.as_str().split_once('.').expect("two parts");
    let issuer = BASE64_URL_SAFE_NO_PAD.decode(issuer).expect("base64");

    let unknown = CertificateId::from_parts(&issuer, &[0x7f; 8]);
    let error = directory.renewal_info(&unknown).await.expect_err("unknown");

    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    Ok(())
}

async fn a_certificate_is_replaced_once(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let session = under.account(&directory(&pebble)).await?;
    let finished = by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.unwrap();
    let id = Leaf::read(finished.chains[0].leaf().expect("a leaf")).unwrap().id.expect("an id");
    let mut order = NewOrder::new(identifiers(&["a.test"]));
    order.replaces = Some(id.clone());

    let successor = by_hand::finish(&session, order.clone(), None).await.unwrap();

    assert_eq!(successor.made.replaces, Some(id));
    let error = session.call(&Call::NewOrder(order)).await.expect_err("it has a successor");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("alreadyReplaced"), "{error}");
    Ok(())
}
