//! An API server that holds what was recorded, and the authority that it was recorded with, as they were at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use acme_core::{Clock as _, PrivateKey, Signer as _};
use issuers::TokioTimer;
use serde_json::{Value, json};
use testkit::ca::{ModelCa, Settings};
use testkit::https::HttpsFront;
use tokio::runtime::Runtime;

use crate::kit::{Space, eventually};
use crate::recorded;
use crate::recording::{self, Recording};

/// All that was there at one moment.
pub(crate) struct Stage {
    pub(crate) space: Space,
    pub(crate) ca: ModelCa,
    /// The Order as it was in the end, at this authority.
    pub(crate) order: Value,
    pub(crate) frozen: Vec<Value>,
    account: String,
    directory: String,
    _front: HttpsFront,
    _runtime: Runtime,
}

impl Stage {
    /// After so many writes; `issuer` is whose account it was.
    pub(crate) fn set(hint: &str, recording: &Recording, writes: usize, issuer: &str) -> Self {
        crate::kit::definitions::choose_provider();
        let space = Space::new(hint);
        let runtime = Runtime::new().expect("a runtime");
        let ca = ModelCa::new(Settings { order_lists: true, poll_after: None, ..Settings::default() });
        let front = runtime.block_on(HttpsFront::start(ca.clone(), Arc::new(TokioTimer))).expect("a port");
        let key = account_key(issuer);
        let jwk = acme_core::jose::Jwk::from_spki(key.public_key()).expect("a key of an account");
        let account = ca.seed_account(&serde_json::from_str(jwk.as_str()).expect("JSON"), "recorded").to_string();
        let base = account.trim_end_matches("/acct/recorded").to_owned();

        let recording = recording.at(&base);
        let (order, frozen) = (recording.order().clone(), recording.frozen(writes));
        let id = recorded::last_part(&order["status"]["url"]);
        ca.seed_order("recorded", &id, &recorded::authorizations(&order), TokioTimer.now());
        for challenge in frozen.iter().filter(|it| it["kind"] == "Challenge" && it["status"]["state"] == "valid") {
            ca.seed_valid(&recorded::last_part(&challenge["spec"]["authorizationURL"]));
        }
        let directory = front.directory_url().to_string();
        Self { space, ca, order, frozen, account, directory, _front: front, _runtime: runtime }
    }

    /// Puts an issuer there, ready, with its account's key in the namespace.
    pub(crate) fn issuer(&self, kind: &str, name: &str) {
        let mut issuer = recording::issuer(kind, name);
        let status = &mut issuer["status"];
        status["acme"]["uri"] = self.account.as_str().into();
        let status = status.take();
        issuer["spec"]["acme"]["server"] = self.directory.as_str().into();
        let secret = issuer["spec"]["acme"]["privateKeySecretRef"]["name"].clone();
        issuer["metadata"] = json!({ "name": name });
        issuer.as_object_mut().expect("an object").remove("status");
        self.space.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": secret },
            "stringData": { "tls.key": account_keys()[name] },
        }));
        let path = match kind {
            "ClusterIssuer" => format!("/apis/cert-manager.io/v1/clusterissuers/{name}"),
            _ => self.space.path("issuers", name),
        };
        self.space.apply(&issuer);
        self.space.plane.write("PATCH", &format!("{path}/status"), &json!({ "status": status }));
    }

    /// Puts everything there that was recorded, with its status, changed by `change` where another place needs it.
    pub(crate) fn load(&self, change: impl Fn(&mut Value)) {
        let accounts = self.space.path("serviceaccounts", "default");
        eventually("the account that Pods run under", || match self.space.plane.call("GET", &accounts, None).status {
            200 => Ok(()),
            status => Err(status.to_string()),
        });
        let mut uids: BTreeMap<String, Value> = BTreeMap::new();
        for recorded in &self.frozen {
            let mut object = recorded.clone();
            change(&mut object);
            let metadata = &recorded["metadata"];
            let mut owners = metadata["ownerReferences"].clone();
            for owner in owners.as_array_mut().into_iter().flatten() {
                owner["uid"] = uids[owner["uid"].as_str().expect("a uid")].clone();
            }
            object["metadata"] = json!({
                "name": metadata["name"], "labels": metadata["labels"], "annotations": metadata["annotations"],
                "finalizers": metadata["finalizers"], "ownerReferences": owners,
            });
            let status = object.as_object_mut().expect("an object").remove("status");
            let kind = object["kind"].as_str().expect("a kind").to_lowercase();
            let resource = if kind == "ingress" { "ingresses".to_owned() } else { format!("{kind}s") };
            let made = self.space.plane.write("POST", &self.space.path(&resource, ""), &object);
            uids.insert(metadata["uid"].as_str().expect("a uid").to_owned(), made["metadata"]["uid"].clone());
            if let (Some(status), "certificate" | "certificaterequest" | "order" | "challenge") =
                (status, kind.as_str())
            {
                let name = metadata["name"].as_str().expect("a name");
                self.space.patch(&resource, name, "status", &json!({ "status": status }));
            }
        }
    }

    /// What was recorded of a kind, as it was put there.
    pub(crate) fn recorded(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.frozen.iter().filter(move |it| it["kind"] == kind)
    }
}

fn account_key(issuer: &str) -> PrivateKey {
    PrivateKey::from_pem(&account_keys()[issuer]).expect("a key")
}

fn account_keys() -> BTreeMap<String, String> {
    serde_json::from_str(include_str!("../recordings/account-keys.json")).expect("JSON")
}
