//! What a Role must name, and what is told where it does not.

use serde_json::json;
use testkit::servers::Pebble;

use crate::kit::manifests::{authority, certificate, renew, with_spec};
use crate::kit::{Space, eventually, judge, vault};
use crate::scene::{Asked, Scene, await_revision, await_word};

const FIRST: [&str; 4] =
    ["create certificaterequests", "patch certificaterequests/status", "patch secrets", "patch certificates/status"];

#[test]
fn a_certificate_of_an_authority_lives_its_whole_life_with_rights_on_names_alone() {
    let scene = Scene::new("life", &["authority", "web", "web-next"]);
    let Scene { space, proxy } = &scene;
    authority(space);
    let _operator = scene.ready();
    space.apply(&with_spec(certificate("web", "ca"), json!({ "secretTemplate": { "labels": { "a": "b" } } })));
    space.await_ready("web");
    space.await_quiet(proxy);
    proxy.ledger().assert_is(&FIRST, 1);
    proxy.forget();

    renew(space, "web");
    await_revision(space, "web", 2);
    space.await_quiet(proxy);
    proxy.ledger().assert_is(&[&FIRST[..], &["delete certificaterequests"]].concat(), 1);
    proxy.forget();

    space.patch("secrets", "web", "", &json!({ "metadata": { "labels": { "a": "x", "theirs": "y" } } }));
    eventually("the label of the template", || {
        let labels = space.get("secrets", "web").ok_or("it is gone")?["metadata"]["labels"].clone();
        if labels["a"] == "b" && labels["theirs"] == "y" { Ok(()) } else { Err(labels.to_string()) }
    });
    space.await_quiet(proxy);
    proxy.ledger().assert_is(&["patch secrets"], 0);

    let authority = space.get("secrets", "authority").expect("it is there")["data"]["tls.key"].clone();
    space.patch("secrets", "web", "", &json!({ "data": { "tls.key": authority } }));
    await_revision(space, "web", 3);
    space.await_quiet(proxy);
    space.delete("secrets", "web");
    await_revision(space, "web", 4);
    space.await_ready("web");
    space.await_quiet(proxy);
    judge::assert_settled(space, "web");
    space.delete("certificates", "web");
    space.await_quiet(proxy);
    assert_eq!(scene.asked(), Asked::default());
}

#[test]
fn a_next_key_is_stored_under_a_name_that_a_role_can_have() {
    let scene = Scene::new("next", &["token", "web-tls", "web-tls-next"]);
    let Scene { space, proxy } = &scene;
    let vault = vault::start();
    vault::prepare(&vault, space);
    let _operator = scene.ready();
    space.apply(&with_spec(certificate("web", "ca"), json!({ "secretName": "web-tls" })));
    space.await_ready("web");
    space.await_quiet(proxy);
    let path = ["create secrets", "patch certificaterequests/status", "delete secrets"];
    proxy.ledger().assert_is(&[&FIRST[..], &path].concat(), 1);
    judge::assert_settled(space, "web");
    let asked = scene.asked();
    assert_eq!(asked.created, ["web-tls-next"]);
    assert_eq!(asked, Asked { created: vec!["web-tls-next".to_owned()], ..Asked::default() });
}

#[test]
fn a_secret_that_the_role_does_not_name_is_told_and_issued_once_it_does() {
    let scene = Scene::new("lacking", &["authority", "web", "good", "good-next"]);
    let Scene { space, proxy } = &scene;
    authority(space);
    let _operator = scene.ready();
    space.apply(&certificate("web", "ca"));
    let role = format!(
        "A Role in namespace {} must give get, watch, patch and delete on secrets with resourceNames [web, web-next], and create on secrets",
        space.namespace
    );
    let watch = "cannot watch resource \"secrets\"";
    await_word(
        space,
        "certificates",
        "web",
        "Ready",
        &["SecretForbidden: ", "web-next may not be watched: ", watch, &role],
    );
    // Nobody else suffers, and nothing is written again and again.
    space.apply(&certificate("good", "ca"));
    space.await_ready("good");
    space.await_quiet(proxy);
    let told = proxy.ledger().objects().filter(|it| it.call.name == "web").count();
    assert_eq!(told, 1, "{}", proxy.ledger());

    scene.grant(&["authority", "web", "web-next", "good", "good-next"]);
    space.await_ready("web");
    space.await_quiet(proxy);
    judge::assert_settled(space, "web");
}

#[test]
fn a_write_that_the_role_does_not_allow_is_told_and_made_once_it_does() {
    let names = ["authority", "web", "web-next"];
    let scene = Scene::new("unwritten", &names);
    let Scene { space, proxy } = &scene;
    authority(space);
    scene.grant_verbs(&names, &["get", "watch"]);
    let _operator = scene.ready();
    space.apply(&certificate("web", "ca"));
    let words =
        ["SecretForbidden: ", "secrets \\\"web\\\" is forbidden", "cannot patch", "resourceNames [web, web-next]"];
    let words = words.map(|it| it.replace('\\', ""));
    await_word(space, "certificates", "web", "Ready", &words.each_ref().map(String::as_str));
    eventually("another try", || {
        let tries = proxy.ledger().objects().filter(|it| it.call.resource == "secrets").count();
        if tries >= 3 { Ok(()) } else { Err(format!("{tries}")) }
    });
    let told = proxy.ledger().objects().filter(|it| it.call.resource == "certificates/status").count();
    assert_eq!(told, 1, "{}", proxy.ledger());
    scene.grant(&names);
    space.await_ready("web");
    space.await_quiet(proxy);
    judge::assert_settled(space, "web");
}

#[test]
fn an_issuer_tells_which_secret_the_role_does_not_name() {
    let scene = Scene::new("issuer", &["web", "web-next"]);
    let Scene { space, .. } = &scene;
    authority(space);
    let _operator = scene.start();
    let words = ["SecretForbidden: ", "authority may not be watched: ", "resourceNames [authority]"];
    await_word(space, "issuers", "ca", "Ready", &words);
    space.apply(&certificate("web", "ca"));
    scene.grant(&["authority", "web", "web-next"]);
    space.await_ready("web");
}

#[test]
fn an_account_whose_key_may_not_be_stored_is_told_and_made_once_it_may() {
    let scene = Scene::new("account", &["account"]);
    let Scene { space, .. } = &scene;
    let pebble = Pebble::start();
    scene.grant_without_create(&["account"]);
    space.apply(&json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "ca" },
        "spec": { "acme": {
            "server": pebble.directory_url(), "skipTLSVerify": true, "privateKeySecretRef": { "name": "account" },
        } },
    }));
    let _operator = scene.start();
    let words =
        ["SecretForbidden: ", "The key of the account cannot be stored: ", "cannot create resource \"secrets\""];
    await_word(space, "issuers", "ca", "Ready", &words);
    scene.grant(&["account"]);
    space.await_condition("issuers", "ca", "Ready", "True");
}

#[test]
fn a_certificate_that_is_good_stays_ready_without_the_right_and_what_lacks_is_told() {
    let (scene, operator) = Scene::with_certificate("good");
    let Scene { space, .. } = &scene;
    operator.stop();
    scene.grant(&["authority"]);
    let operator = scene.start();
    let object = await_word(space, "certificates", "web", "Issuing", &["SecretForbidden: "]);
    assert!(is_ready(&object), "{}", object["status"]);
    operator.stop();
    scene.grant(&["authority", "web", "web-next"]);
    let _operator = scene.start();
    eventually("what was told, taken back", || {
        let object = space.get("certificates", "web").ok_or("it is gone")?;
        let told = crate::kit::conditions(&object);
        if told.len() == 1 && is_ready(&object) { Ok(()) } else { Err(object["status"].to_string()) }
    });
    assert_eq!(space.get("certificates", "web").expect("it")["status"]["revision"], 1);
}

#[test]
fn a_name_that_somebody_else_has_is_told_and_theirs_is_left_alone() {
    let scene = Scene::new("taken", &["token", "web", "web-next"]);
    let Scene { space, proxy } = &scene;
    let vault = vault::start();
    vault::prepare(&vault, space);
    let theirs = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "web-next" }, "stringData": { "password": "theirs" },
    });
    space.apply(&theirs);
    let before = secret(space, "web-next");
    let _operator = scene.ready();
    space.apply(&certificate("web", "ca"));
    let words = ["NextKeyNameTaken: ", "web-next is somebody else's", "delete that Secret", "another secretName"];
    await_word(space, "certificates", "web", "Ready", &words);
    assert_eq!(secret(space, "web-next"), before);
    let long = with_spec(certificate("long", "ca"), json!({ "secretName": "x".repeat(249) }));
    space.apply(&long);
    await_word(space, "certificates", "long", "Ready", &["SecretNameTooLong: ", "at most 248 characters"]);
    space.delete("certificates", "long");
    space.delete("secrets", "web-next");
    space.await_ready("web");
    space.await_quiet(proxy);
    judge::assert_settled(space, "web");
    let refused = scene.asked().refused;
    assert!(refused.iter().all(|it| it.contains(&"x".repeat(249))), "{refused:?}");
}

fn secret(space: &Space, name: &str) -> String {
    space.get("secrets", name).expect("it is there").to_string()
}

fn is_ready(object: &serde_json::Value) -> bool {
    crate::kit::conditions(object).iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
}
