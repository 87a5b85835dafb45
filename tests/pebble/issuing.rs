//! What an issuer asks of the CA, and what it makes of the answers.

use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::{ExternalAccount, Registration, RevocationReason};
use acme_core::{Error, KeyType, PrivateKey};
use certstore::MemoryStore;
use issuers::Issuer as _;
use issuers::acme::{AccountSettings, AcmeIssuer};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use solvers::Answers;
use testkit::servers::{Endpoint, Pebble};

use crate::authority::{clock, directory};
use crate::issuer::{builder, http, issue, issuer, judge, try_issue};
use crate::openssl;
use crate::under::{Under, under_both};

under_both! {
    nine_nonces_of_ten_may_be_refused,
    what_is_proven_already_is_not_proven_again,
    what_has_to_be_proven_every_time_is,
    a_short_lived_profile_is_asked_for_where_it_is_offered,
    an_issuer_asks_for_the_duration_of_a_request,
    the_preferred_chain_is_taken,
    keys_of_every_type_that_the_ca_takes_are_certified,
    a_successor_names_what_it_replaces_when_the_ca_wants_it_renewed,
    an_issuer_revokes_what_it_issued,
}

async fn nine_nonces_of_ten_may_be_refused(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().nonce_reject(90).start();
    let issuer = under.issuer(&pebble, http(&Answers::new())).await?;

    issue(&pebble, &issuer, &["a.test", "b.test"]).await;

    assert_eq!(orders(&pebble), 1);
    Ok(())
}

async fn what_is_proven_already_is_not_proven_again(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().authz_reuse(100).start();
    let answers = Answers::new();
    let issuer = under.issuer(&pebble, http(&answers)).await?;
    issue(&pebble, &issuer, &["a.test", "b.test"]).await;
    let before = pebble.requests();

    issue(&pebble, &issuer, &["a.test", "b.test"]).await;

    let asked = pebble.requests().since(&before);
    assert_eq!((asked.count(Endpoint::NewOrder), asked.count(Endpoint::Challenge)), (1, 0), "{asked}");
    Ok(())
}

async fn what_has_to_be_proven_every_time_is(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().authz_reuse(0).start();
    let issuer = under.issuer(&pebble, http(&Answers::new())).await?;
    issue(&pebble, &issuer, &["a.test"]).await;
    let before = pebble.requests();

    issue(&pebble, &issuer, &["a.test"]).await;

    let asked = pebble.requests().since(&before);
    assert_eq!((asked.count(Endpoint::NewOrder), asked.count(Endpoint::Challenge)), (1, 1), "{asked}");
    Ok(())
}

#[tokio::test]
async fn an_issuer_opened_again_uses_the_account_that_is_stored() {
    let pebble = Pebble::builder().strict().always_valid().start();
    let store = Arc::new(MemoryStore::new());
    for _ in 0..2 {
        let issuer = builder(&pebble, http(&Answers::new()), store.clone()).build().unwrap();
        issue(&pebble, &issuer, &["a.test"]).await;
    }

    assert_eq!(pebble.requests().count(Endpoint::NewAccount), 1);
}

#[tokio::test]
async fn an_account_that_the_ca_wants_bound_is_bound() {
    const MAC: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let pebble = Pebble::builder().strict().always_valid().eab_key("kid-1", MAC).start();
    let external = ExternalAccount::new("kid-1", MAC).unwrap();
    let settings = AccountSettings::new(Registration::agreeing_to_terms().with_external_account(external));
    let issuer = AcmeIssuer::builder("pebble", directory(&pebble), http(&Answers::new()), clock());
    let issuer = issuer.account(Arc::new(MemoryStore::new()), settings).build().unwrap();

    issue(&pebble, &issuer, &["a.test"]).await;
}

#[tokio::test]
async fn account_keys_change_and_orders_go_on() {
    let pebble = Pebble::builder().strict().always_valid().start();
    let store = Arc::new(MemoryStore::new());
    let issuer = builder(&pebble, http(&Answers::new()), store.clone()).build().unwrap();
    issue(&pebble, &issuer, &["a.test"]).await;
    let account = issuer.account().expect("its own");
    let url = account.url().await;

    account.change_key(KeyType::EcdsaP384).await.unwrap();

    issue(&pebble, &issuer, &["b.test"]).await;
    assert_eq!(account.url().await, url);
    let again = builder(&pebble, http(&Answers::new()), store).build().unwrap();
    issue(&pebble, &again, &["c.test"]).await;
    assert_eq!(again.account().expect("its own").url().await, url);
    let asked = pebble.requests();
    assert_eq!((asked.count(Endpoint::KeyChange), asked.count(Endpoint::NewAccount)), (1, 1), "{asked}");
}

async fn a_short_lived_profile_is_asked_for_where_it_is_offered(under: Under) -> Result<(), Error> {
    let day = Duration::from_secs(86_400);
    let pebble =
        Pebble::builder().strict().always_valid().profile("classic", 90 * day).profile("shortlived", 6 * day).start();
    let issuer = under.builder(&pebble, http(&Answers::new())).await?;
    let issuer = issuer.profiles(["tlsserver", "shortlived"]).build().unwrap();

    let issued = issue(&pebble, &issuer, &["a.test"]).await;

    let lifetime = issued.leaf.not_after.since(issued.leaf.not_before);
    assert!(lifetime <= 6 * day + Duration::from_secs(1), "{lifetime:?}");
    Ok(())
}

async fn an_issuer_asks_for_the_duration_of_a_request(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let issuer = under.builder(&pebble, http(&Answers::new())).await?.ask_for_durations().build()?;
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();

    let days = Duration::from_secs(5 * 86_400);
    let issued = try_issue(&issuer, &key, &["a.test"], |request| request.duration = Some(days)).await.unwrap();

    let lifetime = issued.leaf.not_after.since(issued.leaf.not_before);
    assert!(lifetime <= days + Duration::from_secs(60), "{lifetime:?}");
    Ok(())
}

async fn the_preferred_chain_is_taken(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().alternate_roots(2).start();
    let last = pebble.issuance_root_pem(2);
    let name = openssl::run(&["x509", "-noout", "-subject", "-nameopt", "multiline"], &last);
    let name = name.lines().find_map(|line| line.split_once("commonName")).expect("a common name").1;
    let name = name.trim_start_matches([' ', '=']).to_owned();
    let issuer = under.builder(&pebble, http(&Answers::new())).await?;
    let issuer = issuer.preferred_chain(&name).build().unwrap();
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();

    let issued = try_issue(&issuer, &key, &["a.test"], |_| {}).await.unwrap();

    openssl::verify(&last, &issued.chain);
    Ok(())
}

async fn keys_of_every_type_that_the_ca_takes_are_certified(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let issuer = under.issuer(&pebble, http(&Answers::new())).await?;

    let kinds = [
        (KeyType::EcdsaP384, "ASN1 OID: secp384r1"),
        (KeyType::Rsa2048, "Public-Key: (2048 bit)"),
        (KeyType::Rsa3072, "Public-Key: (3072 bit)"),
    ];
    for (kind, printed) in kinds {
        let key = PrivateKey::generate(kind).unwrap();
        let issued = try_issue(&issuer, &key, &["a.test", "*.a.test"], |_| {}).await;
        // A wildcard needs DNS-01 even where nothing is looked at.
        let error = issued.err().expect("HTTP-01 proves no wildcard");
        assert!(error.to_string().contains("*.a.test"), "{error}");

        let issued = try_issue(&issuer, &key, &["a.test", "www.a.test"], |_| {}).await.unwrap();
        judge(&pebble, &issued, &key, &["a.test", "www.a.test"]);
        let text = openssl::text(&issued.chain);
        assert!(text.contains(printed), "{text}");
    }
    Ok(())
}

async fn a_successor_names_what_it_replaces_when_the_ca_wants_it_renewed(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let issuer = under.issuer(&pebble, http(&Answers::new())).await?;
    let first = issue(&pebble, &issuer, &["a.test"]).await;
    let id = first.leaf.id.clone().expect("an id");
    let past = r#"{"suggestedWindow":{"start":"2020-01-01T00:00:00Z","end":"2020-01-02T00:00:00Z"}}"#;
    pebble.set_renewal_info(&first.chain, past);

    let told = issuer.renewal_info().expect("it has").renewal_info(&id).await.unwrap();
    assert!(told.info.suggested_window.end < told.again);
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    try_issue(&issuer, &key, &["a.test"], |request| request.replaces = Some(id.clone())).await.unwrap();
    // It has a successor already: that is no reason to fail another.
    try_issue(&issuer, &key, &["a.test"], |request| request.replaces = Some(id)).await.unwrap();

    let log = pebble.log();
    assert_eq!(log.matches("is a replacement of").count(), 1, "{log}");
    assert_eq!(log.matches("Issued certificate serial").count(), 3);
    Ok(())
}

async fn an_issuer_revokes_what_it_issued(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().start();
    let issuer = under.issuer(&pebble, http(&Answers::new())).await?;
    let issued = issue(&pebble, &issuer, &["a.test"]).await;
    let leaf = CertificateDer::from_pem_slice(issued.chain.as_bytes()).unwrap();

    let revoke = issuer.revoke().expect("it can");
    revoke.revoke(&leaf, Some(RevocationReason::CessationOfOperation)).await.unwrap();

    let status = pebble.certificate_status(&issued.leaf.serial);
    assert_eq!((&status["Status"], &status["Reason"]), (&"Revoked".into(), &5.into()));
    Ok(())
}

#[tokio::test]
async fn a_ca_that_forgot_its_accounts_is_registered_with_again() {
    let mut pebble = Pebble::builder().strict().always_valid().start();
    let issuer = issuer(&pebble, http(&Answers::new()));
    issue(&pebble, &issuer, &["a.test"]).await;

    pebble.restart();
    // The connection that was kept open is gone: the first question may find that out.
    let _ = directory(&pebble).object().await;
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
    let mut issued = try_issue(&issuer, &key, &["a.test"], |_| {}).await;
    if issued.is_err() {
        issued = try_issue(&issuer, &key, &["a.test"], |_| {}).await;
    }

    judge(&pebble, &issued.unwrap(), &key, &["a.test"]);
    assert_eq!(pebble.requests().count(Endpoint::NewAccount), 1);
}

fn orders(pebble: &Pebble) -> usize {
    pebble.log().matches("Added order").count()
}
