//! Issuers of the whole cluster, whose Secrets lie in one namespace.

use serde_json::{Value, json};
use testkit::servers::{ControlPlane, Pebble};

use crate::kit::manifests::authority_pem;
use crate::kit::{Operator, Proxy, Space, definitions, eventually};
use crate::{base64, pair, ready, request, signing_request, text};

#[test]
fn secrets_of_cluster_issuers_lie_in_the_cluster_resource_namespace() {
    // Who looks after the whole cluster would look after the other tests' namespaces, too.
    let plane: &'static ControlPlane = Box::leak(Box::new(ControlPlane::builder().crds(definitions::all()).start()));
    let space = |name: &str| {
        plane.apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }));
        Space { plane, namespace: name.to_owned() }
    };
    let (operators, shop, pebble) = (space("operators"), space("shop"), Pebble::start());
    let cluster_issuer = |name: &str, spec: Value| {
        plane.apply(&json!({ "apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": { "name": name }, "spec": spec }))
    };
    let told = |name: &str, wanted: &str| {
        eventually(wanted, || {
            let found = ready(&plane.read(&format!("/apis/cert-manager.io/v1/clusterissuers/{name}")));
            if found.starts_with(wanted) { Ok(()) } else { Err(found) }
        });
    };
    let (certificate, key) = authority_pem();
    pair(&shop, "authority", &certificate, &key);
    cluster_issuer("ca", json!({ "ca": { "secretName": "authority" } }));
    cluster_issuer(
        "acme",
        json!({ "acme": {
            "server": pebble.directory_url(), "caBundle": base64(pebble.root_pem().as_bytes()), "privateKeySecretRef": { "name": "account" },
        } }),
    );
    let proxy = Proxy::start(plane, "controller");
    let mut settings = operators.settings();
    settings.namespaces = None;
    settings.cluster_resource_namespace = "operators".to_owned();
    let _operator = Operator::start(&proxy, settings);

    told("ca", "ErrGetKeyPair: Error getting keypair for CA issuer: secrets \"authority\" not found");
    told("acme", "ACMEAccountRegistered: ");
    assert!(operators.get("secrets", "account").is_some() && shop.get("secrets", "account").is_none());
    pair(&operators, "authority", &certificate, &key);
    told("ca", "KeyPairVerified: Signing CA verified");
    let mut asked = request("r", "ca", &signing_request(&["a.example.test"]).0);
    shop.apply(&asked);
    eventually("a hint", || {
        let found = ready(&shop.get("certificaterequests", "r").ok_or("there is none")?);
        let wanted = "Pending: Referenced \"Issuer\" not found: issuer.cert-manager.io \"ca\" not found. A ClusterIssuer \"ca\" exists: set spec.issuerRef.kind: ClusterIssuer";
        if found == wanted { Ok(()) } else { Err(found) }
    });
    shop.delete("certificaterequests", "r");
    asked["spec"]["issuerRef"]["kind"] = json!("ClusterIssuer");
    shop.apply(&asked);
    let signed = shop.await_condition("certificaterequests", "r", "Ready", "True");
    assert_eq!(text(&signed["status"]["ca"]).trim(), certificate.replace("\r\n", "\n").trim());
}
