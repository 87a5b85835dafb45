//! Accounts that instant-acme made itself, and sessions through them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use acme_core::client::{Call, Needs};
use acme_core::instant_acme_0_8::{self, OverTransport};
use acme_core::protocol::{NewOrder, Url};
use acme_core::transport::ReqwestTransport;
use acme_core::{Client as _, Clock as _, ErrorKind, Retry, Transport as _};
use bytes::Bytes;
use futures_util::future::join_all;
use instant_acme::{Account, AccountCredentials, BodyWrapper, BytesResponse, HttpClient, NewAccount};
use issuers::TokioTimer;
use testkit::servers::{Endpoint, Pebble};

use crate::authority::{directory, identifiers, transport};
use crate::{by_hand, openssl};

#[tokio::test]
async fn an_account_that_instant_acme_made_orders_here_and_there() {
    let pebble = Pebble::builder().strict().always_valid().start();
    let (account, _) = made(&pebble, over(&pebble)).await;

    let session = instant_acme_0_8::session(&directory(&pebble), account.clone()).await.unwrap();

    assert_eq!((session.account().as_str(), session.thumbprint()), (account.id(), account.key_thumbprint()));
    let finished = by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.unwrap();
    openssl::verify(&pebble.issuance_root_pem(0), &finished.pem());
    let names = [instant_acme::Identifier::Dns("b.test".to_owned())];
    let order = account.new_order(&instant_acme::NewOrder::new(&names)).await.unwrap();
    let (url, state) = order.into_parts();
    let seen = session.call(&Call::ReadOrder(Url::parse(&url).unwrap())).await.unwrap();
    assert_eq!(by_hand::an_order(seen).1.finalize.as_str(), state.finalize);
}

#[tokio::test]
async fn an_account_over_another_http_client_is_refused_before_anything_is_ordered() {
    let pebble = Pebble::builder().strict().start();
    let (account, _) = made(&pebble, Box::new(Elsewhere(Arc::new(transport(&pebble))))).await;

    let error = instant_acme_0_8::session(&directory(&pebble), account).await.expect_err("it cannot be heard");

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
    let said = error.to_string();
    assert!(said.contains("builder_with_http and instant_acme_0_8::OverTransport"), "{said}");
    assert_eq!(pebble.requests().count(Endpoint::NewOrder), 0);
}

#[tokio::test]
async fn an_account_of_another_ca_is_refused_by_name() {
    let (pebble, other) = (Pebble::builder().strict().start(), Pebble::builder().strict().start());
    let (account, _) = made(&other, over(&other)).await;

    let error = instant_acme_0_8::session(&directory(&pebble), account).await.expect_err("another's");

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Never));
    let said = error.to_string();
    assert!(said.contains(&pebble.directory_url()) && said.contains("use the account's own directory"), "{said}");
}

#[tokio::test]
async fn what_is_refused_is_not_sent() {
    let pebble = Pebble::builder().strict().start();
    let (account, _) = made(&pebble, over(&pebble)).await;
    let session = instant_acme_0_8::session(&directory(&pebble), account).await.unwrap();
    let every = [Needs::ALTERNATES, Needs::READ_BY_URL, Needs::RETRY_AFTER, Needs::PROFILE, Needs::REPLACES];
    let every = every.into_iter().fold(Needs::NOT_AFTER, Needs::and);
    assert_eq!(session.lacks(every), Needs::NOT_AFTER);
    let before = pebble.requests();

    let mut order = NewOrder::new(identifiers(&["a.test"]));
    order.not_before = Some(TokioTimer.now() + Duration::from_secs(60));
    let error = session.call(&Call::NewOrder(order)).await.expect_err("it has no words for it");

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
    let said = error.to_string();
    assert!(
        said.ends_with("cannot ask for notBefore and notAfter: use its key without it (Directory::session)"),
        "{said}"
    );
    let sent = pebble.requests().since(&before);
    assert_eq!(sent.count(Endpoint::NewOrder), 0, "{sent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_the_same_time_do_not_mix() {
    let pebble = Pebble::builder().strict().start();
    let (account, _) = made(&pebble, over(&pebble)).await;
    let session = instant_acme_0_8::session(&directory(&pebble), account).await.unwrap();

    let mut asked = Vec::new();
    for number in 0..8 {
        let name = format!("{number}.test");
        let made = session.call(&Call::NewOrder(NewOrder::new(identifiers(&[&name])))).await.unwrap();
        asked.push((name, by_hand::an_order(made).1.authorizations.remove(0)));
    }

    // Reads alone: Pebble may lock itself up when orders are made at the same time.
    let answers = join_all(asked.iter().cycle().take(128).cloned().map(|(name, url)| {
        let session = session.clone();
        tokio::spawn(async move {
            let authorization = by_hand::authorization(&session, &url).await.unwrap();
            (name, authorization.identifier.to_string())
        })
    }));

    for answer in answers.await {
        let (asked, answered) = answer.unwrap();
        assert_eq!(asked, answered);
    }
}

/// A new account, made by instant-acme.
pub(crate) async fn made(pebble: &Pebble, http: Box<dyn HttpClient>) -> (Account, AccountCredentials) {
    let wanted = NewAccount { contact: &[], terms_of_service_agreed: true, only_return_existing: false };
    let made = Account::builder_with_http(http).create(&wanted, pebble.directory_url(), None).await;
    made.expect("an account")
}

/// Our transport, for instant-acme.
pub(crate) fn over(pebble: &Pebble) -> Box<dyn HttpClient> {
    Box::new(OverTransport::new(Arc::new(transport(pebble))))
}

/// An HTTP client of somebody else.
struct Elsewhere(Arc<ReqwestTransport>);

impl HttpClient for Elsewhere {
    fn request(
        &self,
        request: http::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let transport = Arc::clone(&self.0);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let mut body = BytesResponse::from(http::Response::new(body)).body;
            let body = body.into_bytes().await.map_err(instant_acme::Error::Other)?;
            let sent = transport.send(http::Request::from_parts(head, body)).await;
            let (parts, body) = sent.map_err(|error| instant_acme::Error::Other(Box::new(error)))?.into_parts();
            Ok(BytesResponse { parts, body: Box::new(body) })
        })
    }
}
