//! Accounts: made, found, bound, changed, given up.

use acme_core::protocol::{AccountStatus, ExternalAccount, NewOrder, Registration};
use acme_core::{Client as _, Error, ErrorKind, KeyType, Retry};
use testkit::servers::{Endpoint, Pebble};

use crate::authority::{directory, directory_over, identifiers, key, transport};
use crate::by_hand;
use crate::lossy::Lossy;
use crate::under::{Under, under_both, unless_unsupported};

under_both! {
    an_account_is_made_found_updated_and_given_up,
    a_binding_to_an_external_account_is_needed_right_and_whole,
    account_keys_of_every_type_that_pebble_takes_order_certificates,
    a_changed_key_takes_the_account_with_it,
    a_key_change_whose_answer_was_lost_is_found_by_asking_with_the_new_key,
    a_key_that_is_in_force_already_needs_no_change,
    terms_are_agreed_to_once_more_where_the_ca_takes_that,
}

async fn an_account_is_made_found_updated_and_given_up(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().start();
    let directory = directory(&pebble);
    let key = key(KeyType::EcdsaP256);

    assert!(directory.find(key.clone()).await.unwrap().is_none(), "nothing is made by looking");
    let registration = Registration::agreeing_to_terms().with_email("ops@example.com");
    let made = directory.register(key.clone(), &registration).await.unwrap();
    let made = under.open(made, &key).await?;
    let again = directory.register(key.clone(), &Registration::agreeing_to_terms()).await.unwrap();
    let found = directory.find(key.clone()).await.unwrap().expect("the account");
    let found = under.open(found, &key).await?;
    assert_eq!((made.account(), made.account()), (again.account(), found.account()));
    assert_eq!(found.account_object().await.unwrap().contact, ["mailto:ops@example.com"]);

    let contacts = ["mailto:one@example.com".to_owned(), "mailto:two@example.com".to_owned()];
    let updated = made.update_contacts(&contacts).await.unwrap();
    assert_eq!((updated.contact.as_slice(), &updated.status), (&contacts[..], &AccountStatus::Valid));
    assert!(made.update_contacts(&[]).await.unwrap().contact.is_empty());

    assert_eq!(made.deactivate().await.unwrap().status, AccountStatus::Deactivated);
    let error = made.deactivate().await.expect_err("it was given up before");
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    let error = directory.find(key).await.expect_err("it was given up");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never), "{error}");
    let order = NewOrder::new(identifiers(&["a.test"]));
    let error = by_hand::finish(&made, order, None).await.err().expect("no orders any more");
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    Ok(())
}

#[tokio::test]
async fn a_contact_that_the_ca_does_not_take_is_refused_by_name() {
    let pebble = Pebble::builder().strict().start();
    let mut registration = Registration::agreeing_to_terms();
    registration.contact.push("tel:+15550100".to_owned());

    let error = directory(&pebble).register(key(KeyType::EcdsaP256), &registration).await.expect_err("refused");

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{error}");
    let said = error.to_string();
    assert!(said.starts_with("making an account: ") && said.contains("unsupportedContact"), "{said}");
}

#[tokio::test]
async fn terms_that_nobody_agreed_to_are_named_before_anything_is_sent() {
    let pebble = Pebble::builder().strict().start();

    let registered = directory(&pebble).register(key(KeyType::EcdsaP256), &Registration::default()).await;

    let error = registered.expect_err("no agreement");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
    let said = error.to_string();
    assert!(said.contains("are not agreed to: read data:text/plain") && said.contains("and agree"), "{said}");
    assert_eq!(pebble.requests().count(Endpoint::NewAccount), 0);
}

async fn a_binding_to_an_external_account_is_needed_right_and_whole(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().eab_key("kid-1", MAC).start();
    let directory = directory(&pebble);
    let bound = |kid: &str, mac: &str| {
        let external = ExternalAccount::new(kid, mac).expect("a binding");
        Registration::agreeing_to_terms().with_external_account(external)
    };

    let missing = directory.register(key(KeyType::EcdsaP256), &Registration::agreeing_to_terms()).await;
    let missing = missing.expect_err("it is required");
    assert_eq!((missing.kind(), missing.retry()), (ErrorKind::Unauthorized, Retry::Never));
    let said = missing.to_string();
    assert!(said.contains("get a key id and a MAC key (external account binding) there"), "{said}");

    for wrong in [bound("kid-1", OTHER_MAC), bound("kid-2", MAC)] {
        let error = directory.register(key(KeyType::EcdsaP256), &wrong).await.expect_err("not the key");
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never), "{error}");
        let said = error.to_string();
        assert!(said.contains("compare its key id and MAC key with what the server gave"), "{said}");
        assert!(!said.contains(MAC) && !said.contains(OTHER_MAC), "{said}");
    }

    let key = key(KeyType::EcdsaP256);
    let session = directory.register(key.clone(), &bound("kid-1", MAC)).await.unwrap();
    let session = under.open(session, &key).await?;
    assert_eq!(session.account_object().await.unwrap().status, AccountStatus::Valid);
    Ok(())
}

async fn account_keys_of_every_type_that_pebble_takes_order_certificates(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let directory = directory(&pebble);

    for kind in [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Rsa2048] {
        let key = key(kind);
        let session = directory.register(key.clone(), &Registration::agreeing_to_terms()).await.unwrap();
        let session = under.open(session, &key).await?;
        let finished = by_hand::finish(&session, NewOrder::new(identifiers(&["a.test"])), None).await;
        assert!(finished.is_ok(), "{kind}: {}", finished.err().expect("an error"));
    }
    Ok(())
}

#[tokio::test]
async fn an_account_key_that_the_ca_does_not_take_says_so() {
    let pebble = Pebble::builder().strict().start();

    let registered = directory(&pebble).register(key(KeyType::Ed25519), &Registration::agreeing_to_terms()).await;

    let error = registered.expect_err("Pebble knows no EdDSA");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{error}");
    assert!(error.to_string().contains("signs with EdDSA: make one of another type"), "{error}");
}

async fn a_changed_key_takes_the_account_with_it(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let directory = directory(&pebble);
    let (old, new) = (key(KeyType::EcdsaP256), key(KeyType::EcdsaP384));
    let before = directory.register(old.clone(), &Registration::agreeing_to_terms()).await.unwrap();
    let before = under.open(before, &old).await?;

    let after = before.change_key(new.clone()).await?;

    assert_eq!(after.account(), before.account());
    assert!(directory.find(old).await.unwrap().is_none(), "the old key opens nothing");
    assert_eq!(directory.find(new).await.unwrap().expect("found").account(), before.account());
    by_hand::finish(&after, NewOrder::new(identifiers(&["a.test"])), None).await.unwrap();
    let error = before.account_object().await.expect_err("the old key signs nothing");
    assert_eq!(error.retry(), Retry::Never, "{error}");
    Ok(())
}

async fn a_key_change_whose_answer_was_lost_is_found_by_asking_with_the_new_key(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().start();
    let lossy = Lossy::new(transport(&pebble), "/rollover-account-key");
    let directory = directory_over(&pebble, lossy.clone());
    let (old, new) = (key(KeyType::EcdsaP256), key(KeyType::EcdsaP256));
    let before = directory.register(old.clone(), &Registration::agreeing_to_terms()).await.unwrap();
    let before = under.open(before, &old).await?;
    lossy.arm();

    let error = unless_unsupported(before.change_key(new.clone()).await)?.expect_err("the answer is lost");

    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    let found = directory.find(new).await.unwrap().expect("the server did change it");
    assert_eq!(found.account(), before.account());
    assert!(directory.find(old).await.unwrap().is_none());
    Ok(())
}

async fn a_key_that_is_in_force_already_needs_no_change(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().start();
    let (directory, key) = (directory(&pebble), key(KeyType::EcdsaP256));
    let made = directory.register(key.clone(), &Registration::agreeing_to_terms()).await.unwrap();
    let session = under.open(made, &key).await?;

    let same = session.change_key(key).await?;

    assert_eq!(same.thumbprint(), session.thumbprint());
    assert_eq!(pebble.requests().count(Endpoint::KeyChange), 0);
    Ok(())
}

async fn terms_are_agreed_to_once_more_where_the_ca_takes_that(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().start();
    let session = under.account(&directory(&pebble)).await?;

    let agreed = unless_unsupported(session.agree_to_terms().await)?;

    // Pebble does not.
    let error = agreed.expect_err("it takes the first agreement alone");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{error}");
    Ok(())
}

const MAC: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
const OTHER_MAC: &str = "b10lLJs8l1GPIzsLP0s6pMt8O0XVGnfTaCeROxQM0BIt2XrJMDHJZBM5NuQmQJQH";
