//! Orders that cert-manager 1.21 left half-way, frozen after each of its writes, and finished here: the same order, the same key, nothing ordered anew.

#[path = "../../../tests/kit/recorded.rs"]
mod recorded;

use std::collections::BTreeMap;

use acme_core::{Clock as _, PrivateKey};
use serde_json::Value;
use testkit::ca::{Endpoint, Settings};

use super::model::{CHALLENGES, Crash, Model, ORDERS};

/// What was recorded of one Order: every state of it and of its Challenges, in the order in which they were written.
struct Recording {
    name: &'static str,
    issuer: &'static str,
    states: Vec<Value>,
}

impl Recording {
    fn of(name: &'static str, issuer: &'static str) -> Self {
        let lines = include_str!("../../../tests/recordings/resources.jsonl").lines();
        let objects = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mine = objects.filter(|it| match it["kind"].as_str() {
            Some("Order") => it["metadata"]["name"] == name,
            Some("Challenge") => it["metadata"]["ownerReferences"][0]["name"] == name,
            _ => false,
        });
        let last = |states: &[Value]| states.iter().rev().find(|it| it["kind"] == "Order").unwrap().clone();
        let mut states = recorded::moved(&mine.collect::<Vec<_>>(), "https://ca.test", last);
        for state in &mut states {
            state["metadata"]["namespace"] = "shop".into();
        }
        Self { name, issuer, states }
    }

    /// The newest state of each object after so many writes.
    fn frozen(&self, writes: usize) -> BTreeMap<String, Value> {
        let mut frozen = BTreeMap::new();
        for state in &self.states[..writes] {
            frozen.insert(path(state), state.clone());
        }
        frozen
    }

    /// The Order as cert-manager left it in the end.
    fn last(&self) -> &Value {
        self.states.iter().rev().find(|it| it["kind"] == "Order").unwrap()
    }

    /// The authority, as it was when this had been written.
    fn seed(&self, model: &Model, frozen: &BTreeMap<String, Value>) {
        let authorizations = recorded::authorizations(self.last());
        let id = recorded::last_part(&self.last()["status"]["url"]);
        model.ca.seed_order("recorded", &id, &authorizations, model.clock.now());
        for challenge in frozen.values().filter(|it| it["kind"] == "Challenge") {
            if challenge["status"]["state"] == "valid" {
                model.ca.seed_valid(&recorded::last_part(&challenge["spec"]["authorizationURL"]));
            }
            if challenge["status"]["presented"] == true {
                let text = |field: &str| challenge["spec"][field].as_str().unwrap().to_owned();
                model.records.insert(text("dnsName"), text("key"));
            }
        }
    }

    async fn model(&self, seed: u64) -> Model {
        let keys = include_str!("../../../tests/recordings/account-keys.json");
        let keys: BTreeMap<String, String> = serde_json::from_str(keys).unwrap();
        let key = PrivateKey::from_pem(&keys[self.issuer]).unwrap();
        Model::with(seed, Settings { order_lists: true, ..Settings::default() }, Some((key, "recorded"))).await
    }

    /// Takes over after so many writes, and goes to the end.
    async fn taken_over(&self, writes: usize, crash: Crash) {
        let frozen = self.frozen(writes);
        let mut model = self.model(u64::try_from(writes).unwrap()).await;
        self.seed(&model, &frozen);
        for (path, object) in &frozen {
            model.cluster.put(path, object.clone());
        }
        model.boot();
        model.run(crash).await;

        let (status, last) = (model.status(self.name), &self.last()["status"]);
        let about = format!("{} after {writes} writes: {:#?}", self.name, model.story);
        assert_eq!(status["state"], "valid", "{about}");
        assert_eq!(model.ca.requests(Endpoint::NewOrder), 0, "nothing is ordered anew: {about}");
        // A way back: everything is where cert-manager would look for it.
        for field in ["url", "finalizeURL"] {
            assert_eq!(status[field], last[field], "{field} of {about}");
        }
        // What a crash lets us read later may be proven by then, and shown as that.
        if crash == Crash::Never {
            assert_eq!(status["authorizations"], last["authorizations"], "{about}");
        }
        assert!(status["certificate"].is_string(), "{about}");
        assert_eq!(model.records.len(), 0, "{about}");
        assert!(model.cluster.below(CHALLENGES).is_empty(), "{about}");
    }
}

fn path(object: &Value) -> String {
    let below = if object["kind"] == "Order" { ORDERS } else { CHALLENGES };
    format!("{below}/{}", object["metadata"]["name"].as_str().unwrap())
}

#[tokio::test]
async fn orders_by_dns_are_finished_from_every_state_that_cert_manager_left() {
    for name in ["single-1-57683", "wild-1-835331826", "shim-tls-1-773299001"] {
        let recording = Recording::of(name, "fx-dns");
        for writes in 1..=recording.states.len() {
            for crash in [Crash::Never, Crash::Sometimes] {
                recording.taken_over(writes, crash).await;
            }
        }
    }
}

#[tokio::test]
async fn orders_by_http_are_finished_from_every_state_with_all_challenges() {
    for name in ["h-ingress-1-2621199408", "h-gateway-1-1771195946", "h-edit-1-40824484"] {
        let recording = Recording::of(name, "http");
        let all = recording.frozen(recording.states.len()).len();
        for writes in 1..=recording.states.len() {
            if recording.frozen(writes).len() == all {
                recording.taken_over(writes, Crash::Never).await;
            }
        }
    }
}
