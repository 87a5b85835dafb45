//! Requests that no Certificate owns, and the Secrets with their keys.

use serde_json::{Value, json};

use crate::kit::manifests::self_signed_issuer;
use crate::kit::{Operator, Space};
use crate::references::await_watches;
use crate::scene::{Asked, Scene, await_word};

#[test]
fn a_request_signed_by_its_own_key_follows_the_secret_that_it_names() {
    let scene = Scene::new("bare", &["key"]);
    let Scene { space, proxy } = &scene;
    space.apply(&self_signed_issuer("own"));
    let _operator = scene.start();
    let key = ask(space, "r", "key");
    let words = format!("Pending: Referenced secret {}/key not found", space.namespace);
    await_word(space, "certificaterequests", "r", "Ready", &[&words]);
    await_watches(proxy, 1);
    store(space, "key", &key);
    space.await_condition("certificaterequests", "r", "Ready", "True");
    await_watches(proxy, 0);
    assert_eq!(scene.asked(), Asked::default());
}

#[test]
fn a_key_that_the_role_does_not_name_is_told_and_read_once_it_does() {
    let scene = Scene::new("bare", &["other"]);
    let Scene { space, proxy } = &scene;
    space.apply(&self_signed_issuer("own"));
    let _operator = scene.start();
    let key = ask(space, "r", "key");
    let role =
        format!("A Role in namespace {} must give get and watch on secrets with resourceNames [key]", space.namespace);
    await_word(
        space,
        "certificaterequests",
        "r",
        "Ready",
        &["Pending: Failed to get key \"key\"", "cannot get resource", &role],
    );
    space.await_quiet(proxy);
    let told = proxy.ledger().objects().filter(|it| it.call.name == "r").count();
    assert!(told <= 2, "{}", proxy.ledger());
    store(space, "key", &key);
    scene.grant(&["key"]);
    space.await_condition("certificaterequests", "r", "Ready", "True");
}

#[test]
fn a_key_for_which_there_is_no_room_is_told_and_found_all_the_same() {
    let scene = Scene::new("bare", &["a", "b"]);
    let Scene { space, proxy } = &scene;
    space.apply(&self_signed_issuer("own"));
    let mut settings = scene.settings();
    settings.most_named_secrets = 1;
    let _operator = Operator::start(proxy, settings);
    ask(space, "a", "a");
    await_word(space, "certificaterequests", "a", "Ready", &["Pending: Referenced secret "]);
    let key = ask(space, "b", "b");
    let words = ["Pending: Referenced secret ", "b is not watched: with --secrets=named no more than 1 Secrets are. "];
    await_word(space, "certificaterequests", "b", "Ready", &words);
    assert_eq!(proxy.watches("secrets"), 1);
    // Nobody tells of it: it is looked for.
    store(space, "b", &key);
    space.await_condition("certificaterequests", "b", "Ready", "True");
}

/// Asks for a certificate that is signed by the key in this Secret; answers the key.
fn ask(space: &Space, name: &str, secret: &str) -> String {
    use base64::Engine as _;
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(vec![format!("{name}.example.test")]).expect("names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    let csr = params.serialize_request(&key).and_then(|it| it.pem()).expect("a signing request");
    let request: Value = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
        "metadata": { "name": name, "annotations": { "cert-manager.io/private-key-secret-name": secret } },
        "spec": {
            "request": base64::engine::general_purpose::STANDARD.encode(csr), "issuerRef": { "name": "own", "kind": "Issuer" },
        },
    });
    space.apply(&request);
    key.serialize_pem()
}

fn store(space: &Space, name: &str, key: &str) {
    space.apply(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": { "tls.key": key },
    }));
}
