//! A DNS webhook that was written for cert-manager, behind the API server's own aggregation.

use serde_json::{Value, json};
use testkit::doubles::{Double, Served, webhook};

use crate::kit::{Proxy, Space};
use crate::scene::{Scene, Services};

#[test]
fn a_webhook_is_asked_through_the_api_server_as_soon_as_that_is_allowed() {
    let space = Space::new("webhook");
    // Who may do what a controller does, and nothing behind the API server.
    let user = format!("controller-of-{}", space.namespace);
    allow(&space, &user, "everything-of-its-own", &["", "cert-manager.io", "acme.cert-manager.io", "events.k8s.io"]);
    let proxy = Proxy::with_kubeconfig(&space.plane.kubeconfig_as(&user, &["system:authenticated"]));
    let scene = Scene::in_space(space, proxy);
    let group = format!("{}.acme.example.test", scene.space.namespace);
    let config = json!({ "account": { "name": "a", "key": "b" }, "ttl": 60.5 });
    let service = webhook::Webhook::new(&group, "my-solver", "example.test", config.clone(), scene.dns.clone());
    let double = Double::new(service);
    let served = double.serve_behind_https();
    aggregate(&scene.space, &group, &served);
    scene.issuer(json!({ "webhook": { "groupName": group, "solverName": "my-solver", "config": config } }));
    let _operator = scene.start(Services::default());

    scene.ask("web");
    let told = scene.refused();
    assert!(
        told.contains(&format!("User \"{user}\" cannot create resource \"my-solver\" in API group \"{group}\"")),
        "{told}"
    );
    assert!(told.contains("grant the verb create on the resources of the webhook's group"), "what to do: {told}");
    allow(&scene.space, &user, "webhook", &[&group]);
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());
    let asked = double.calls().iter().filter(|it| it.starts_with("POST ")).count();
    assert_eq!(asked, 2, "present, and clean up: {:?}", double.calls());
}

/// Has the API server pass this group on to a server on loopback.
fn aggregate(space: &Space, group: &str, served: &Served) {
    // Of a Service with a foreign name the API server dials that name.
    space.apply(&json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "webhook" },
        "spec": { "type": "ExternalName", "externalName": "localhost", "ports": [{ "port": served.port() }] },
    }));
    let name = format!("v1alpha1.{group}");
    space.plane.apply(&json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": name },
        "spec": {
            "group": group, "version": "v1alpha1", "groupPriorityMinimum": 1000, "versionPriority": 15, "insecureSkipTLSVerify": true,
            "service": { "namespace": space.namespace, "name": "webhook", "port": served.port() },
        },
    }));
    let path = format!("/apis/apiregistration.k8s.io/v1/apiservices/{name}");
    let available = |it: &Value| {
        let conditions = it["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|it| it["type"] == "Available" && it["status"] == "True")
    };
    let answer = space.plane.wait_for(&path, available);
    answer.unwrap_or_else(|last| panic!("the API server never took the webhook in: {last:#}"));
}

/// Lets `user` do everything in these API groups.
fn allow(space: &Space, user: &str, name: &str, groups: &[&str]) {
    let name = format!("{}-{name}", space.namespace);
    let group = "rbac.authorization.k8s.io";
    space.plane.apply(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": name },
        "rules": [{ "apiGroups": groups, "resources": ["*"], "verbs": ["*"] }],
    }));
    space.plane.apply(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": name },
        "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": name },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": user }],
    }));
}
