//! A namespace of the shared control plane, with what a test needs in it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use certwright_kube_adapter::Settings;
use serde_json::{Value, json};
use testkit::servers::ControlPlane;

use super::definitions;
use super::proxy::Proxy;
use super::wait::{LONG, eventually, now, pause};

/// A namespace that nobody else uses.
#[derive(Debug, Clone)]
pub struct Space {
    pub plane: &'static ControlPlane,
    pub namespace: String,
}

impl Space {
    /// Makes one, on the control plane that all tests of this process share.
    pub fn new(hint: &str) -> Self {
        Self::at(shared(), hint)
    }

    /// Makes one on a control plane of its own, which may be stopped and put back.
    pub fn alone(hint: &str) -> Self {
        let plane = ControlPlane::builder().crds(definitions::all()).start();
        Self::at(Box::leak(Box::new(plane)), hint)
    }

    /// Makes one on this control plane.
    pub fn at(plane: &'static ControlPlane, hint: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let namespace = format!("{hint}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        plane.apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }));
        Self { plane, namespace }
    }

    /// A proxy for a controller of this namespace, whom the audit log calls by the namespace's name.
    pub fn proxy(&self) -> Proxy {
        Proxy::start(self.plane, &self.namespace)
    }

    /// Settings of a controller that looks after this namespace alone.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.namespaces = Some(vec![self.namespace.clone()]);
        settings
    }

    /// Makes the cluster hold this object.
    #[track_caller]
    pub fn apply(&self, manifest: &Value) -> Value {
        self.plane.apply_in(&self.namespace, manifest)
    }

    /// The path of an object, or of a collection where the name is empty.
    pub fn path(&self, resource: &str, name: &str) -> String {
        let group = match resource.split('/').next().unwrap_or_default() {
            "certificates" | "certificaterequests" | "issuers" => "/apis/cert-manager.io/v1",
            "orders" | "challenges" => "/apis/acme.cert-manager.io/v1",
            "events" => "/apis/events.k8s.io/v1",
            "ingresses" => "/apis/networking.k8s.io/v1",
            "endpointslices" => "/apis/discovery.k8s.io/v1",
            _ => "/api/v1",
        };
        let path = format!("{group}/namespaces/{}/{resource}", self.namespace);
        if name.is_empty() { path } else { format!("{path}/{name}") }
    }

    /// An object as it is now, where there is one.
    #[track_caller]
    pub fn get(&self, resource: &str, name: &str) -> Option<Value> {
        let answer = self.plane.call("GET", &self.path(resource, name), None);
        match answer.status {
            200 => Some(answer.body),
            404 => None,
            status => panic!("{resource} {name} was answered {status}: {}", answer.body),
        }
    }

    /// All objects of a kind.
    #[track_caller]
    pub fn list(&self, resource: &str) -> Vec<Value> {
        self.plane.read(&self.path(resource, ""))["items"].as_array().cloned().unwrap_or_default()
    }

    /// Merge-patches an object, or its status, as somebody else would.
    #[track_caller]
    pub fn patch(&self, resource: &str, name: &str, subresource: &str, patch: &Value) -> Value {
        let mut path = self.path(resource, name);
        if !subresource.is_empty() {
            path = format!("{path}/{subresource}");
        }
        self.plane.write("PATCH", &path, patch)
    }

    /// Deletes an object as somebody else would.
    #[track_caller]
    pub fn delete(&self, resource: &str, name: &str) {
        self.plane.write("DELETE", &self.path(resource, name), &json!({}));
    }

    /// Waits until an object's condition has this status, and answers the object.
    #[track_caller]
    pub fn await_condition(&self, resource: &str, name: &str, condition: &str, status: &str) -> Value {
        eventually(&format!("{condition}={status} of {resource} {name}"), || {
            let object = self.get(resource, name).ok_or("there is none")?;
            let found = conditions(&object).into_iter().find(|it| it["type"] == condition);
            match found {
                Some(found) if found["status"] == status => Ok(object),
                _ => Err(format!("{}", object["status"])),
            }
        })
    }

    /// Waits until a Certificate is ready for what its specification says now.
    #[track_caller]
    pub fn await_ready(&self, certificate: &str) -> Value {
        eventually(&format!("readiness of Certificate {certificate}"), || {
            let object = self.get("certificates", certificate).ok_or("there is none")?;
            let generation = &object["metadata"]["generation"];
            let ready = conditions(&object)
                .into_iter()
                .any(|it| it["type"] == "Ready" && it["status"] == "True" && it["observedGeneration"] == *generation);
            if ready { Ok(object) } else { Err(format!("{}", object["status"])) }
        })
    }

    /// Waits until the controller behind a proxy has nothing more to write: no write for a while, and none under way. A Lease is renewed all the time.
    #[track_caller]
    pub fn await_quiet(&self, proxy: &Proxy) {
        let end = now() + LONG;
        let count = || proxy.ledger().0.iter().filter(|it| it.call.resource != "leases").count();
        let mut seen = (count(), now());
        while now() < end {
            let count = count();
            if count != seen.0 || !proxy.is_idle() {
                seen = (count, now());
            } else if now() - seen.1 >= QUIET {
                return;
            }
            pause(Duration::from_millis(20));
        }
        panic!("the controller never came to rest:\n{}", proxy.ledger());
    }
}

/// The conditions of an object.
pub fn conditions(object: &Value) -> Vec<Value> {
    object["status"]["conditions"].as_array().cloned().unwrap_or_default()
}

/// The control plane of this process, with the six kinds.
pub fn shared() -> &'static ControlPlane {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    SHARED.get_or_init(|| ControlPlane::builder().crds(definitions::all()).start())
}

/// Nothing that is owed at once takes this long between two writes.
const QUIET: Duration = Duration::from_millis(400);
