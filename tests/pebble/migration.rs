//! Accounts that come from instant-acme: its stored credentials go on here, and nothing is registered anew.

use std::sync::Arc;

use acme_core::instant_acme_0_8::Credentials;
use acme_core::protocol::{NewOrder, Registration, Url};
use acme_core::{Client as _, Error, ErrorKind, KeyType, Retry};
use certstore::MemoryStore;
use issuers::acme::{AccountSettings, AcmeIssuer, ExistingAccount};
use serde_json::Value;
use solvers::Answers;
use testkit::servers::{Endpoint, Pebble};

use crate::authority::{clock, directory, identifiers, key};
use crate::by_hand;
use crate::issuer::{builder, http, issue, try_issue};
use crate::through_instant_acme::{made, over};

#[tokio::test]
async fn credentials_that_instant_acme_wrote_go_on_in_an_issuer_and_stay() {
    let pebble = Pebble::builder().strict().always_valid().start();
    let (url, json) = stored(&pebble).await;
    let written: Value = serde_json::from_slice(&json).unwrap();
    let members: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["directory", "id", "key_pkcs8"], "the form that is read");
    let store = Arc::new(MemoryStore::new());

    let first = taking_over(&pebble, store.clone(), Credentials::from_json(&json).unwrap()).unwrap();
    issue(&pebble, &first, &["a.test"]).await;
    assert_eq!(first.account().expect("its own").url().await, Some(url.clone()));
    // Once it is stored, the credentials are not needed any more.
    let second = builder(&pebble, http(&Answers::new()), store).build().unwrap();
    issue(&pebble, &second, &["b.test"]).await;
    assert_eq!(second.account().expect("its own").url().await, Some(url));

    assert_eq!(accounts(&pebble), 1, "the one that instant-acme made");
}

#[tokio::test]
async fn an_account_that_was_taken_over_changes_its_key() {
    let pebble = Pebble::builder().strict().always_valid().start();
    let (url, json) = stored(&pebble).await;
    let store = Arc::new(MemoryStore::new());
    let first = taking_over(&pebble, store.clone(), Credentials::from_json(&json).unwrap()).unwrap();

    first.account().expect("its own").change_key(KeyType::EcdsaP384).await.unwrap();

    // The same settings again: the stored key counts, not the one that was imported.
    let second = taking_over(&pebble, store, Credentials::from_json(&json).unwrap()).unwrap();
    issue(&pebble, &second, &["a.test"]).await;
    assert_eq!(second.account().expect("its own").url().await, Some(url));
    assert_eq!((accounts(&pebble), pebble.requests().count(Endpoint::KeyChange)), (1, 1));
}

#[tokio::test]
async fn credentials_that_instant_acme_wrote_open_a_session() {
    let pebble = Pebble::builder().strict().always_valid().start();
    let (url, json) = stored(&pebble).await;
    let read = || Credentials::from_json(&json).unwrap();
    assert_eq!(read().directory, Some(Url::parse(&pebble.directory_url()).unwrap()));

    let session = read().session(&directory(&pebble)).unwrap();

    assert_eq!(*session.account(), url);
    by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await.unwrap();
    let other = Pebble::builder().strict().start();
    let error = read().session(&directory(&other)).expect_err("another's");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Never));
    assert!(
        error.to_string().ends_with(&format!("and not of {}: use its own directory", other.directory_url())),
        "{error}"
    );
    assert_eq!(pebble.requests().count(Endpoint::NewAccount), 1, "instant-acme's");
}

#[tokio::test]
async fn credentials_of_another_ca_are_refused_when_the_issuer_is_built() {
    let (pebble, other) = (Pebble::builder().strict().start(), Pebble::builder().strict().start());
    let (_, json) = stored(&other).await;

    let error = taking_over(&pebble, Arc::new(MemoryStore::new()), Credentials::from_json(&json).unwrap())
        .expect_err("another's");

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Never));
    let said = error.to_string();
    assert!(said.contains(&other.directory_url()) && said.contains(&pebble.directory_url()), "{said}");
}

#[tokio::test]
async fn a_key_that_the_ca_does_not_know_makes_no_account_and_better_credentials_help() {
    let pebble = Pebble::builder().strict().always_valid().start();
    let (url, json) = stored(&pebble).await;
    let store = Arc::new(MemoryStore::new());
    let stranger = ExistingAccount::new(&key(KeyType::EcdsaP256)).at(url.clone());
    let issuer = taking_over(&pebble, store.clone(), stranger).unwrap();

    for _ in 0..2 {
        let error = refused(&issuer).await;
        assert_eq!((error.kind(), error.retry()), (ErrorKind::NotFound, Retry::Never), "{error}");
        let said = error.to_string();
        assert!(said.contains(&format!("does not know the key of the account {url}")), "{said}");
    }
    assert_eq!(accounts(&pebble), 1, "none was made");

    let issuer = taking_over(&pebble, store, Credentials::from_json(&json).unwrap()).unwrap();
    issue(&pebble, &issuer, &["a.test"]).await;
    assert_eq!(issuer.account().expect("its own").url().await, Some(url));
}

#[tokio::test]
async fn a_key_and_a_url_of_two_accounts_are_told_apart() {
    let pebble = Pebble::builder().strict().start();
    let ((one, json), (two, _)) = (stored(&pebble).await, stored(&pebble).await);
    let mut mixed = Credentials::from_json(&json).unwrap();
    mixed.account = two.clone();
    let issuer = taking_over(&pebble, Arc::new(MemoryStore::new()), mixed).unwrap();

    let error = refused(&issuer).await;

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Never), "{error}");
    let said = error.to_string();
    assert!(said.contains(&format!("is {two}, and its key is that of {one}")), "{said}");
}

#[tokio::test]
async fn an_account_that_was_given_up_is_not_taken_over() {
    let pebble = Pebble::builder().strict().start();
    let (account, credentials) = made(&pebble, over(&pebble)).await;
    account.deactivate().await.unwrap();
    let json = serde_json::to_vec(&credentials).unwrap();
    let issuer = taking_over(&pebble, Arc::new(MemoryStore::new()), Credentials::from_json(&json).unwrap()).unwrap();

    let error = refused(&issuer).await;

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never), "{error}");
}

/// An account that instant-acme made: its URL, and its credentials as they are stored.
async fn stored(pebble: &Pebble) -> (Url, Vec<u8>) {
    let (account, credentials) = made(pebble, over(pebble)).await;
    (Url::parse(account.id()).expect("a URL"), serde_json::to_vec(&credentials).expect("JSON"))
}

fn taking_over(
    pebble: &Pebble,
    store: Arc<MemoryStore>,
    existing: impl Into<ExistingAccount>,
) -> Result<AcmeIssuer, Error> {
    let settings = AccountSettings::new(Registration::agreeing_to_terms()).taking_over(existing);
    let builder = AcmeIssuer::builder("pebble", directory(pebble), http(&Answers::new()), clock());
    builder.account(store, settings).build()
}

async fn refused(issuer: &AcmeIssuer) -> Error {
    let issued = try_issue(issuer, &key(KeyType::EcdsaP256), &["a.test"], |_| {}).await;
    issued.err().expect("it cannot be issued")
}

/// How many accounts the CA made.
fn accounts(pebble: &Pebble) -> usize {
    pebble.log().matches("accounts in memory").count()
}
