//! What a real Vault says against a request, and what becomes of it.

use std::sync::Arc;

use acme_core::transport::ReqwestTransport;
use acme_core::{ErrorKind, Secret};
use certwright_issuers::Retry;
use certwright_issuers::vault::auth::{AppRole, Fixed, Token};
use certwright_issuers::vault::{Server, VaultIssuer};
use serde_json::json;
use testkit::servers::Vault;

use super::world::{Wanted, World, block_on, fixed, refusal, signer_role};

#[test]
fn a_sealed_vault_is_busy_until_it_is_unsealed() {
    let world = World::new();
    let issuer = world.app_role_issuer(&signer_role());
    let wanted = Wanted::name("a.example.test");
    block_on(issuer.check()).unwrap();
    world.vault.seal();

    let error = refusal(&issuer, &wanted);
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff));
    let host = world.vault.url().replace("http://", "");
    assert_eq!(error.to_string(), format!("vault at {host} is sealed: unseal it (vault operator unseal)"));
    let error = block_on(issuer.check()).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff));
    assert!(error.to_string().starts_with("failed to verify Vault is initialized and unsealed: vault at "), "{error}");

    // A login is refused in the same way.
    let other = world.issuer(AppRole::new("any", fixed("any")));
    assert_eq!(refusal(&other, &wanted).kind(), ErrorKind::Busy);
    world.vault.unseal();
    block_on(wanted.from(&issuer)).unwrap();
}

#[test]
fn a_name_that_the_role_does_not_allow_is_refused_for_good() {
    let world = World::new();
    let issuer = world.issuer(Token::new(fixed(&world.token(&json!({ "policies": ["signer"] })))));
    let error = refusal(&issuer, &Wanted::name("evil.test"));
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
    assert!(
        error
            .to_string()
            .contains("pki/sign/web refused it: subject alternate name evil.test not allowed by this role"),
        "{error}"
    );
}

#[test]
fn a_role_or_an_engine_that_is_not_there_is_named() {
    let world = World::new();
    world.vault.policy("all", r#"path "*" { capabilities = ["update"] }"#);
    let token = world.token(&json!({ "policies": ["all"] }));
    for (path, kind, retry, said) in [
        ("pki/sign/none", ErrorKind::Refused, Retry::Never, "pki/sign/none refused it: unknown role: none"),
        (
            "nothing/sign/web",
            ErrorKind::NotFound,
            Retry::Backoff,
            "nothing is mounted at nothing/sign/web: no handler for route",
        ),
        (
            "pki/sing/web",
            ErrorKind::NotFound,
            Retry::Backoff,
            "there is no pki/sing/web: 1 error occurred: unsupported path",
        ),
        ("pki/config/urls/x", ErrorKind::NotFound, Retry::Backoff, "there is no pki/config/urls/x"),
    ] {
        let error = refusal(&world.issuer_at(path, Token::new(fixed(&token))), &Wanted::name("a.example.test"));
        assert_eq!((error.kind(), error.retry()), (kind, retry), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    for path in ["", "/", "pki/../sys/seal", "pki/sign/web?x=y", "pki/sign/a b", "pki//sign"] {
        let made = VaultIssuer::new("vault", world.server(), path, Token::new(fixed(&token)));
        assert_eq!(made.unwrap_err().kind(), ErrorKind::Malformed, "{path:?}");
    }
}

#[test]
fn a_login_that_is_refused_says_what_to_look_at() {
    let world = World::new();
    let role_id = world.app_role(&signer_role());
    let spent = world.secret_id();
    world.vault.write("auth/approle/role/web/secret-id/destroy", &json!({ "secret_id": spent.expose() }));
    let issuers = [
        world.issuer(AppRole::new(&role_id, Fixed::new(spent))),
        world.issuer(AppRole::new(&role_id, fixed("11111111-2222-3333-4444-555555555555"))),
        world.issuer(AppRole::new("11111111-2222-3333-4444-555555555555", Fixed::new(world.secret_id()))),
    ];
    for issuer in issuers {
        let error = refusal(&issuer, &Wanted::name("a.example.test"));
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never), "{error}");
        assert!(error.to_string().contains("auth/approle/login refused it: invalid "), "{error}");
        let advice = "; check the role id, and that the secret id is neither used up nor expired";
        assert!(error.to_string().ends_with(advice), "{error}");
        let error = block_on(issuer.check()).unwrap_err();
        assert!(error.to_string().starts_with("failed to initialize Vault client: logging in to vault at "), "{error}");
    }
}

#[test]
fn a_login_method_that_is_not_mounted_is_refused_like_a_wrong_secret() {
    let world = World::new();
    let error = refusal(&world.issuer(AppRole::new("web", fixed("any"))), &Wanted::name("a.example.test"));
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let text = error.to_string();
    assert!(text.contains("auth/approle/login refused it: permission denied; check the role id"), "{text}");
    assert!(text.ends_with("and that a login method is mounted there"), "{text}");
}

#[test]
fn an_untrusted_and_a_stopped_server_are_out_of_reach() {
    let mut vault = Vault::builder().tls().start();
    let other = Vault::builder().tls().start();
    let clock = Arc::new(testkit::VirtualClock::new());
    let transport = ReqwestTransport::builder().only_given_roots();
    let transport = transport.add_root_pem(other.root_pem().unwrap().as_bytes()).unwrap().build().unwrap();
    let server = Server::new(&vault.url(), Arc::new(transport), clock).unwrap();
    let issuer = VaultIssuer::new("vault", server, "pki/sign/web", Token::new(fixed("any"))).unwrap();

    let error = refusal(&issuer, &Wanted::name("a.example.test"));
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Backoff));
    assert!(error.to_string().contains("add the root that is in use now to the transport"), "{error}");

    vault.stop();
    let error = block_on(issuer.check()).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Backoff));
    assert!(error.to_string().contains("refuses connections"), "{error}");
}

#[test]
fn a_certificate_that_would_outlive_its_ca_is_refused_in_vaults_words() {
    let world = World::new();
    world.vault.write(
        "pki/roles/web",
        &json!({ "allow_any_name": true, "require_cn": false, "max_ttl": "87600h", "key_type": "any" }),
    );
    let issuer = world.issuer(Token::new(fixed(&world.token(&json!({ "policies": ["signer"] })))));
    let wanted = Wanted::name("a.example.test");
    let mut request = wanted.request();
    request.duration = Some(std::time::Duration::from_secs(87_600 * 3600));
    let error =
        block_on(certwright_issuers::Issuer::issue(&issuer, &request, &mut certwright_issuers::InMemory::new()))
            .unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
    assert!(error.to_string().contains("beyond the expiration of the CA certificate"), "{error}");
}

#[test]
fn a_token_that_no_header_can_hold_is_refused_before_anything_is_sent() {
    let world = World::new();
    let issuer = world.issuer(Token::new(Fixed::new(Secret::new("one\ntwo".to_owned()))));
    let error = refusal(&issuer, &Wanted::name("a.example.test"));
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(!error.to_string().contains("two"), "{error}");
}
