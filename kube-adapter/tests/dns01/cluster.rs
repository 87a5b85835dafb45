//! Issuers of the whole cluster: their Secrets lie in one namespace, and what the process runs with is theirs.

use std::sync::Arc;

use acme_core::PrivateKey;
use acme_core::key::{KeyType, Signer as _};
use serde_json::json;
use testkit::doubles::{Double, azure, digitalocean, google};
use testkit::servers::ControlPlane;

use crate::kit::manifests::{certificate, with_spec};
use crate::kit::{Proxy, Space, definitions};
use crate::scene::{Scene, Services, Wall};

#[test]
fn a_cluster_issuer_uses_what_the_process_runs_with_and_secrets_of_one_namespace() {
    // Who looks after the whole cluster would look after the other tests' namespaces, too.
    let plane: &'static ControlPlane = Box::leak(Box::new(ControlPlane::builder().crds(definitions::all()).start()));
    for name in ["operators", "shop"] {
        plane.apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }));
    }
    let space = Space { plane, namespace: "shop".to_owned() };
    let scene = Scene::in_space(space, Proxy::start(plane, "controller"));
    let key = PrivateKey::generate(KeyType::Rsa2048).expect("a key");
    let google =
        Double::new(google::Google::new(key.public_key().as_ref(), "example.test", scene.dns.clone(), Arc::new(Wall)));
    let azure = Double::new(azure::Azure::new("no secret", "no assertion", "example.test", scene.dns.clone()));
    let ocean = digitalocean::DigitalOcean::new("TOP-SECRET-token", &["example.test"], scene.dns.clone());
    let services = Services::at("dns.googleapis.com", google.clone())
        .and("metadata.google.internal", google)
        .and("management.azure.com", azure.clone())
        .and("169.254.169.254", azure)
        .and("api.digitalocean.com", Double::new(ocean));
    plane.apply_in(
        "operators",
        &json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "dns" }, "stringData": { "token": "TOP-SECRET-token" } }),
    );
    let solver =
        |name: &str, dns01| json!({ "selector": { "dnsNames": [format!("{name}.example.test")] }, "dns01": dns01 });
    scene.issuer_of("ClusterIssuer", json!([
        solver("google", json!({ "cloudDNS": { "project": google::Google::PROJECT, "hostedZoneName": "example-org" } })),
        solver("azure", json!({ "azureDNS": {
            "subscriptionID": azure::Azure::SUBSCRIPTION, "resourceGroupName": azure::Azure::GROUP, "hostedZoneName": "example.test",
            "managedIdentity": { "clientID": azure::Azure::CLIENT },
        } })),
        solver("ocean", json!({ "digitalocean": { "tokenSecretRef": { "name": "dns", "key": "token" } } })),
    ]));
    let mut settings = scene.space.settings();
    settings.namespaces = None;
    settings.cluster_resource_namespace = "operators".to_owned();
    let _operator = scene.start_with(settings, services);

    let names = ["google", "azure", "ocean"].map(|it| format!("{it}.example.test"));
    let spec = json!({ "dnsNames": names, "issuerRef": { "kind": "ClusterIssuer" } });
    scene.space.apply(&with_spec(certificate("web", "ca"), spec));
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());
}
