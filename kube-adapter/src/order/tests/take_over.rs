//! Orders that cert-manager 1.21 left half-way, frozen after each of its writes, and finished here: the same order, the same key, nothing ordered anew.

use std::collections::BTreeMap;

use acme_core::protocol::ChallengeType;
use acme_core::{Clock as _, Identifier, PrivateKey};
use serde_json::Value;
use testkit::ca::{Endpoint, SeededAuthorization, Settings};

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
        let text = serde_json::to_string(&mine.collect::<Vec<_>>()).unwrap();
        let mut states: Vec<Value> = serde_json::from_str(&rewritten(&text)).unwrap();
        let described =
            states.iter().rev().find(|it| it["kind"] == "Order").unwrap()["status"]["authorizations"].clone();
        for state in &mut states {
            state["metadata"]["namespace"] = "shop".into();
        }
        let places = places(&described);
        for state in &mut states {
            relocate(state, &places);
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
        let authorizations: Vec<SeededAuthorization> = self.last()["status"]["authorizations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| {
                let name = it["identifier"].as_str().unwrap();
                let wildcard = it["wildcard"] == true;
                let name = if wildcard { format!("*.{name}") } else { name.to_owned() };
                let challenges = it["challenges"].as_array().unwrap().iter().map(|it| {
                    let token = it["token"].as_str().filter(|it| !it.is_empty()).map(str::to_owned);
                    (ChallengeType::from(it["type"].as_str().unwrap().to_owned()), last_part(&it["url"]), token)
                });
                SeededAuthorization {
                    identifier: Identifier::parse(&name).unwrap(),
                    id: last_part(&it["url"]),
                    challenges: challenges.collect(),
                }
            })
            .collect();
        let id = last_part(&self.last()["status"]["url"]);
        model.ca.seed_order("recorded", &id, &authorizations, model.clock.now());
        for challenge in frozen.values().filter(|it| it["kind"] == "Challenge") {
            if challenge["status"]["state"] == "valid" {
                model.ca.seed_valid(&last_part(&challenge["spec"]["authorizationURL"]));
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

/// From the paths of the server that was recorded to those of the model.
fn rewritten(text: &str) -> String {
    let mut text = text.replace("https://127.0.0.1:14000", "https://ca.test");
    for (theirs, ours) in [("my-order", "order"), ("finalize-order", "finalize"), ("authZ", "authz")] {
        text = text.replace(&format!("ca.test/{theirs}/"), &format!("ca.test/{ours}/"));
    }
    text
}

/// In which authorization each challenge is.
fn places(authorizations: &Value) -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    for it in authorizations.as_array().unwrap() {
        for challenge in it["challenges"].as_array().into_iter().flatten() {
            let id = last_part(&challenge["url"]);
            places.insert(
                format!("https://ca.test/chalZ/{id}"),
                format!("https://ca.test/chall/{}/{id}", last_part(&it["url"])),
            );
        }
    }
    places
}

fn relocate(value: &mut Value, places: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(place) = places.get(text) {
                text.clone_from(place);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|it| relocate(it, places)),
        Value::Object(fields) => fields.values_mut().for_each(|it| relocate(it, places)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn path(object: &Value) -> String {
    let below = if object["kind"] == "Order" { ORDERS } else { CHALLENGES };
    format!("{below}/{}", object["metadata"]["name"].as_str().unwrap())
}

fn last_part(url: &Value) -> String {
    url.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
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
