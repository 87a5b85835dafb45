//! What cert-manager wrote about one Certificate, in the order in which it wrote it.

use serde_json::Value;

use crate::recorded;

/// Every state of a Certificate and of what belongs to it.
pub(crate) struct Recording {
    states: Vec<Value>,
}

impl Recording {
    /// That of a Certificate.
    pub(crate) fn of(certificate: &str) -> Self {
        let lines = RESOURCES.lines().chain(BESIDE.lines());
        let objects = lines.map(|line| serde_json::from_str::<Value>(line).expect("recordings are JSON"));
        let (request, below) = (format!("{certificate}-1"), format!("{certificate}-1-"));
        let mut states: Vec<Value> = objects
            .filter(|it| it["metadata"]["namespace"] == "fx-acme")
            .filter(|it| {
                let name = it["metadata"]["name"].as_str().unwrap_or_default();
                let owner = it["metadata"]["ownerReferences"][0]["name"].as_str().unwrap_or_default();
                match it["kind"].as_str() {
                    Some("Certificate") => name == certificate,
                    Some("CertificateRequest") => name == request,
                    Some("Secret") => owner == certificate,
                    Some("Order" | "Challenge") => name.starts_with(&below),
                    _ => owner.starts_with(&below),
                }
            })
            .collect();
        states.sort_by_key(version);
        Self { states }
    }

    /// At another server than it was recorded with.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self { states: recorded::moved(&self.states, base, |states| last_order(states).clone()) }
    }

    /// After how many writes there is an Order that has no certificate yet.
    pub(crate) fn under_way(&self) -> Vec<usize> {
        let order = |writes: &usize| {
            let states = self.states[..*writes].iter().rev();
            states.clone().find(|it| it["kind"] == "Order").is_some_and(|it| it["status"]["certificate"].is_null())
        };
        (1..=self.states.len()).filter(order).collect()
    }

    /// The newest state of each object after so many writes; owners before what they own.
    pub(crate) fn frozen(&self, writes: usize) -> Vec<Value> {
        let mut frozen: Vec<Value> = Vec::new();
        for state in &self.states[..writes] {
            let is_it = |it: &Value| it["kind"] == state["kind"] && it["metadata"]["name"] == state["metadata"]["name"];
            match frozen.iter_mut().find(|it| is_it(it)) {
                Some(known) => *known = state.clone(),
                None => frozen.push(state.clone()),
            }
        }
        frozen.sort_by_key(|it| KINDS.iter().position(|kind| it["kind"] == *kind));
        frozen
    }

    /// The Order as it was in the end.
    pub(crate) fn order(&self) -> &Value {
        last_order(&self.states)
    }
}

/// The newest state of an issuer that is in no namespace, or in that of the recordings.
pub(crate) fn issuer(kind: &str, name: &str) -> Value {
    let mut objects = RESOURCES.lines().map(|line| serde_json::from_str::<Value>(line).expect("recordings are JSON"));
    objects.rfind(|it| it["kind"] == kind && it["metadata"]["name"] == name).expect("an issuer")
}

fn last_order(states: &[Value]) -> &Value {
    states.iter().rev().find(|it| it["kind"] == "Order").expect("an Order")
}

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().and_then(|it| it.parse().ok()).expect("a version")
}

const KINDS: [&str; 8] =
    ["Certificate", "Secret", "CertificateRequest", "Order", "Challenge", "Pod", "Service", "Ingress"];

const RESOURCES: &str = include_str!("../recordings/resources.jsonl");
const BESIDE: &str = include_str!("../recordings/take-over.jsonl");
