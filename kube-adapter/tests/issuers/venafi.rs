//! CyberArk Certificate Manager, formerly Venafi, in its three forms.

use std::time::Duration;

use acme_core::Clock as _;
use issuers::TokioTimer;
use serde_json::{Value, json};
use testkit::venafi::cloud::{self, Door};
use testkit::venafi::{Double, Front, Service, tpp};

use crate::kit::manifests::certificate;
use crate::kit::{Call, Fault, Operator, Proxy, Space, Verb, eventually};
use crate::{base64, condition, ready, request, signing_request, text};

#[test]
fn a_certificate_of_a_self_hosted_platform_takes_eight_writes() {
    let (space, platform) = (Space::new("venafi"), platform());
    let proxy = space.proxy();
    credentials(&space, json!({ "username": "operator", "password": "wrong" }));
    space.apply(&of_platform(&platform));
    let mut settings = space.settings();
    // A machine under load is slower than people are patient; what is shown then is not counted here.
    settings.visible_after = Duration::from_secs(60);
    let _operator = Operator::start(&proxy, settings);
    told(&space, "AuthFailed: OAuth token request failed: ");
    credentials(&space, json!({ "username": "operator", "password": "correct horse" }));
    let issuer = space.await_condition("issuers", "venafi", "Ready", "True");
    assert_eq!(ready(&issuer), "Certificate Manager issuer started: Certificate Manager issuer started");
    space.await_quiet(&proxy);
    proxy.forget();

    let mut web = certificate("web", "venafi");
    web["metadata"]["annotations"] = json!({ CUSTOM_FIELDS: r#"[{"name": "Owner", "value": "web team"}]"# });
    space.apply(&web);
    space.await_ready("web");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(
        &[
            "create secrets",
            "create certificaterequests",
            "patch certificaterequests/status",
            "patch certificaterequests",
            "patch certificaterequests/status",
            "patch secrets",
            "patch certificates/status",
            "delete secrets",
        ],
        1,
    );
    let asked = space.get("certificaterequests", "web-1").expect("the request");
    assert_eq!(asked["metadata"]["annotations"][PICKUP], format!("{}\\web.example.test", tpp::FOLDER));
    let sent = platform.double().tpp(|it| it.requests.clone());
    let fields = json!([{ "Name": "Cost Center", "Values": ["4711"] }, { "Name": "Owner", "Values": ["web team"] }]);
    assert_eq!((sent.len(), &sent[0]["CustomFields"]), (1, &fields));
    let secret = space.get("secrets", "web").expect("the Secret");
    assert_eq!(text(&secret["data"]["tls.crt"]).matches("BEGIN").count(), 2, "leaf and intermediate");
    assert!(text(&secret["data"]["ca.crt"]).contains("BEGIN CERTIFICATE"));
}

#[test]
fn an_access_token_is_used_as_it_is_and_read_again_when_it_is_replaced() {
    let (space, platform) = (Space::new("venafi"), platform());
    let proxy = space.proxy();
    let until = TokioTimer.now() + Duration::from_secs(3600);
    platform.double().tpp(|it| it.access.insert("given".to_owned(), until));
    credentials(&space, json!({ "access-token": "expired" }));
    space.apply(&of_platform(&platform));
    let _operator = Operator::start(&proxy, space.settings());
    told(&space, "AuthFailed: OAuth token request failed: ");
    credentials(&space, json!({ "access-token": "given" }));
    space.await_condition("issuers", "venafi", "Ready", "True");
    space.apply(&request("r", "venafi", &signing_request(&["a.example.test"]).0));
    let signed = space.await_condition("certificaterequests", "r", "Ready", "True");
    assert!(text(&signed["status"]["certificate"]).contains("BEGIN CERTIFICATE"));
    let tokens: Vec<String> = platform.double().tpp(|it| it.access.keys().cloned().collect());
    assert_eq!(tokens, ["given"], "nobody logs in who has a token");
}

#[test]
fn what_was_requested_before_a_crash_is_picked_up_after_it() {
    for door in [Door::Key, Door::ServiceAccount] {
        let (space, tenant) = (Space::new("venafi"), tenant(door));
        let proxy = space.proxy();
        apply_tenant(&space, &tenant, door);
        let operator = start(&space, &proxy, &tenant);
        space.await_condition("issuers", "venafi", "Ready", "True");
        tenant.double().cloud(|it| it.verdict = Some(("PENDING", "")));
        proxy.fail(|call| notes_pickup(call).then_some(Fault::KillAfter));
        space.apply(&request("r", "venafi", &signing_request(&["a.example.test"]).0));
        eventually("the crash", || if operator.is_alive() { Err("it lives".to_owned()) } else { Ok(()) });
        drop(operator);
        proxy.heal();

        let _operator = start(&space, &proxy, &tenant);
        eventually("a word of what is waited for", || {
            let object = space.get("certificaterequests", "r").ok_or("there is none")?;
            let told = condition(&object, "Ready")["message"].as_str().unwrap_or_default().to_owned();
            let wanted = "certificate still in a pending state, the request will be retried: ";
            if told.starts_with(wanted) && told.contains("PENDING") { Ok(()) } else { Err(told) }
        });
        tenant.double().cloud(|it| it.verdict = None);
        let signed = space.await_condition("certificaterequests", "r", "Ready", "True");
        assert!(text(&signed["status"]["certificate"]).contains("BEGIN CERTIFICATE"), "{door:?}");
        let noted = proxy.ledger().0.iter().filter(|it| notes_pickup(&it.call)).count();
        assert_eq!((tenant.double().state().taken, noted), (1, 1), "{door:?}: requests, and notes of them");
    }
}

#[test]
fn what_the_service_refuses_ends_a_request_in_words_that_are_known() {
    let (space, tenant) = (Space::new("venafi"), tenant(Door::Key));
    let proxy = space.proxy();
    apply_tenant(&space, &tenant, Door::Key);
    let _operator = start(&space, &proxy, &tenant);
    space.await_condition("issuers", "venafi", "Ready", "True");
    let ask = |name: &str, annotations: Value| {
        let mut object = request(name, "venafi", &signing_request(&["a.example.test"]).0);
        object["metadata"]["annotations"] = annotations;
        space.apply(&object);
        eventually("an end", || {
            let object = space.get("certificaterequests", name).ok_or("gone")?;
            if object["status"]["failureTime"].is_string() {
                Ok(ready(&object))
            } else {
                Err(object["status"].to_string())
            }
        })
    };
    let told = ask("odd", json!({ CUSTOM_FIELDS: "not JSON" }));
    assert!(told.starts_with(&format!("Failed: Failed to parse \"{CUSTOM_FIELDS}\" annotation: ")), "{told}");
    tenant.double().cloud(|it| it.policy = Some("the organization must be Example Inc."));
    let told = ask("policy", json!({}));
    assert!(told.starts_with("Failed: Failed to request Certificate Manager certificate: "), "{told}");
    assert!(told.contains("the organization must be Example Inc."), "{told}");
    tenant.double().cloud(|it| (it.policy, it.verdict) = (None, Some(("REJECTED", "rejected by an approver"))));
    let told = ask("rejected", json!({}));
    assert!(told.starts_with("Failed: Failed to obtain Certificate Manager certificate: "), "{told}");
    assert!(told.contains("rejected by an approver"), "{told}");
    assert_eq!(tenant.double().state().taken, 1);
}

#[test]
fn an_issuer_says_what_is_wrong_with_its_zone_and_its_key() {
    let (space, tenant) = (Space::new("venafi"), tenant(Door::Key));
    let proxy = space.proxy();
    apply_tenant(&space, &tenant, Door::Key);
    space.delete("secrets", "credentials");
    let _operator = start(&space, &proxy, &tenant);
    told(&space, "ErrorSetup: Failed to setup Certificate Manager issuer: secrets \"credentials\" not found");
    credentials(&space, json!({ "api-key": "an old key" }));
    told(&space, "ErrorSetup: Failed to setup Certificate Manager issuer: reading the issuing template at ");
    credentials(&space, json!({ "api-key": "a-key" }));
    space.await_condition("issuers", "venafi", "Ready", "True");
    space.patch("issuers", "venafi", "", &json!({ "spec": { "venafi": { "zone": r"Web Shop\Nowhere" } } }));
    told(&space, "ErrorSetup: Failed to setup Certificate Manager issuer: reading the issuing template at ");
    let told = ready(&space.get("issuers", "venafi").expect("it"));
    assert!(told.ends_with("correct the zone"), "{told}");
}

/// Trust Protection Platform, which signs at once.
fn platform() -> Front {
    let mut server = tpp::Server::default();
    server.client_id = "cert-manager.io";
    at_once(Service::Tpp(server))
}

/// A tenant of one of the other two, which signs at once.
fn tenant(door: Door) -> Front {
    at_once(Service::Cloud(cloud::Server::new(door)))
}

fn at_once(service: Service) -> Front {
    let double = Double::new(TokioTimer, service);
    double.state().delay = Duration::ZERO;
    Front::start(double)
}

fn of_platform(platform: &Front) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer",
        "metadata": { "name": "venafi", "annotations": { CUSTOM_FIELDS: r#"[{"name": "Cost Center", "value": "4711"}]"# } },
        "spec": { "venafi": { "zone": r"DevOps\Web", "tpp": {
            "url": platform.url(), "caBundle": base64(platform.root_pem().as_bytes()), "credentialsRef": { "name": "credentials" },
        } } },
    })
}

/// The issuer of a tenant, and its credentials.
fn apply_tenant(space: &Space, tenant: &Front, door: Door) {
    let venafi = match door {
        Door::Key => {
            credentials(space, json!({ "api-key": "a-key" }));
            json!({ "zone": r"Web Shop\Public TLS", "cloud": { "url": tenant.url(), "apiTokenSecretRef": { "name": "credentials" } } })
        }
        Door::ServiceAccount => {
            credentials(space, json!({ "client-id": "client", "client-secret": "top secret" }));
            json!({ "zone": "Public TLS", "ngts": {
                "url": format!("{}/ngts", tenant.url()), "tokenEndpoint": format!("{}/oauth2/access_token", tenant.url()),
                "tsgID": "1000000001", "credentialsRef": { "name": "credentials" },
            } })
        }
    };
    space.apply(&json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "venafi" }, "spec": { "venafi": venafi },
    }));
}

/// A controller that tells early what it waits for, and trusts the tenant's certificate: its issuers cannot name one.
fn start(space: &Space, proxy: &Proxy, tenant: &Front) -> Operator {
    let mut settings = space.settings();
    settings.visible_after = Duration::from_millis(100);
    settings.trusted_roots = Some(tenant.root_pem().into());
    Operator::start(proxy, settings)
}

fn credentials(space: &Space, values: Value) {
    space.apply(
        &json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "credentials" }, "stringData": values }),
    );
}

fn notes_pickup(call: &Call) -> bool {
    call.verb == Verb::Patch && call.resource == "certificaterequests"
}

#[track_caller]
fn told(space: &Space, wanted: &str) {
    eventually(wanted, || {
        let found = ready(&space.get("issuers", "venafi").ok_or("there is none")?);
        if found.starts_with(wanted) { Ok(()) } else { Err(found) }
    });
}

const PICKUP: &str = "venafi.cert-manager.io/pickup-id";
const CUSTOM_FIELDS: &str = "venafi.cert-manager.io/custom-fields";
