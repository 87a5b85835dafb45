//! The definitions: row for row what cert-manager 1.21 serves.

use std::collections::{BTreeMap, BTreeSet};

use certwright_kube_adapter::crd;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

#[test]
fn the_definitions_are_row_for_row_those_of_cert_manager() {
    let ours: BTreeSet<String> = definitions().iter().flat_map(rows).collect();
    let theirs: BTreeSet<String> = facts().map(str::to_owned).collect();
    let missing: Vec<&String> = theirs.difference(&ours).collect();
    let surplus: Vec<&String> = ours.difference(&theirs).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
    assert!(ours.len() > 1300, "only {} rows were compared", ours.len());
}

#[test]
fn a_cluster_issuer_is_an_issuer_but_for_its_scope() {
    let definitions = definitions();
    let schema = |kind: &str| {
        let found = definitions.iter().find(|definition| definition["spec"]["names"]["kind"] == kind).unwrap();
        found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"].clone()
    };
    assert_eq!(schema("ClusterIssuer"), schema("Issuer"));
}

#[test]
fn every_field_says_what_it_is_for_in_plain_words() {
    for definition in definitions() {
        let kind = definition["spec"]["names"]["kind"].as_str().unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        for part in ["spec", "status"] {
            described(&format!("{kind}.{part}"), &schema["properties"][part]);
        }
    }
}

#[test]
fn the_yaml_holds_the_same_definitions() {
    let text = crd::all_yaml().unwrap();
    let documents: Vec<&str> = text.split("---\n").filter(|document| !document.is_empty()).collect();
    let read: Vec<CustomResourceDefinition> =
        documents.iter().map(|document| serde_saphyr::from_str(document).unwrap()).collect();
    assert_eq!(read, crd::all().unwrap());
}

fn described(path: &str, node: &Value) {
    let description = node["description"].as_str().unwrap_or_default();
    assert!(!description.is_empty() && !description.contains("[`"), "{path}: {description:?}");
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        described(&format!("{path}.{name}"), property);
    }
}

fn definitions() -> Vec<Value> {
    let definitions = crd::all().expect("definitions are read");
    definitions.iter().map(|definition| serde_json::to_value(definition).expect("definitions are JSON")).collect()
}

/// The rows of the reference; the schema of ClusterIssuer is left out there.
fn facts() -> impl Iterator<Item = &'static str> {
    FACTS.lines().filter(|line| !line.starts_with('#')).skip(1)
}

fn rows(definition: &Value) -> Vec<String> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let kind = names["kind"].as_str().expect("a kind has a name");
    let version = &spec["versions"][0];
    let mut rows = vec![
        format!(
            "{kind}\t@names\t{{\"plural\": {}, \"singular\": {}, \"shortNames\": {}, \"categories\": {}, \"listKind\": {}}}\tgroup={} scope={}",
            json(&names["plural"]),
            json(&names["singular"]),
            json(&names["shortNames"]),
            json(&names["categories"]),
            json(&names["listKind"]),
            text(&spec["group"]),
            text(&spec["scope"]),
        ),
        format!(
            "{kind}\t@version\t{}\tserved={} storage={} subresources={}",
            text(&version["name"]),
            python(&version["served"]),
            python(&version["storage"]),
            json(&version["subresources"]),
        ),
    ];
    for column in version["additionalPrinterColumns"].as_array().into_iter().flatten() {
        rows.push(format!(
            "{kind}\t@column\t{}\t{} {} priority={}",
            text(&column["name"]),
            text(&column["type"]),
            text(&column["jsonPath"]),
            column["priority"].as_i64().unwrap_or(0),
        ));
    }
    for field in version["selectableFields"].as_array().into_iter().flatten() {
        rows.push(format!("{kind}\t@selectable\t{}\t", text(&field["jsonPath"])));
    }
    if kind != "ClusterIssuer" {
        node_rows(kind, "", &version["schema"]["openAPIV3Schema"], &mut rows);
    }
    rows
}

fn node_rows(kind: &str, path: &str, node: &Value, rows: &mut Vec<String>) {
    let fields: BTreeMap<&str, &Value> =
        node.as_object().expect("a node is an object").iter().map(|(key, value)| (key.as_str(), value)).collect();
    for key in fields.keys() {
        assert!(SHAPE.contains(key) || FACT_ORDER.contains(key), "{kind}{path} has {key}, which no row tells");
    }
    let facts =
        FACT_ORDER.iter().filter_map(|key| Some(fact(key, fields.get(key)?))).collect::<Vec<String>>().join(" ");
    let type_ = fields.get("type").map_or("-", |type_| text(type_));
    rows.push(format!("{kind}\t{}\t{type_}\t{facts}", if path.is_empty() { "." } else { path }));
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        node_rows(kind, &format!("{path}.{name}"), property, rows);
    }
    if let Some(items) = fields.get("items") {
        node_rows(kind, &format!("{path}[]"), items, rows);
    }
    if let Some(values) = fields.get("additionalProperties") {
        node_rows(kind, &format!("{path}{{}}"), values, rows);
    }
}

fn fact(key: &str, value: &Value) -> String {
    match key {
        "required" => {
            let names: Vec<&str> = value.as_array().into_iter().flatten().map(text).collect();
            format!("required={}", names.join(","))
        }
        "x-kubernetes-validations" => {
            assert_eq!(value[0]["message"], "exactly one of tpp, cloud, or ngts must be configured");
            format!("rule={}", json(&value[0]["rule"]))
        }
        _ => format!("{key}={}", json(value)),
    }
}

/// `value` as JSON with a space behind each comma and colon, as the reference has it.
fn json(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(json).collect::<Vec<String>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("\"{name}\": {}", json(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        // Bounds are floating point in the API's own type.
        Value::Number(number) => number.to_string().trim_end_matches(".0").to_owned(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.to_string(),
    }
}

fn python(value: &Value) -> &'static str {
    if *value == Value::Bool(true) { "True" } else { "False" }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

const FACTS: &str = include_str!("../crd-facts.tsv");
const SHAPE: [&str; 5] = ["type", "description", "properties", "items", "additionalProperties"];
const FACT_ORDER: [&str; 16] = [
    "format",
    "enum",
    "default",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
    "anyOf",
    "required",
    "x-kubernetes-validations",
];
