//! A namespace, or a cluster, and a controller with a Role in each namespace that names Secrets.

use certwright_kube_adapter::{Settings, WatchedSecrets};
use serde_json::{Value, json};

use crate::kit::manifests::{authority, certificate};
use crate::kit::{Operator, Proxy, Space, conditions, eventually};

/// A namespace, and a ServiceAccount that may do there what a controller needs; of Secrets only what is named.
pub(crate) struct Scene {
    pub(crate) space: Space,
    pub(crate) proxy: Proxy,
}

impl Scene {
    /// Makes one, with rights on Secrets of these names.
    pub(crate) fn new(hint: &str, secrets: &[&str]) -> Self {
        Self::at(Space::new(hint), "Role", secrets)
    }

    /// One whose controller looks after every namespace of a cluster of its own; `secrets` are those of ClusterIssuers.
    pub(crate) fn of_cluster(hint: &str, secrets: &[&str]) -> Self {
        Self::at(Space::alone(hint), "ClusterRole", secrets)
    }

    fn at(space: Space, kind: &str, secrets: &[&str]) -> Self {
        space.apply(&json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": ACCOUNT } }));
        let all = json!(["get", "list", "watch", "create", "patch", "delete"]);
        let rest = json!([
            { "apiGroups": ["cert-manager.io", "acme.cert-manager.io", "events.k8s.io"], "resources": ["*"], "verbs": all },
            { "apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"] },
            { "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"] },
        ]);
        let signers = json!([{ "apiGroups": ["cert-manager.io"], "resources": ["signers"], "verbs": ["approve"] }]);
        bind(&space, &space, kind, "rest", &rest);
        bind(&space, &space, "ClusterRole", &space.namespace, &signers);
        let scene =
            Self { proxy: Proxy::with_kubeconfig(&space.plane.kubeconfig_of(&space.namespace, ACCOUNT)), space };
        scene.grant(secrets);
        scene
    }

    /// From now on these Secrets are named, and no other.
    pub(crate) fn grant(&self, secrets: &[&str]) {
        self.grant_in(&self.space, secrets);
    }

    /// The same in another namespace.
    pub(crate) fn grant_in(&self, space: &Space, secrets: &[&str]) {
        self.grant_verbs_in(space, secrets, &["get", "watch", "patch", "delete"]);
    }

    /// The same, with these rights on them.
    pub(crate) fn grant_verbs(&self, secrets: &[&str], verbs: &[&str]) {
        self.grant_verbs_in(&self.space, secrets, verbs);
    }

    fn grant_verbs_in(&self, space: &Space, secrets: &[&str], verbs: &[&str]) {
        let rules = json!([
            { "apiGroups": [""], "resources": ["secrets"], "resourceNames": secrets, "verbs": verbs },
            { "apiGroups": [""], "resources": ["secrets"], "verbs": ["create"] },
        ]);
        bind(&self.space, space, "Role", "secrets", &rules);
    }

    /// Secrets of these names may be used, and none made.
    pub(crate) fn grant_without_create(&self, secrets: &[&str]) {
        let verbs = ["get", "watch", "patch", "delete"];
        let rules = json!([{ "apiGroups": [""], "resources": ["secrets"], "resourceNames": secrets, "verbs": verbs }]);
        bind(&self.space, &self.space, "Role", "secrets", &rules);
    }

    /// Settings of a controller that follows Secrets by name.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = self.space.settings();
        settings.cluster_resource_namespace = self.space.namespace.clone();
        settings.secrets = WatchedSecrets::Named;
        settings
    }

    /// Starts one.
    pub(crate) fn start(&self) -> Operator {
        Operator::start(&self.proxy, self.settings())
    }

    /// Starts one, and waits until the Issuer `ca` is ready and nothing more is written.
    pub(crate) fn ready(&self) -> Operator {
        let operator = self.start();
        self.space.await_condition("issuers", "ca", "Ready", "True");
        self.space.await_quiet(&self.proxy);
        self.proxy.forget();
        operator
    }

    /// A scene in which a controller has issued the Certificate `web` of the authority `ca`, and nothing more is written.
    pub(crate) fn with_certificate(hint: &str) -> (Self, Operator) {
        let scene = Self::new(hint, &["authority", "web", "web-next"]);
        authority(&scene.space);
        let operator = scene.ready();
        scene.space.apply(&certificate("web", "ca"));
        scene.space.await_ready("web");
        scene.space.await_quiet(&scene.proxy);
        (scene, operator)
    }

    /// What the controller asked of Secrets, and what it was refused of whatever kind, as the API server wrote it down.
    pub(crate) fn asked(&self) -> Asked {
        let user = format!("system:serviceaccount:{}:{ACCOUNT}", self.space.namespace);
        let mut asked = Asked::default();
        for event in self.space.plane.audit().into_iter().filter(|it| it.user == user) {
            let call = format!("{} {}", event.verb, event.uri);
            if event.code == 403 {
                asked.refused.push(call.clone());
            }
            if event.resource.as_deref() == Some("secrets") {
                let is_of_one = event.name.is_some() || event.uri.contains("fieldSelector=metadata.name%3D");
                if !is_of_one || event.verb == "list" {
                    asked.beyond_names.push(call);
                }
                if event.verb == "create" {
                    asked.created.extend(event.name);
                }
            }
        }
        asked
    }
}

/// What a controller asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What was answered 403.
    pub(crate) refused: Vec<String>,
    /// What was asked of Secrets without the name of one.
    pub(crate) beyond_names: Vec<String>,
    /// The Secrets that were made by POST.
    pub(crate) created: Vec<String>,
}

/// Waits until a condition says something that holds this.
#[track_caller]
pub(crate) fn await_word(space: &Space, resource: &str, name: &str, kind: &str, words: &[&str]) -> Value {
    eventually(&format!("{kind} of {resource} {name} that says {words:?}"), || {
        let object = space.get(resource, name).ok_or("there is none")?;
        let told = conditions(&object).into_iter().find(|it| it["type"] == kind).unwrap_or_default();
        let text = format!(
            "{}: {}",
            told["reason"].as_str().unwrap_or_default(),
            told["message"].as_str().unwrap_or_default()
        );
        if words.iter().all(|it| text.contains(it)) { Ok(object.clone()) } else { Err(object["status"].to_string()) }
    })
}

/// Waits until a Certificate was issued so often.
#[track_caller]
pub(crate) fn await_revision(space: &Space, certificate: &str, revision: i64) {
    eventually(&format!("revision {revision} of {certificate}"), || {
        let status = space.get("certificates", certificate).ok_or("there is none")?["status"].clone();
        if status["revision"] == revision { Ok(()) } else { Err(status.to_string()) }
    });
}

/// Gives the account of `home` these rights in another namespace, or in the cluster.
fn bind(home: &Space, space: &Space, kind: &str, name: &str, rules: &Value) {
    let api = "rbac.authorization.k8s.io";
    let of = |kind: &str| json!({ "apiVersion": format!("{api}/v1"), "kind": kind, "metadata": { "name": name } });
    let (mut role, mut binding) = (of(kind), of(&format!("{kind}Binding")));
    role["rules"] = rules.clone();
    binding["roleRef"] = json!({ "apiGroup": api, "kind": kind, "name": name });
    binding["subjects"] = json!([{ "kind": "ServiceAccount", "name": ACCOUNT, "namespace": home.namespace }]);
    for object in [role, binding] {
        if kind == "Role" {
            space.apply(&object)
        } else {
            space.plane.apply(&object)
        };
    }
}

const ACCOUNT: &str = "controller";
