//! The life of a token: shared, renewed, replaced.

use std::time::Duration;

use acme_core::{ErrorKind, Secret};
use certwright_issuers::Retry;
use certwright_issuers::vault::auth::{AppRole, Fixed, Token};
use serde_json::json;

use super::world::{Wanted, World, block_on, fixed, refusal, signer_role};

#[test]
fn callers_at_the_same_time_share_one_login_and_later_ones_its_token() {
    let world = World::new();
    let issuer = world.app_role_issuer(&signer_role());
    let wanted = Wanted::name("a.example.test");

    block_on(async {
        let together = (0..8).map(|_| wanted.from(&issuer));
        for outcome in futures_util::future::join_all(together).await {
            outcome.unwrap();
        }
        wanted.from(&issuer).await.unwrap();
    });

    assert_eq!(world.asked("auth/approle/login"), 1);
    assert_eq!(world.asked("pki/sign/web"), 9);
}

#[test]
fn a_token_is_renewed_before_its_end_and_a_login_follows_it() {
    let world = World::new();
    let issuer = world.app_role_issuer(&signer_role());
    let wanted = Wanted::name("a.example.test");

    block_on(wanted.from(&issuer)).unwrap();
    world.clock.advance(Duration::from_secs(40 * 60));
    block_on(wanted.from(&issuer)).unwrap();
    assert_eq!(world.asked("auth/token/renew-self"), 0, "it has a third of its life before it");
    world.clock.advance(Duration::from_secs(15 * 60));
    block_on(wanted.from(&issuer)).unwrap();
    assert_eq!(world.asked("auth/token/renew-self"), 1);
    world.clock.advance(Duration::from_secs(2 * 3600));
    block_on(wanted.from(&issuer)).unwrap();

    assert_eq!(world.asked("auth/token/renew-self"), 1, "what has ended is not renewed");
    assert_eq!(world.asked("auth/approle/login"), 2);
}

#[test]
fn a_token_that_cannot_be_renewed_is_replaced_in_time() {
    let world = World::new();
    let role = json!({ "token_policies": "signer", "token_ttl": "1h", "token_type": "batch" });
    let issuer = world.app_role_issuer(&role);
    let wanted = Wanted::name("a.example.test");

    block_on(wanted.from(&issuer)).unwrap();
    world.clock.advance(Duration::from_secs(55 * 60));
    block_on(wanted.from(&issuer)).unwrap();

    assert_eq!(world.asked("auth/token/renew-self"), 0);
    assert_eq!(world.asked("auth/approle/login"), 2);
}

#[test]
fn a_revoked_token_is_replaced_once_for_all_who_held_it() {
    let world = World::new();
    let issuer = world.app_role_issuer(&signer_role());
    let wanted = Wanted::name("a.example.test");
    block_on(wanted.from(&issuer)).unwrap();

    world.revoke_logins();
    block_on(async {
        for outcome in futures_util::future::join_all((0..4).map(|_| wanted.from(&issuer))).await {
            outcome.unwrap();
        }
    });

    assert_eq!(world.asked("auth/approle/login"), 2);
}

#[test]
fn a_denied_path_costs_no_second_login() {
    let world = World::new();
    let issuer = world.app_role_issuer(&json!({ "token_policies": "elsewhere", "secret_id_num_uses": 1 }));
    for _ in 0..3 {
        let error = refusal(&issuer, &Wanted::name("a.example.test"));
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
        let text = error.to_string();
        assert!(text.contains("denies pki/sign/web: give one of the token's policies (default, elsewhere)"), "{text}");
        assert!(text.contains("the capability \"update\""), "{text}");
    }
    assert_eq!(world.asked("auth/approle/login"), 1);
}

#[test]
fn a_given_token_is_renewed_in_the_second_half_of_its_life_by_a_check_too() {
    let world = World::new();
    let token = world.token(&json!({ "policies": ["signer"], "period": "2h" }));
    let issuer = world.issuer(Token::new(fixed(&token)));

    block_on(issuer.check()).unwrap();
    world.clock.advance(Duration::from_secs(45 * 60));
    block_on(issuer.check()).unwrap();
    assert_eq!(world.asked("auth/token/renew-self"), 0);
    world.clock.advance(Duration::from_secs(20 * 60));
    block_on(issuer.check()).unwrap();

    assert_eq!(world.asked("auth/token/renew-self"), 1);
    block_on(Wanted::name("a.example.test").from(&issuer)).unwrap();
}

#[test]
fn a_given_token_may_be_replaced_while_the_issuer_runs() {
    let world = World::new();
    let first = world.token(&json!({ "policies": ["signer"] }));
    let source = fixed(&first);
    let issuer = world.issuer(Token::new(source.clone()));
    let wanted = Wanted::name("a.example.test");
    block_on(wanted.from(&issuer)).unwrap();

    world.vault.write("auth/token/revoke", &json!({ "token": first }));
    let error = refusal(&issuer, &wanted);
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    assert!(error.to_string().contains("does not take the token: it is expired, revoked"), "{error}");

    source.set(Secret::new(world.token(&json!({ "policies": ["signer"] }))));
    block_on(wanted.from(&issuer)).unwrap();
}

#[test]
fn a_secret_id_may_be_replaced_while_the_issuer_runs() {
    let world = World::new();
    let role_id = world.app_role(&json!({ "token_policies": "signer", "secret_id_num_uses": 1 }));
    let source = Fixed::new(world.secret_id());
    let issuer = world.issuer(AppRole::new(role_id, source.clone()));
    let wanted = Wanted::name("a.example.test");
    block_on(wanted.from(&issuer)).unwrap();

    world.revoke_logins();
    let error = refusal(&issuer, &wanted);
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    assert!(error.to_string().contains("neither used up nor expired"), "{error}");

    source.set(world.secret_id());
    world.clock.advance(Duration::from_secs(2));
    block_on(wanted.from(&issuer)).unwrap();
}
