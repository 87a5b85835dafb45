//! A controller of the whole cluster that follows Secrets by name: those of ClusterIssuers in one namespace, those of Certificates in theirs.

use certwright_kube_adapter::Settings;
use serde_json::{Value, json};
use testkit::servers::Pebble;

use crate::kit::manifests::{authority_pem, certificate, with_spec};
use crate::kit::{Operator, Space, eventually, judge};
use crate::scene::{Asked, Scene, await_word};

#[test]
fn cluster_issuers_serve_every_namespace_whose_role_names_its_secrets() {
    let scene = Scene::of_cluster("operators", &["authority", "account"]);
    let (operators, proxy) = (&scene.space, &scene.proxy);
    let [shop, mall] = ["shop", "mall"].map(|hint| Space::at(operators.plane, hint));
    let pebble = Pebble::start();
    scene.grant_in(&shop, &["web", "web-next"]);
    pair(operators, "authority");
    cluster_issuer(operators, "ca", json!({ "ca": { "secretName": "authority" } }));
    let acme = json!({ "server": pebble.directory_url(), "skipTLSVerify": true, "privateKeySecretRef": { "name": "account" } });
    cluster_issuer(operators, "acme", json!({ "acme": acme }));
    let mut settings: Settings = scene.settings();
    settings.namespaces = None;
    let _operator = Operator::start(proxy, settings);

    await_issuer(operators, "ca", &["KeyPairVerified: "]);
    await_issuer(operators, "acme", &["ACMEAccountRegistered: "]);
    shop.apply(&of_cluster("web"));
    shop.await_ready("web");
    shop.await_quiet(proxy);
    judge::assert_settled(&shop, "web");
    assert_eq!(proxy.watches("secrets"), 4);
    assert_eq!(scene.asked(), Asked { created: vec!["account".to_owned()], ..Asked::default() });

    // A namespace without a Role, and a Secret of a ClusterIssuer that the Role of its namespace does not name.
    mall.apply(&of_cluster("web"));
    let role = format!("A Role in namespace {} must give ", mall.namespace);
    await_word(&mall, "certificates", "web", "Ready", &["SecretForbidden: ", &role, "resourceNames [web, web-next]"]);
    cluster_issuer(operators, "other", json!({ "ca": { "secretName": "another" } }));
    let role = format!("A Role in namespace {} must give ", operators.namespace);
    await_issuer(operators, "other", &["SecretForbidden: ", &role, "resourceNames [another]"]);
    scene.grant_in(&mall, &["web", "web-next"]);
    scene.grant(&["authority", "account", "another"]);
    mall.await_ready("web");
    pair(operators, "another");
    await_issuer(operators, "other", &["KeyPairVerified: "]);
    assert_eq!(scene.asked().beyond_names, [""; 0]);
}

fn of_cluster(name: &str) -> Value {
    with_spec(certificate(name, "ca"), json!({ "issuerRef": { "kind": "ClusterIssuer" } }))
}

fn cluster_issuer(space: &Space, name: &str, spec: Value) {
    space.plane.apply(&json!({
        "apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": { "name": name }, "spec": spec,
    }));
}

fn pair(space: &Space, name: &str) {
    let (certificate, key) = authority_pem();
    space.apply(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "type": "kubernetes.io/tls",
        "stringData": { "tls.crt": certificate, "tls.key": key },
    }));
}

#[track_caller]
fn await_issuer(space: &Space, name: &str, words: &[&str]) {
    eventually(&format!("a ClusterIssuer {name} that says {words:?}"), || {
        let object = space.plane.read(&format!("/apis/cert-manager.io/v1/clusterissuers/{name}"));
        let told = object["status"]["conditions"][0].clone();
        let text = format!(
            "{}: {}",
            told["reason"].as_str().unwrap_or_default(),
            told["message"].as_str().unwrap_or_default()
        );
        if words.iter().all(|it| text.contains(it)) { Ok(()) } else { Err(text) }
    });
}
