//! Orders taken through their steps by hand.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use acme_core::client::{Answer, Call};
use acme_core::protocol::{AuthorizationStatus, NewOrder};
use acme_core::{Client as _, Clock as _, Error, ErrorKind, Retry};
use issuers::TokioTimer;
use issuers::chain::{Leaf, topmost_issuer};
use solvers::http01::listener::Listener;
use solvers::{Answers, Http01};
use testkit::servers::{ChallTestSrv, Endpoint, Pebble};

use crate::authority::{directory, identifiers};
use crate::under::{Under, under_both};
use crate::{by_hand, openssl};

under_both! {
    a_name_is_proven_over_http_and_openssl_trusts_what_is_issued,
    an_address_is_proven_over_http,
    nine_nonces_of_ten_may_be_refused,
    every_alternate_chain_is_fetched_and_leads_to_a_root_of_its_own,
    the_profile_decides_how_long_a_certificate_lives,
    the_end_of_validity_is_what_was_asked_for,
    an_authorization_that_was_given_up_is_not_used_again,
    a_name_on_the_ca_s_blocklist_is_refused_for_good,
    an_order_of_a_ca_that_forgot_everything_is_not_found,
}

async fn a_name_is_proven_over_http_and_openssl_trusts_what_is_issued(under: Under) -> Result<(), Error> {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let answers = Answers::new();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, pebble.http_port()));
    let listener = Listener::bind(address, answers.clone()).await.unwrap();
    tokio::spawn(listener.serve());
    let session = under.account(&directory(&pebble)).await?;
    let solver = Http01::new(answers.clone());

    let order = NewOrder::new(identifiers(&["example.test", "www.example.test"]));
    let finished = by_hand::finish(&session, order, Some(&solver)).await.unwrap();

    openssl::verify(&pebble.issuance_root_pem(0), &finished.pem());
    assert_eq!(openssl::names(&finished.pem()), ["DNS:example.test", "DNS:www.example.test"]);
    let key = openssl::private_public_key(finished.key.to_pem().expose());
    assert_eq!(openssl::certificate_public_key(&finished.pem()), key);
    assert!(answers.is_empty());
    Ok(())
}

async fn an_address_is_proven_over_http(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().start();
    let answers = Answers::new();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, pebble.http_port()));
    tokio::spawn(Listener::bind(address, answers.clone()).await.unwrap().serve());
    let session = under.account(&directory(&pebble)).await?;

    let order = NewOrder::new(identifiers(&["127.0.0.1"]));
    let finished = by_hand::finish(&session, order, Some(&Http01::new(answers))).await.unwrap();

    openssl::verify(&pebble.issuance_root_pem(0), &finished.pem());
    assert_eq!(openssl::names(&finished.pem()), ["IP Address:127.0.0.1"]);
    Ok(())
}

async fn nine_nonces_of_ten_may_be_refused(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().nonce_reject(90).always_valid().start();
    let session = under.account(&directory(&pebble)).await?;

    let order = NewOrder::new(identifiers(&["a.test", "b.test"]));
    let finished = by_hand::finish(&session, order, None).await.unwrap();

    openssl::verify(&pebble.issuance_root_pem(0), &finished.pem());
    // Each refusal carries a fresh nonce: none is fetched for a retry.
    let asked = pebble.requests();
    assert!(asked.count(Endpoint::NewNonce) <= 3, "{asked}");
    Ok(())
}

async fn every_alternate_chain_is_fetched_and_leads_to_a_root_of_its_own(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().alternate_roots(2).chain_length(2).start();
    let session = under.account(&directory(&pebble)).await?;

    let finished = by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.unwrap();

    assert_eq!(finished.chains.len(), 3);
    for (number, chain) in finished.chains.iter().enumerate() {
        assert_eq!(chain.certificates().len(), 3, "a leaf and two intermediates");
        openssl::verify(&pebble.issuance_root_pem(number), &issuers::chain::to_pem(chain));
    }
    let mut issuers: Vec<_> = finished.chains.iter().map(|chain| topmost_issuer(chain).expect("a name")).collect();
    issuers.sort();
    issuers.dedup();
    assert_eq!(issuers.len(), 3, "{issuers:?}");
    Ok(())
}

async fn the_profile_decides_how_long_a_certificate_lives(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder()
        .strict()
        .always_valid()
        .profile("classic", Duration::from_secs(90 * 86_400))
        .profile("shortlived", Duration::from_secs(6 * 86_400))
        .start();
    let session = under.account(&directory(&pebble)).await?;
    let mut order = NewOrder::new(identifiers(&["a.test"]));
    order.profile = Some("shortlived".to_owned());

    let finished = by_hand::finish(&session, order.clone(), None).await.unwrap();

    assert_eq!(finished.made.profile.as_deref(), Some("shortlived"));
    let leaf = Leaf::read(finished.chains[0].leaf().expect("a leaf")).unwrap();
    assert!(leaf.not_after.since(leaf.not_before) <= Duration::from_secs(6 * 86_400 + 1), "{leaf:?}");

    order.profile = Some("long\nlived".to_owned());
    let error = session.call(&Call::NewOrder(order)).await.expect_err("there is none");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
    let said = error.to_string();
    assert!(said.ends_with(r#"does not offer the profile "long\nlived"; it offers classic, shortlived"#), "{said}");
    assert_eq!(pebble.requests().count(Endpoint::NewOrder), 1, "nothing was sent");
    Ok(())
}

async fn the_end_of_validity_is_what_was_asked_for(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let session = under.account(&directory(&pebble)).await?;
    let end = TokioTimer.now() + Duration::from_secs(5 * 86_400);
    let mut order = NewOrder::new(identifiers(&["a.test"]));
    order.not_after = Some(end);

    let finished = by_hand::finish(&session, order, None).await?;

    assert_eq!(finished.made.not_after.expect("shown").unix_seconds(), end.unix_seconds());
    let leaf = Leaf::read(finished.chains[0].leaf().expect("a leaf")).unwrap();
    assert_eq!(leaf.not_after.unix_seconds(), end.unix_seconds());
    Ok(())
}

async fn an_authorization_that_was_given_up_is_not_used_again(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().authz_reuse(100).start();
    let session = under.account(&directory(&pebble)).await?;
    let order = || NewOrder::new(identifiers(&["a.test"]));
    by_hand::finish(&session, order(), None).await.unwrap();

    let (_, reused) = by_hand::an_order(session.call(&Call::NewOrder(order())).await.unwrap());
    let url = &reused.authorizations[0];
    assert_eq!(by_hand::authorization(&session, url).await.unwrap().status, AuthorizationStatus::Valid);

    let given_up = session.call(&Call::Deactivate(url.clone())).await.unwrap();
    let Answer::Authorization(given_up) = given_up.answer else { panic!("an authorization") };
    assert_eq!(given_up.status, AuthorizationStatus::Deactivated);
    let (_, fresh) = by_hand::an_order(session.call(&Call::NewOrder(order())).await.unwrap());
    let seen = by_hand::authorization(&session, &fresh.authorizations[0]).await.unwrap();
    assert_eq!(seen.status, AuthorizationStatus::Pending);
    Ok(())
}

async fn a_name_on_the_ca_s_blocklist_is_refused_for_good(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().blocked_name("blocked.test").start();
    let session = under.account(&directory(&pebble)).await?;

    let order = NewOrder::new(identifiers(&["www.blocked.test"]));
    let error = session.call(&Call::NewOrder(order)).await.expect_err("refused");

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
    assert!(error.to_string().contains("rejectedIdentifier"), "{error}");
    Ok(())
}

async fn an_order_of_a_ca_that_forgot_everything_is_not_found(under: Under) -> Result<(), Error> {
    let mut pebble = Pebble::builder().strict().start();
    let session = under.account(&directory(&pebble)).await?;
    let order = NewOrder::new(identifiers(&["a.test"]));
    let (url, _) = by_hand::an_order(session.call(&Call::NewOrder(order)).await.unwrap());

    pebble.restart();

    // The connection that was kept open is gone too: that is told, and the next call makes a new one.
    let mut error = session.call(&Call::ReadOrder(url.clone())).await.expect_err("it is gone");
    if error.kind() == ErrorKind::Unreachable {
        error = session.call(&Call::ReadOrder(url)).await.expect_err("it is gone");
    }
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    Ok(())
}
