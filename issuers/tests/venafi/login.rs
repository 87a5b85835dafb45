//! Tokens and keys: fetched, renewed, refused, and never shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acme_core::{Entry, Error, ErrorKind, Expect, Key, Page, Prefix, Retry, Secret, Store, Version};
use async_trait::async_trait;
use certwright_issuers::venafi::tpp::Login;
use certwright_issuers::venafi::{Service, VenafiIssuer};
use testkit::crash::Effects;
use testkit::venafi::Fault;
use testkit::venafi::tpp::FOLDER;
use testkit::{DurableStore, run};

use crate::world::{ALL, Kind, World, cloud_of, ngts_of, password, refresh_token, token_key, tpp_at};

fn with(world: &World, service: impl Into<Service>) -> VenafiIssuer {
    world.at(service, &Effects::unharmed())
}

#[test]
fn a_token_serves_many_requests_and_is_renewed_before_it_ends() {
    let world = World::new(Kind::Tpp);
    let issuer = with(&world, tpp_at(FOLDER, refresh_token()));

    for _ in 0..4 {
        world.issue(&issuer, &["a.example"]).unwrap();
    }
    assert_eq!(world.double.count("/authorize/token"), 1);

    world.clock.advance(Duration::from_secs(55 * 60));
    world.issue(&issuer, &["a.example"]).unwrap();
    assert_eq!(world.double.count("/authorize/token"), 2);
}

#[test]
fn a_token_that_was_revoked_is_replaced_once_and_the_request_made_again() {
    for kind in [Kind::Tpp, Kind::Ngts] {
        let world = World::new(kind);
        let issuer = world.process();
        world.issue(&issuer, &["a.example"]).unwrap();
        match kind {
            Kind::Tpp => world.double.tpp(|it| it.access.clear()),
            Kind::Ngts | Kind::Cloud => world.double.cloud(|it| it.access.clear()),
        }

        world.issue(&issuer, &["b.example"]).unwrap();

        let logins = world.double.count("/vedauth/authorize/oauth") + world.double.count("/oauth2/access_token");
        assert_eq!(logins, 2, "{kind:?}");
    }
}

#[test]
fn the_newest_refresh_token_outlives_the_process() {
    let world = World::new(Kind::Tpp);
    let login = || refresh_token().kept_in(Arc::new(world.store.clone()), token_key());
    world.issue(&with(&world, tpp_at(FOLDER, login())), &["a.example"]).unwrap();

    world.clock.advance(Duration::from_secs(3600));
    world.issue(&with(&world, tpp_at(FOLDER, login())), &["b.example"]).unwrap();

    assert_eq!(world.double.count("/authorize/token"), 2);
    let kept = String::from_utf8(world.store.bytes(&token_key()).unwrap()).unwrap();
    assert!(kept.contains("refresh-2") && !kept.contains("refresh-0"), "{kept}");
}

#[test]
fn processes_that_share_a_store_share_what_one_of_them_was_granted() {
    let world = World::new(Kind::Tpp);
    let process = || with(&world, tpp_at(FOLDER, refresh_token().kept_in(Arc::new(world.store.clone()), token_key())));
    let (first, second) = (process(), process());

    for _ in 0..3 {
        world.issue(&first, &["a.example"]).unwrap();
        world.issue(&second, &["b.example"]).unwrap();
        // The platform takes back what it granted.
        world.double.tpp(|it| it.access.clear());
    }

    assert_eq!(world.double.count("/authorize/token"), 3);
}

#[test]
fn a_refresh_token_that_could_not_be_stored_is_not_lost_while_the_process_lives() {
    let world = World::new(Kind::Tpp);
    let store = Arc::new(FailingOnce::new(world.store.clone()));
    let issuer = with(&world, tpp_at(FOLDER, refresh_token().kept_in(store, token_key())));

    let error = world.issue(&issuer, &["a.example"]).unwrap_err();
    world.clock.advance(Duration::from_secs(60));
    world.issue(&issuer, &["a.example"]).unwrap();

    assert!(error.to_string().contains("storing the new refresh token"), "{error}");
}

#[test]
fn a_refresh_token_that_a_human_gives_goes_before_the_stored_one() {
    let world = World::new(Kind::Tpp);
    let store = Arc::new(world.store.clone());
    let login = refresh_token().kept_in(store.clone(), token_key());
    world.issue(&with(&world, tpp_at(FOLDER, login)), &["a.example"]).unwrap();
    world.double.tpp(|it| it.refresh = "a new one".to_owned());

    let login = Login::refresh_token("certwright", Secret::new("a new one".to_owned())).kept_in(store, token_key());
    world.issue(&with(&world, tpp_at(FOLDER, login)), &["b.example"]).unwrap();
}

#[test]
fn an_expired_refresh_token_is_for_a_human() {
    let world = World::new(Kind::Tpp);
    world.double.tpp(|it| it.refresh = "another".to_owned());

    let error = world.issue(&with(&world, tpp_at(FOLDER, refresh_token())), &["a.example"]).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    assert!(error.to_string().contains("have a new one granted"), "{error}");
}

#[test]
fn a_fixed_token_and_a_key_are_not_tried_twice() {
    let world = World::new(Kind::Tpp);
    let login = Login::access_token(Secret::new("stale".to_owned()));
    let error = world.issue(&with(&world, tpp_at(FOLDER, login)), &["a.example"]).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    assert_eq!(world.double.log().len(), 1);

    let world = World::new(Kind::Cloud);
    let error = world.issue(&with(&world, cloud_of(r"Web Shop\Public TLS", "old key")), &["a.example"]).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    assert_eq!(world.double.log().len(), 1);
}

#[test]
fn a_fixed_token_that_is_good_is_used() {
    let world = World::new(Kind::Tpp);
    world.double.tpp(|it| it.access.insert("given".to_owned(), acme_core::Timestamp::MAX));
    let login = Login::access_token(Secret::new("given".to_owned()));

    world.issue(&with(&world, tpp_at(FOLDER, login)), &["a.example"]).unwrap();
}

#[test]
fn old_platforms_give_a_key_for_user_and_password() {
    let world = World::new(Kind::Tpp);
    let login = Login::api_key("operator", Secret::new("correct horse".to_owned()));

    world.issue(&with(&world, tpp_at(FOLDER, login)), &["a.example"]).unwrap();

    assert_eq!(world.double.count("/vedsdk/authorize/"), 1);
}

#[test]
fn an_integration_of_another_name_logs_in_as_that() {
    let world = World::new(Kind::Tpp);
    world.double.tpp(|it| it.client_id = "cert-manager.io");
    let login = password("correct horse").with_client_id("cert-manager.io").with_scope("certificate:manage,revoke");

    world.issue(&with(&world, tpp_at(FOLDER, login)), &["a.example"]).unwrap();
}

#[test]
fn a_login_that_is_refused_says_what_to_check() {
    let world = World::new(Kind::Tpp);
    let wrong = world.issue(&with(&world, tpp_at(FOLDER, password("wrong"))), &["a.example"]).unwrap_err();
    let world = World::new(Kind::Ngts);
    let client = world.issue(&with(&world, ngts_of("Public TLS", "wrong")), &["a.example"]).unwrap_err();

    for (error, words) in [(wrong, "Username or password was incorrect"), (client, "invalid_client")] {
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never), "{error}");
        assert!(error.to_string().contains(words) && error.to_string().contains("check "), "{error}");
    }
}

#[test]
fn nothing_secret_is_shown() {
    let secrets =
        ["correct horse", "refresh-0", "a-key", "top secret", "Y2xpZW50OnRvcCBzZWNyZXQ", "access-1", "token-1"];
    for kind in ALL {
        let world = World::new(kind);
        let issuer = world.process();
        world.issue(&issuer, &["a.example"]).unwrap();
        world.double.fault("", Fault::Answer(400, "<html>"), usize::MAX);
        let error = world.issue(&issuer, &["b.example"]).unwrap_err();

        let shown = format!("{issuer:?} {error} {error:?}");

        assert!(secrets.iter().all(|it| !shown.contains(it)), "{kind:?}: {shown}");
    }
    let logins = [
        format!("{:?}", password("correct horse")),
        format!("{:?}", refresh_token()),
        format!("{:?}", cloud_of(r"a\b", "a-key")),
        format!("{:?}", ngts_of("a", "top secret")),
    ];
    assert!(secrets.iter().all(|it| logins.iter().all(|shown| !shown.contains(it))), "{logins:?}");

    let world = World::new(Kind::Tpp);
    world.double.fault("/authorize/oauth", Fault::Answer(503, ""), 1);
    let busy = run(&world.clock, world.process().zone()).unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Busy);
    assert!(!format!("{busy:?}").contains("correct horse"));
}

/// A store whose first write is lost.
struct FailingOnce {
    inner: DurableStore,
    has_failed: AtomicBool,
}

impl FailingOnce {
    fn new(inner: DurableStore) -> Self {
        Self { inner, has_failed: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Store for FailingOnce {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        self.inner.get(key).await
    }

    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error> {
        if self.has_failed.swap(true, Ordering::SeqCst) {
            return self.inner.put(key, value, expect).await;
        }
        Err(Error::new(ErrorKind::Unreachable, "the store is away"))
    }

    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error> {
        self.inner.delete(key, expect).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        self.inner.list(prefix, after).await
    }
}
