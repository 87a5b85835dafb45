//! Objects that cert-manager 1.21 wrote, as the API server served them.

use serde_json::Value;

/// Every recorded state of the objects of `kind`, as JSON text.
pub(crate) fn recorded(kind: &str) -> Vec<&'static str> {
    let found: Vec<&str> = RESOURCES
        .lines()
        .filter(|line| serde_json::from_str::<Value>(line).expect("recordings are JSON")["kind"] == kind)
        .collect();
    assert!(!found.is_empty(), "no {kind} was recorded");
    found
}

const RESOURCES: &str = include_str!("../recordings/resources.jsonl");
