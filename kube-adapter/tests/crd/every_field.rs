//! Objects in which every field of the definitions is set, made from the rows of the reference.

#![allow(dead_code, reason = "no test binary uses all of it")]

use serde_json::{Map, Value, json};

/// What stands where the schema has a list of values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enumerated {
    /// The last value of the list.
    Known,
    /// A value that is not in the list.
    Unknown,
}

/// An object of `kind` with every field set.
pub(crate) fn object(kind: &str, enumerated: Enumerated) -> Value {
    let mut object = Value::Object(Map::new());
    // The two share one schema.
    let rows = if kind == "ClusterIssuer" { "Issuer" } else { kind };
    for row in FACTS.lines().filter(|row| row.starts_with(&format!("{rows}\t."))) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [_, path, type_, facts] = columns[..] else { panic!("a row has four columns: {row}") };
        if let Some(value) = leaf(path, type_, facts, enumerated) {
            *place(&mut object, path) = value;
        }
    }
    let group = if matches!(kind, "Order" | "Challenge") { "acme.cert-manager.io" } else { "cert-manager.io" };
    object["apiVersion"] = json!(format!("{group}/v1"));
    object["kind"] = json!(kind);
    object["metadata"] = json!({"name": "every-field", "labels": {"l": "v"}});
    object
}

/// Puts a field that nobody knows into every object within `value`.
pub(crate) fn with_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(with_unknown_fields);
            // Maps have keys, not fields.
            if !fields.contains_key(ANY_KEY) {
                fields.insert("unheardOf".to_owned(), json!({"a": [1, "two", null], "b": 2.5}));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(with_unknown_fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value of a field; `None` for those whose own fields have rows.
fn leaf(path: &str, type_: &str, facts: &str, enumerated: Enumerated) -> Option<Value> {
    let known = facts.split_once("enum=[").and_then(|(_, rest)| rest.split_once(']')).map(|(values, _)| values);
    Some(match (type_, known) {
        ("object" | "array", _) => return None,
        ("string", Some(_)) if enumerated == Enumerated::Unknown => json!(format!("unheard of at {path}")),
        ("string", Some(values)) => {
            let values: Vec<String> = serde_json::from_str(&format!("[{values}]")).expect("a list of values");
            json!(values.last().expect("a value"))
        }
        ("string", None) if facts.contains("format=\"byte\"") => json!("Ynl0ZXM="),
        ("string", None) if facts.contains("format=\"date-time\"") => json!("2026-01-02T03:04:05Z"),
        ("string", None) if path.ends_with(".windowDuration") => json!("2h30m"),
        ("string", None) if facts.contains("pattern=") => json!("name"),
        ("string", None) => json!(format!("text at {path}")),
        ("integer", _) => json!(7),
        ("boolean", _) => json!(true),
        ("-", _) if facts.contains("int-or-string") => json!("100m"),
        ("-", _) => json!({"z": [1.5, true], "a": "<&>"}),
        (other, _) => panic!("a type {other} at {path}"),
    })
}

/// The place at `path`, where `[]` is the first item of a list and `{}` the value of a key of a map.
fn place<'a>(object: &'a mut Value, path: &str) -> &'a mut Value {
    let steps = path.replace("[]", ".[]").replace("{}", ".{}");
    steps.split('.').skip(1).fold(object, |at, step| match step {
        "[]" => {
            if at.is_null() {
                *at = json!([null]);
            }
            &mut at[0]
        }
        "{}" => &mut at[ANY_KEY],
        name => &mut at[name],
    })
}

/// The key in maps.
const ANY_KEY: &str = "any-key";
const FACTS: &str = include_str!("../crd-facts.tsv");
