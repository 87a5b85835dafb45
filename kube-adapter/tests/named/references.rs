//! Which Secrets are followed: those that something refers to, and no more of them than there is room for.

use certwright_kube_adapter::WatchedSecrets;
use serde_json::json;

use crate::kit::manifests::{authority, certificate, with_spec};
use crate::kit::{Operator, Proxy, Space, eventually, judge};
use crate::scene::{Scene, await_word};

#[test]
fn watches_come_and_go_with_what_refers_to_a_secret() {
    let scene = Scene::new("come", &["authority", "a", "a-next", "b", "b-next", "pw"]);
    let Scene { space, proxy } = &scene;
    authority(space);
    let _operator = scene.ready();
    await_watches(proxy, 1);
    space.apply(&certificate("a", "ca"));
    space.await_ready("a");
    await_watches(proxy, 3);
    let password = json!({ "create": true, "passwordSecretRef": { "name": "pw", "key": "p" } });
    space.patch("certificates", "a", "", &json!({ "spec": { "keystores": { "pkcs12": password } } }));
    await_watches(proxy, 4);
    // The word that a Secret came is what the password waits for.
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "pw" }, "stringData": { "p": "changeit" } }));
    eventually("a key store", || {
        let secret = space.get("secrets", "a").ok_or("it is gone")?;
        if secret["data"]["keystore.p12"].is_string() { Ok(()) } else { Err("none".to_owned()) }
    });
    space.patch("certificates", "a", "", &json!({ "spec": { "secretName": "b", "keystores": null } }));
    space.await_ready("a");
    eventually("the other Secret", || space.get("secrets", "b").map(drop).ok_or("none".to_owned()));
    await_watches(proxy, 3);
    space.delete("certificates", "a");
    await_watches(proxy, 1);
    space.delete("issuers", "ca");
    await_watches(proxy, 0);
    assert_eq!(scene.asked().refused, [""; 0]);
}

#[test]
fn a_certificate_for_whose_secrets_there_is_no_room_is_told_and_follows_when_there_is() {
    let scene = Scene::new("room", &["authority", "a", "a-next", "b", "b-next"]);
    let Scene { space, proxy } = &scene;
    authority(space);
    let mut settings = scene.settings();
    settings.most_named_secrets = 3;
    let _operator = Operator::start(proxy, settings);
    space.apply(&certificate("a", "ca"));
    space.await_ready("a");
    space.apply(&certificate("b", "ca"));
    let words = ["TooManySecrets: ", "b is not watched: with --secrets=named no more than 3 Secrets are. "];
    await_word(space, "certificates", "b", "Ready", &words);
    space.await_quiet(proxy);
    assert_eq!(proxy.watches("secrets"), 3);
    space.delete("certificates", "a");
    space.await_ready("b");
    judge::assert_settled(space, "b");
}

#[test]
fn a_key_on_its_way_is_taken_over_from_one_way_to_the_other_and_back() {
    for (before, after) in [(WatchedSecrets::All, WatchedSecrets::Named), (WatchedSecrets::Named, WatchedSecrets::All)]
    {
        let space = Space::new("crossing");
        let proxy = space.proxy();
        authority(&space);
        let settings = |secrets, approver| {
            let mut settings = space.settings();
            settings.secrets = secrets;
            settings.approver = approver;
            settings
        };
        // Nobody approves: the key is stored, and the request waits.
        let operator = Operator::start(&proxy, settings(before, false));
        space.apply(&with_spec(certificate("web", "ca"), json!({ "secretName": "web-tls" })));
        let told = eventually("a request, and the name of its key", || {
            space.get("certificaterequests", "web-1").ok_or("no request")?;
            let status = space.get("certificates", "web").ok_or("gone")?["status"].clone();
            let name = status["nextPrivateKeySecretName"].as_str().map(str::to_owned);
            name.ok_or_else(|| status.to_string())
        });
        assert_eq!(told == "web-tls-next", before == WatchedSecrets::Named, "{told}");
        let uid = space.get("certificaterequests", "web-1").expect("a request")["metadata"]["uid"].clone();
        space.await_quiet(&proxy);
        operator.stop();
        let _operator = Operator::start(&proxy, settings(after, true));
        space.await_ready("web");
        space.await_quiet(&proxy);
        let request = space.get("certificaterequests", "web-1").expect("a request");
        assert_eq!(request["metadata"]["uid"], uid, "the same request, so the same key");
        judge::assert_settled(&space, "web");
        assert_eq!(space.get("secrets", &told), None, "the key in its own Secret is used up");
    }
}

#[test]
fn two_hundred_secrets_are_followed_at_once_and_who_refers_to_one_more_is_told() {
    let names: Vec<String> = (0..99).map(|at| format!("c{at}")).chain(["late".to_owned()]).collect();
    let named: Vec<String> = names.iter().flat_map(|it| [it.clone(), format!("{it}-next")]).collect();
    let granted: Vec<&str> = named.iter().map(String::as_str).chain(["authority", "password"]).collect();
    let scene = Scene::new("limit", &granted);
    let Scene { space, proxy } = &scene;
    authority(space);
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "password" }, "stringData": { "p": "changeit" } }));
    let _operator = scene.ready();
    let [first, others @ .., late] = names.as_slice() else { panic!("there are a hundred") };
    let password = json!({ "create": true, "passwordSecretRef": { "name": "password", "key": "p" } });
    space.apply(&with_spec(certificate(first, "ca"), json!({ "keystores": { "pkcs12": password } })));
    others.iter().for_each(|it| drop(space.apply(&certificate(it, "ca"))));
    [first].into_iter().chain(others).for_each(|it| drop(space.await_ready(it)));
    await_watches(proxy, 200);

    space.apply(&certificate(late, "ca"));
    let words = ["TooManySecrets: ", "is not watched: with --secrets=named no more than 200 Secrets are. "];
    await_word(space, "certificates", late, "Ready", &words);
    space.await_quiet(proxy);
    assert_eq!(proxy.watches("secrets"), 200);
    // One place is not enough for it, the next one is.
    space.patch("certificates", first, "", &json!({ "spec": { "keystores": null } }));
    space.delete("certificates", &others[0]);
    space.await_ready(late);
    await_watches(proxy, 199);
    assert_eq!(scene.asked().refused, [""; 0]);
}

#[track_caller]
pub(crate) fn await_watches(proxy: &Proxy, count: usize) {
    eventually(&format!("{count} open watches of Secrets"), || {
        let open = proxy.watches("secrets");
        if open == count { Ok(()) } else { Err(format!("{open}")) }
    });
}
