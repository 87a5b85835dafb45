//! What goes wrong on the way although nobody made a mistake.

use std::time::Duration;

use acme_core::protocol::Registration;
use acme_core::{Error, ErrorKind, KeyType, PrivateKey, Retry};
use issuers::{CertificateRequest, InMemory, Issuer as _, Step, TokioTimer, csr, drive};
use solvers::Answers;
use testkit::servers::{ChallTestSrv, Endpoint, Pebble};

use crate::authority::{directory, directory_over, identifiers, key, transport};
use crate::issuer::{http, issue, issuer, judge, over_http, try_issue};
use crate::lossy::Lossy;
use crate::under::{Under, under_both};

under_both! {
    any_one_answer_may_be_lost,
    a_validator_that_reaches_nobody_says_where_it_called,
    a_name_that_does_not_resolve_for_the_validator_says_so,
    a_key_that_the_ca_does_not_certify_is_refused_for_good,
    a_ca_that_names_a_time_is_not_asked_before_it,
}

#[tokio::test]
async fn a_ca_that_takes_no_nonce_is_given_up_on_in_bounded_time() {
    let pebble = Pebble::builder().strict().nonce_reject(100).start();

    let registered = directory(&pebble).register(key(KeyType::EcdsaP256), &Registration::agreeing_to_terms()).await;

    let error = registered.expect_err("no nonce is good enough");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff), "{error}");
    assert!(error.to_string().contains("badNonce"), "{error}");
    let asked = pebble.requests();
    assert!((2..=65).contains(&asked.count(Endpoint::NewAccount)), "{asked}");
}

async fn any_one_answer_may_be_lost(under: Under) -> Result<(), Error> {
    // An account that is there before its issuer has these behind it.
    let before_the_order: &[&str] = match under {
        Under::Session => &["/dir", "/nonce-plz", "/sign-me-up"],
        Under::InstantAcme => &[],
    };
    let order = ["/order-plz", "/authZ", "/chalZ", "/finalize-order", "/my-order", "/certZ"];
    let paths: Vec<&str> = before_the_order.iter().chain(&order).copied().collect();
    let pebbles: Vec<Pebble> = paths.iter().map(|_| Pebble::builder().strict().always_valid().start()).collect();
    let losses = paths.into_iter().zip(&pebbles).map(|(path, pebble)| async move {
        let lossy = Lossy::new(transport(pebble), path);
        let directory = directory_over(pebble, lossy.clone());
        let issuer = under.builder_at(directory, http(&Answers::new())).await?.build()?;
        let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        lossy.arm();

        let mut issued = try_issue(&issuer, &key, &["a.test"], |_| {}).await;
        if let Err(error) = &issued {
            // Before there is an order, an attempt may end, and the next one begins anew.
            assert!(before_the_order.contains(&path), "{path}: {error}");
            assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Backoff), "{path}: {error}");
            issued = try_issue(&issuer, &key, &["a.test"], |_| {}).await;
        }

        assert!(lossy.is_sprung(), "{path} was asked");
        judge(pebble, &issued.unwrap(), &key, &["a.test"]);
        let log = pebble.log();
        let counted = ["Added order", "Issued certificate serial"].map(|line| log.matches(line).count());
        assert_eq!(counted, [1, 1], "orders and certificates, {path}");
        Ok(())
    });
    futures_util::future::join_all(losses).await.into_iter().collect()
}

#[tokio::test]
async fn a_ca_that_forgets_everything_in_the_middle_of_an_order_is_asked_again() {
    let mut pebble = Pebble::builder().strict().always_valid().start();
    let issuer = issuer(&pebble, http(&Answers::new()));
    let (key, names) = (PrivateKey::generate(KeyType::EcdsaP256).unwrap(), identifiers(&["a.test"]));
    let csr = csr::create(&key, &names).await.unwrap();
    let request = CertificateRequest::new(&csr, &names);
    let mut progress = InMemory::new();
    while pebble.requests().count(Endpoint::Challenge) == 0 {
        let step = issuer.issue(&request, &mut progress).await.unwrap();
        assert!(matches!(step, Step::NotYet { .. }), "validation takes a moment");
    }

    pebble.restart();

    let mut attempts = 0;
    let issued = loop {
        match drive(&issuer, &request, &mut progress, &TokioTimer).await {
            Ok(issued) => break issued,
            // An attempt may end; the next one begins anew.
            Err(error) => {
                assert_ne!(error.retry(), Retry::Never, "{error}");
                attempts += 1;
                assert!(attempts < 4, "{error}");
                progress = InMemory::new();
            }
        }
    };
    assert_eq!(issued.chain.certificates().len(), 2);
    assert_eq!(pebble.requests().count(Endpoint::Finalize), 1);
}

async fn a_validator_that_reaches_nobody_says_where_it_called(under: Under) -> Result<(), Error> {
    let dns = ChallTestSrv::start();
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let answers = Answers::new();
    // Nobody listens.
    let issuer = under.issuer(&pebble, http(&answers)).await?;
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();

    let error = try_issue(&issuer, &key, &["example.test"], |_| {}).await.err().expect("not proven");

    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let said = error.to_string();
    let port = pebble.http_port().to_string();
    assert!(
        said.contains("http://example.test:") && said.contains(&port) && said.contains("connection refused"),
        "{said}"
    );
    assert!(answers.is_empty(), "what was presented is gone");
    Ok(())
}

async fn a_name_that_does_not_resolve_for_the_validator_says_so(under: Under) -> Result<(), Error> {
    let dns = ChallTestSrv::start();
    dns.set_servfail("example.test");
    let pebble = Pebble::builder().strict().dns_server(dns.dns_address()).start();
    let issuer = under.issuer(&pebble, over_http(&pebble).await).await?;
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let error = try_issue(&issuer, &key, &["example.test"], |_| {}).await.err().expect("not proven");
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("example.test"), "{error}");

    dns.clear_servfail("example.test");

    issue(&pebble, &issuer, &["example.test"]).await;
    Ok(())
}

async fn a_key_that_the_ca_does_not_certify_is_refused_for_good(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let issuer = under.issuer(&pebble, http(&Answers::new())).await?;
    let key = PrivateKey::generate(KeyType::Ed25519).unwrap();

    let error = try_issue(&issuer, &key, &["a.test"], |_| {}).await.err().expect("Pebble takes no Ed25519");

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{error}");
    assert!(error.to_string().contains("badCSR") || error.to_string().contains("malformed"), "{error}");
    Ok(())
}

async fn a_ca_that_names_a_time_is_not_asked_before_it(under: Under) -> Result<(), Error> {
    let wait = Duration::from_secs(2);
    let pebble = Pebble::builder().strict().always_valid().authz_retry_after(wait).order_retry_after(wait).start();
    let issuer = under.builder(&pebble, http(&Answers::new())).await?.build()?;

    issue(&pebble, &issuer, &["a.test", "b.test", "c.test"]).await;

    // Once it is proven, once while it is finalized, once after that, and one each that found it too early.
    let asked = pebble.requests();
    assert!(asked.count(Endpoint::Order) <= 4, "{asked}");
    assert!(asked.len() <= 20, "{asked}");
    Ok(())
}
