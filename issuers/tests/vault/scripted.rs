//! What a community Vault never says: namespaces, standbys, limits, and answers that are not Vault's.

use std::sync::Arc;
use std::time::Duration;

use acme_core::ErrorKind;
use certwright_issuers::vault::auth::AppRole;
use certwright_issuers::vault::{Mount, Server, VaultIssuer};
use certwright_issuers::{CertificateRequest, InMemory, Issuer as _, Retry};
use http::{Method, StatusCode};
use serde_json::json;
use testkit::transport::Answer;
use testkit::{ScriptedTransport, VirtualClock};

use super::world::{Wanted, block_on, fixed, refusal};

const BASE: &str = "https://vault.test:8200/v1";

fn server(transport: &ScriptedTransport) -> Server {
    Server::new("https://vault.test:8200/", Arc::new(transport.clone()), Arc::new(VirtualClock::new())).unwrap()
}

fn granted() -> Answer {
    Answer::json(200, &json!({ "auth": { "client_token": "hvs.t", "lease_duration": 3600, "renewable": true } }))
}

fn issuer(transport: &ScriptedTransport) -> VaultIssuer {
    VaultIssuer::new("vault", server(transport), "pki/sign/web", AppRole::new("role", fixed("secret-id"))).unwrap()
}

#[test]
fn a_namespace_is_named_in_every_request_but_that_for_the_health() {
    let transport = ScriptedTransport::new();
    transport.expect(Method::GET, &format!("{BASE}/sys/health"), Answer::json(473, &json!({})));
    transport.expect(Method::POST, &format!("{BASE}/auth/approle/login"), granted());
    let refused = Answer::json(404, &json!({ "errors": ["no handler for route \"pki/sign/web\""] }));
    transport.expect(Method::POST, &format!("{BASE}/pki/sign/web"), refused);
    let server = server(&transport).in_namespace("teams/web").unwrap();
    let issuer = VaultIssuer::new("vault", server, "pki/sign/web", AppRole::new("role", fixed("secret-id"))).unwrap();

    block_on(issuer.check()).unwrap();
    let error = refusal(&issuer, &Wanted::name("a.example.test"));

    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("at pki/sign/web in the namespace \"teams/web\""), "{error}");
    transport.assert_finished();
    let namespaces: Vec<_> = transport.sent().iter().map(|it| it.headers().get("x-vault-namespace").cloned()).collect();
    assert_eq!(namespaces, [None, Some("teams/web".parse().unwrap()), Some("teams/web".parse().unwrap())]);
}

#[test]
fn answers_of_a_standby_a_limit_and_a_broken_proxy_are_waited_out() {
    let html = Answer::new(502, "text/html", "<html>upstream token=hunter2</html>");
    for (answer, retry, said) in [
        (
            Answer::json(429, &json!({ "errors": ["request path \"pki/sign/web\": rate limit quota exceeded"] }))
                .with_header("retry-after", "7"),
            Retry::After(Duration::from_secs(7)),
            "it limits the rate of requests: request path",
        ),
        (
            Answer::empty(StatusCode::TEMPORARY_REDIRECT)
                .with_header("location", "https://active.test:8200/v1/pki/sign/web"),
            Retry::Backoff,
            "it is a standby that sends clients to active.test:8200",
        ),
        (html, Retry::Backoff, "it answered 502: the answer is not vault's own"),
        (
            Answer::json(500, &json!({ "errors": ["internal error"] })),
            Retry::Backoff,
            "it answered 500: internal error",
        ),
        (
            Answer::json(503, &json!({ "errors": ["Vault is sealed"] })),
            Retry::Backoff,
            "vault at vault.test:8200 is sealed",
        ),
        (
            Answer::json(412, &json!({ "errors": ["required index state not present"] })),
            Retry::Backoff,
            "required index state",
        ),
    ] {
        let transport = ScriptedTransport::new();
        transport.expect(Method::POST, &format!("{BASE}/auth/approle/login"), granted());
        transport.expect(Method::POST, &format!("{BASE}/pki/sign/web"), answer);
        let error = refusal(&issuer(&transport), &Wanted::name("a.example.test"));
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, retry), "{error}");
        assert!(error.to_string().contains(said) && !error.to_string().contains("hunter2"), "{error}");
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn the_health_is_read_as_cert_manager_reads_it() {
    for (status, kind) in [
        (200, None),
        (429, None),
        (472, None),
        (473, None),
        (501, Some((ErrorKind::Busy, "is not initialized"))),
        (503, Some((ErrorKind::Busy, "is sealed"))),
        (404, Some((ErrorKind::NotFound, "there is no sys/health"))),
    ] {
        let transport = ScriptedTransport::new();
        transport.expect(Method::GET, &format!("{BASE}/sys/health"), Answer::json(status, &json!({ "errors": [] })));
        match (block_on(server(&transport).check()), kind) {
            (Ok(()), None) => {}
            (Err(error), Some((kind, said))) => {
                assert_eq!(error.kind(), kind);
                assert!(error.to_string().contains(said), "{error}");
            }
            (outcome, _) => panic!("{status}: {outcome:?}"),
        }
    }
}

#[test]
fn answers_that_hold_no_certificate_for_the_key_are_refused() {
    let wanted = Wanted::name("a.example.test");
    let other = rcgen::generate_simple_self_signed(["a.example.test".to_owned()]).unwrap().cert.pem();
    for (body, said) in [
        (json!({}), "it is not the answer of a path that signs"),
        (json!({ "data": { "certificate": "none" } }), "it is empty"),
        (
            json!({ "data": { "certificate": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n" } }),
            "not X.509",
        ),
        (json!({ "data": { "certificate": other, "ca_chain": null } }), "is for the key of the request"),
    ] {
        let transport = ScriptedTransport::new();
        transport.expect(Method::POST, &format!("{BASE}/auth/approle/login"), granted());
        transport.expect(Method::POST, &format!("{BASE}/pki/sign/web"), Answer::json(200, &body));
        let error = refusal(&issuer(&transport), &wanted);
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Malformed, Retry::Backoff), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_profile_and_names_that_were_not_asked_for_are_refused_before_anything_is_sent() {
    let wanted = Wanted::name("a.example.test");
    let mut request = wanted.request();
    request.profile = Some("shortlived");
    assert_unsent(&request, ErrorKind::Unsupported, "no profile \"shortlived\"");

    let mut request = wanted.request();
    request.identifiers = &[];
    assert_unsent(&request, ErrorKind::Malformed, "differ, in a.example.test for one");
}

fn assert_unsent(request: &CertificateRequest<'_>, kind: ErrorKind, said: &str) {
    let transport = ScriptedTransport::new();
    let error = block_on(issuer(&transport).issue(request, &mut InMemory::new())).unwrap_err();
    assert_eq!(error.kind(), kind);
    assert!(error.to_string().contains(said), "{error}");
    assert!(transport.sent().is_empty());
}

#[test]
fn a_login_without_a_token_in_its_answer_is_malformed() {
    for body in [
        json!({}),
        json!({ "auth": { "client_token": "" } }),
        json!({ "auth": { "client_token": "x".repeat(20_000) } }),
    ] {
        let transport = ScriptedTransport::new();
        transport.expect(Method::POST, &format!("{BASE}/auth/approle/login"), Answer::json(200, &body));
        let error = refusal(&issuer(&transport), &Wanted::name("a.example.test"));
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().ends_with("the answer holds no token"), "{error}");
    }
}

#[test]
fn a_vault_that_is_away_while_a_token_is_renewed_is_asked_with_the_old_one() {
    let transport = ScriptedTransport::new();
    let clock = VirtualClock::new();
    let server = Server::new("https://vault.test:8200", Arc::new(transport.clone()), Arc::new(clock.clone())).unwrap();
    let issuer = VaultIssuer::new("vault", server, "pki/sign/web", AppRole::new("role", fixed("secret-id"))).unwrap();
    let signs = || Answer::json(400, &json!({ "errors": ["no"] }));
    transport.expect(Method::POST, &format!("{BASE}/auth/approle/login"), granted());
    transport.expect(Method::POST, &format!("{BASE}/pki/sign/web"), signs());
    transport.expect(Method::POST, &format!("{BASE}/auth/token/renew-self"), Answer::Failure(ErrorKind::Unreachable));
    transport.expect(Method::POST, &format!("{BASE}/pki/sign/web"), signs());
    let wanted = Wanted::name("a.example.test");

    refusal(&issuer, &wanted);
    clock.advance(Duration::from_secs(55 * 60));
    refusal(&issuer, &wanted);

    transport.assert_finished();
}

#[test]
fn a_lost_answer_says_that_something_may_have_been_signed_by_keeping_the_state() {
    let transport = ScriptedTransport::new();
    transport.expect(Method::POST, &format!("{BASE}/auth/approle/login"), granted());
    transport.expect(Method::POST, &format!("{BASE}/pki/sign/web"), Answer::Failure(ErrorKind::Unreachable));
    let mut progress = InMemory::new();
    let wanted = Wanted::name("a.example.test");

    let error = block_on(issuer(&transport).issue(&wanted.request(), &mut progress)).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Backoff));
    let state = certwright_issuers::Progress::state(&progress).unwrap();
    assert_eq!(state, br#"{"format":1,"state":"signing"}"#);
}

#[test]
fn addresses_mounts_and_namespaces_are_read_strictly() {
    let transport: Arc<ScriptedTransport> = Arc::default();
    let clock = Arc::new(VirtualClock::new());
    for url in [
        "",
        "vault.test",
        "ftp://vault.test",
        "https://user:hunter2@vault.test",
        "https://vault.test?x",
        "https://vault.test/#x",
    ] {
        let error = Server::new(url, transport.clone(), clock.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{url:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let server = Server::new("https://proxy.test/vault/", transport, clock).unwrap();
    for namespace in ["", "a\nb"] {
        assert_eq!(server.clone().in_namespace(namespace).unwrap_err().kind(), ErrorKind::Malformed);
    }
    for mount in ["", "..", "a/../b", "auth//x", "a b"] {
        assert_eq!(Mount::parse(mount).unwrap_err().kind(), ErrorKind::Malformed, "{mount:?}");
    }
    assert_eq!(Mount::parse("/v1/auth/kubernetes").unwrap().to_string(), "kubernetes");
}
