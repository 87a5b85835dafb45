//! Accounts at ACME servers.

use serde_json::{Value, json};
use testkit::servers::{Bind, Endpoint, Pebble, TsigAlgorithm, TsigKey, Zone};

use crate::kit::{Operator, Space, eventually};
use crate::{base64, ready, request, signing_request, text};

#[test]
fn an_account_is_registered_with_a_key_that_was_stored_first() {
    let (space, pebble) = (Space::new("acme"), Pebble::start());
    let proxy = space.proxy();
    space.apply(&issuer(&pebble, json!({ "email": "a@example.test" })));
    let operator = Operator::start(&proxy, space.settings());
    let object = space.await_condition("issuers", "acme", "Ready", "True");
    assert_eq!(ready(&object), "ACMEAccountRegistered: The ACME account was registered with the ACME server");
    let secret = space.get("secrets", "account").expect("the key is stored");
    assert!(text(&secret["data"]["tls.key"]).starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!(secret["metadata"]["labels"]["app.kubernetes.io/managed-by"], "cert-manager");
    let account = &object["status"]["acme"];
    assert!(account["uri"].as_str().unwrap_or_default().contains("/my-account/"), "{account}");
    assert_eq!(account["lastRegisteredEmail"], "a@example.test");
    space.await_quiet(&proxy);
    operator.stop();
    let registered = pebble.requests();
    let operator = Operator::start(&proxy, space.settings());
    space.await_quiet(&proxy);
    operator.stop();
    assert_eq!(pebble.requests(), registered, "an account that is known is not looked for");
    proxy.ledger().assert_is(&["create secrets", "patch issuers/status"], 0);

    // Another Issuer with the same key, and a status that was lost, find the account again; its contact is changed where the spec wants another.
    space.patch("issuers", "acme", "status", &json!({ "status": null }));
    let mut other = issuer(&pebble, json!({ "email": "b@example.test" }));
    other["metadata"]["name"] = json!("other");
    space.apply(&other);
    let _operator = Operator::start(&proxy, space.settings());
    for name in ["acme", "other"] {
        let found = space.await_condition("issuers", name, "Ready", "True");
        assert_eq!(found["status"]["acme"]["uri"], account["uri"]);
    }
    space.patch("issuers", "acme", "", &json!({ "spec": { "acme": { "email": "c@example.test" } } }));
    eventually("the new address", || {
        let object = space.get("issuers", "acme").ok_or("gone")?;
        if object["status"]["acme"]["lastRegisteredEmail"] == "c@example.test" {
            Ok(())
        } else {
            Err(object["status"].to_string())
        }
    });
}

#[test]
fn a_key_of_another_kind_that_people_put_there_is_used_as_it_is() {
    let (space, pebble) = (Space::new("acme"), Pebble::start());
    let (_, key) = crate::kit::manifests::authority_pem();
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"), "of a curve, as rcgen makes them");
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "account" }, "stringData": { "tls.key": key } });
    let before = space.apply(&secret);
    space.apply(&issuer(&pebble, json!({ "disableAccountKeyGeneration": true })));
    let proxy = space.proxy();
    let _operator = Operator::start(&proxy, space.settings());
    let object = space.await_condition("issuers", "acme", "Ready", "True");
    assert!(object["status"]["acme"]["uri"].is_string(), "{object}");
    assert_eq!(space.get("secrets", "account").expect("it is there"), before, "nobody wrote it");
}

#[test]
fn a_server_that_is_away_is_asked_again_and_one_that_forgot_the_account_is_told_of_it_again() {
    let (space, mut pebble) = (Space::new("acme"), Pebble::start());
    let proxy = space.proxy();
    let url = pebble.directory_url();
    let mut away = issuer(&pebble, json!({}));
    away["spec"]["acme"]["server"] = json!("https://127.0.0.1:1/dir");
    space.apply(&away);
    let _operator = Operator::start(&proxy, space.settings());
    told(&space, "ErrRegisterACMEAccount: Failed to register ACME account: ");
    space.patch("issuers", "acme", "", &json!({ "spec": { "acme": { "server": url } } }));
    let registered = space.await_condition("issuers", "acme", "Ready", "True");
    // It keeps its accounts in memory.
    pebble.restart();
    space.apply(&request("r", "acme", &signing_request(&["a.example.test"]).0));
    eventually("another account", || {
        let object = space.get("issuers", "acme").ok_or("gone")?;
        let account = &object["status"]["acme"]["uri"];
        if *account == registered["status"]["acme"]["uri"] { Err(account.to_string()) } else { Ok(()) }
    });
}

#[test]
fn an_account_bound_to_another_waits_for_the_key_of_that_one() {
    let space = Space::new("acme");
    let pebble =
        Pebble::builder().eab_key("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W").start();
    let proxy = space.proxy();
    space.apply(&issuer(
        &pebble,
        json!({
            "externalAccountBinding": { "keyID": "kid-1", "keySecretRef": { "name": "eab", "key": "secret" } },
        }),
    ));
    let _operator = Operator::start(&proxy, space.settings());
    told(&space, "ErrRegisterACMEAccount: Failed to register ACME account: secrets \"eab\" not found");
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "eab" },
        "stringData": { "secret": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W" } }));
    space.await_condition("issuers", "acme", "Ready", "True");
}

#[test]
fn what_cannot_be_is_said_in_words_that_are_known() {
    let (space, pebble) = (Space::new("acme"), Pebble::start());
    let proxy = space.proxy();
    space.apply(&issuer(&pebble, json!({ "disableAccountKeyGeneration": true })));
    let _operator = Operator::start(&proxy, space.settings());
    told(
        &space,
        "ErrVerifyACMEAccount: Failed to verify ACME account: the ACME issuer config has 'disableAccountKeyGeneration' set to true, but the secret was not found: secrets \"account\" not found",
    );
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "account" }, "stringData": { "tls.key": "no key" } }));
    told(&space, "ErrVerifyACMEAccount: Account private key is invalid: ");
    let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "account" }, "stringData": { "tls.key": key } }));
    space.await_condition("issuers", "acme", "Ready", "True");

    let change = |fields: Value| space.patch("issuers", "acme", "", &json!({ "spec": { "acme": fields } }));
    change(json!({ "server": "https://acme-v01.api.letsencrypt.org/directory" }));
    told(
        &space,
        "InvalidConfig: Your ACME server URL is set to a v1 endpoint (https://acme-v01.api.letsencrypt.org/directory). You should update the spec.acme.server field to \"https://acme-v02.api.letsencrypt.org/directory\"",
    );
    change(json!({ "server": pebble.directory_url(), "solvers": [{}] }));
    told(&space, "InvalidConfig: spec.acme.solvers[0]: Required value: no solver type configured");
    change(json!({ "solvers": [{ "dns01": { "rfc2136": {
        "nameserver": "127.0.0.1:53", "tsigKeyName": "k", "tsigSecretSecretRef": { "name": "tsig", "key": "secret" } } } }] }));
    told(&space, "InvalidSolver: failed to get secret \"tsig\": secrets \"tsig\" not found");
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "tsig" }, "stringData": { "other": "x" } }));
    told(&space, "InvalidSolver: the secret \"tsig\" does not have key \"secret\"");
    change(json!({ "solvers": null, "caBundle": null, "email": "new@example.test" }));
    told(&space, "ErrRegisterACMEAccount: Failed to register ACME account: ");
    change(json!({ "skipTLSVerify": true }));
    space.await_condition("issuers", "acme", "Ready", "True");
}

fn issuer(pebble: &Pebble, fields: Value) -> Value {
    let mut acme = json!({
        "server": pebble.directory_url(), "caBundle": base64(pebble.root_pem().as_bytes()), "privateKeySecretRef": { "name": "account" },
    });
    for (name, value) in fields.as_object().expect("fields") {
        acme[name] = value.clone();
    }
    json!({ "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "acme" }, "spec": { "acme": acme } })
}

#[track_caller]
fn told(space: &Space, wanted: &str) {
    eventually(wanted, || {
        let found = ready(&space.get("issuers", "acme").ok_or("there is none")?);
        if found.starts_with(wanted) { Ok(()) } else { Err(found) }
    });
}

#[test]
fn a_request_becomes_an_order_and_takes_what_that_comes_to() {
    let space = Space::new("acme");
    let key =
        TsigKey::new("update.example.test", TsigAlgorithm::HmacSha256, b"thirty-two bytes of a secret key".to_vec());
    let bind = Bind::builder().recursive().zone(Zone::new("example.test").update_with(&key)).start();
    let pebble = Pebble::builder()
        .dns_server(bind.address())
        .blocked_name("blocked.example.test")
        .profile("week", std::time::Duration::from_secs(7 * 24 * 3600))
        .alternate_roots(1)
        .start();
    let other_root = common_name(&pebble.issuance_root_pem(1));
    let proxy = space.proxy();
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "tsig" }, "stringData": { "key": key.secret_base64() } }));
    space.apply(&issuer(
        &pebble,
        json!({ "profile": "week", "preferredChain": other_root, "solvers": [{ "dns01": { "rfc2136": {
        "nameserver": bind.address().to_string(), "tsigKeyName": key.name(), "tsigAlgorithm": "HMACSHA256",
        "tsigSecretSecretRef": { "name": "tsig", "key": "key" } } } }] }),
    ));
    let mut settings = space.settings();
    settings.acme.dns01_nameservers = vec![bind.address().to_string()];
    settings.acme.dns01_recursive_only = true;
    settings.check_again_after = std::time::Duration::from_millis(100);
    let _operator = Operator::start(&proxy, settings);
    space.await_condition("issuers", "acme", "Ready", "True");

    let mut good = request("good", "acme", &signing_request(&["a.example.test", "b.example.test"]).0);
    good["metadata"]["labels"] = json!({ "team": "web" });
    good["metadata"]["annotations"] = json!({ "example.test/note": "copied", "fluxcd.io/note": "left" });
    space.apply(&good);
    let done = space.await_condition("certificaterequests", "good", "Ready", "True");
    assert_eq!(text(&done["status"]["certificate"]).matches("BEGIN").count(), 2, "leaf and intermediate");
    assert_eq!(done["status"]["ca"], Value::Null);
    let chain = text(&done["status"]["certificate"]);
    assert_eq!(issuer_name(chain.rsplit_once("-----BEGIN").expect("an intermediate").1), other_root);
    assert!(lasts(&chain) <= 7 * 24 * 3600, "the profile is asked for");
    let orders = space.list("orders");
    let order = orders.first().expect("an Order");
    assert_eq!(order["metadata"]["ownerReferences"][0]["uid"], done["metadata"]["uid"]);
    assert_eq!(order["metadata"]["labels"], json!({ "team": "web" }));
    assert_eq!(order["metadata"]["annotations"], json!({ "example.test/note": "copied" }));
    assert_eq!(order["spec"]["profile"], "week");
    assert_eq!(order["spec"]["dnsNames"], json!(["a.example.test", "b.example.test"]));
    space.await_quiet(&proxy);
    let of_requests = proxy.ledger().objects().filter(|it| it.call.resource == "certificaterequests/status").count();
    assert_eq!((of_requests, orders.len()), (2, 1), "{}", proxy.ledger());
    proxy.ledger().assert_clean();

    space.apply(&request("bad", "acme", &signing_request(&["blocked.example.test"]).0));
    let bad = eventually("an end", || {
        let object = space.get("certificaterequests", "bad").ok_or("gone")?;
        if object["status"]["failureTime"].is_string() { Ok(object) } else { Err(object["status"].to_string()) }
    });
    let told = ready(&bad);
    assert!(told.starts_with("Failed: Failed to wait for order resource \"bad-"), "{told}");
    assert!(told.contains("to become ready: order is in \"errored\" state: Failed to create Order: "), "{told}");
}

#[test]
fn credentials_that_a_name_server_refuses_are_told_and_tried_again_until_they_are_corrected() {
    let space = Space::new("acme");
    let key =
        TsigKey::new("update.example.test", TsigAlgorithm::HmacSha256, b"thirty-two bytes of a secret key".to_vec());
    let bind = Bind::builder().recursive().zone(Zone::new("example.test").update_with(&key)).start();
    let pebble = Pebble::builder().dns_server(bind.address()).start();
    let proxy = space.proxy();
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "tsig" }, "stringData": { "key": base64(b"another secret, as long as it is") } }));
    space.apply(&issuer(
        &pebble,
        json!({ "solvers": [{ "dns01": { "rfc2136": {
        "nameserver": bind.address().to_string(), "tsigKeyName": key.name(), "tsigAlgorithm": "HMACSHA256",
        "tsigSecretSecretRef": { "name": "tsig", "key": "key" } } } }] }),
    ));
    let mut settings = space.settings();
    settings.acme.dns01_nameservers = vec![bind.address().to_string()];
    settings.acme.dns01_recursive_only = true;
    settings.check_again_after = std::time::Duration::from_millis(100);
    let _operator = Operator::start(&proxy, settings);
    space.apply(&request("web", "acme", &signing_request(&["a.example.test"]).0));
    let challenge = eventually("the word of the name server", || {
        let challenge = space.list("challenges").pop().ok_or("there is none")?;
        let reason = challenge["status"]["reason"].as_str().unwrap_or_default();
        if reason.contains("BADSIG") { Ok(challenge) } else { Err(challenge["status"].to_string()) }
    });
    assert_eq!(challenge["status"]["state"], "pending", "{challenge}");
    space.patch("secrets", "tsig", "", &json!({ "stringData": { "key": key.secret_base64() } }));
    space.await_condition("certificaterequests", "web", "Ready", "True");
    assert_eq!(pebble.requests().count(Endpoint::NewOrder), 1);
}

/// The common name of the first certificate of a PEM text.
fn common_name(pem: &str) -> String {
    read(pem, |certificate| first_common_name(certificate.subject()))
}

/// The common name of who signed a certificate, whose PEM text lost its first words.
fn issuer_name(pem: &str) -> String {
    read(&format!("-----BEGIN{pem}"), |certificate| first_common_name(certificate.issuer()))
}

/// For how many seconds the first certificate of a PEM text is good.
fn lasts(pem: &str) -> i64 {
    read(pem, |it| it.validity().not_after.timestamp() - it.validity().not_before.timestamp())
}

fn first_common_name(name: &x509_parser::x509::X509Name<'_>) -> String {
    name.iter_common_name().next().and_then(|it| it.as_str().ok()).unwrap_or_default().to_owned()
}

fn read<T>(pem: &str, look: impl FnOnce(&x509_parser::certificate::X509Certificate<'_>) -> T) -> T {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).expect("PEM");
    look(&pem.parse_x509().expect("a certificate"))
}
