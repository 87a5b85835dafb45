//! From the types to the schemas of the definitions: what schemars derives, brought into the form that Kubernetes takes.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::crd::base64::Base64;
use crate::crd::certificate::Password;
use crate::crd::condition::{Condition, Conditions};
use crate::crd::duration::GoDuration;
use crate::crd::quantity::Quantity;
use crate::crd::time::Time;

/// The structural schema of `T`.
pub(super) fn structural<T: JsonSchema>() -> Value {
    // What is always written is what must be given, which is how the types say it; so the schema is that of what is written.
    let settings = SchemaSettings::openapi3().for_serialize().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("$schema");
        fields.remove("title");
        settle(fields);
    }
    schema
}

/// The schema of conditions that do not say which generation they are of.
pub(super) fn conditions_without_generation(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Conditions::json_schema(generator);
    if let Some(Value::Object(properties)) = schema.pointer_mut("/items/properties") {
        properties.remove("observedGeneration");
    }
    schema
}

/// Brings one node and those below it into Kubernetes' form.
fn settle(node: &mut Map<String, Value>) {
    without_null(node);
    for key in ["default", "nullable", "title"] {
        node.remove(key);
    }
    if let Some(default) = node.remove("x-default") {
        node.insert("default".to_owned(), default);
    }
    if node.remove("x-plain").is_some() {
        node.remove("format");
    }
    if let Some(Value::String(text)) = node.get_mut("description") {
        *text = plain(text);
    }
    if node.get("type") == Some(&json!("array")) && !node.contains_key("x-kubernetes-list-type") {
        node.insert("x-kubernetes-list-type".to_owned(), json!("atomic"));
    }
    settle_properties(node);
    if let Some(Value::Object(items)) = node.get_mut("items") {
        settle(items);
    }
    match node.get_mut("additionalProperties") {
        Some(Value::Object(values)) => {
            settle(values);
            // Lists in maps have no place of their own for which ownership could be kept.
            values.remove("x-kubernetes-list-type");
        }
        Some(_) => {
            node.remove("additionalProperties");
        }
        None => {}
    }
}

/// Brings the properties into Kubernetes' form and takes those that need not be given from the list of the required ones.
fn settle_properties(node: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = node.get_mut("properties") else { return };
    let mut optional = Vec::new();
    for (name, property) in properties {
        let Value::Object(property) = property else { continue };
        if property.remove("x-optional").is_some() {
            optional.push(json!(name));
        }
        settle(property);
    }
    if let Some(Value::Array(required)) = node.get_mut("required") {
        required.retain(|name| !optional.contains(name));
        required.sort_by(|left, right| left.as_str().cmp(&right.as_str()));
        if required.is_empty() {
            node.remove("required");
        }
    }
}

/// Takes `null` from what a node may be: what is absent is left out.
fn without_null(node: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = node.get_mut("type") {
        types.retain(|kind| *kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            node.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = node.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(choices)) = node.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null" && *choice != json!({"enum": [null], "nullable": true}));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            node.remove("anyOf");
            for (key, value) in only {
                node.entry(key).or_insert(value);
            }
        }
    }
}

/// `text` without the links of rustdoc.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("[`") {
        plain.push_str(&rest[..start]);
        let Some(end) = rest[start..].find("`]").map(|end| start + end) else { break };
        plain.push_str(&rest[start + 1..=end]);
        rest = &rest[end + 2..];
        if let Some(link) = rest.strip_prefix('(').and_then(|link| link.find(')')) {
            rest = &rest[link + 2..];
        }
    }
    plain.push_str(rest);
    plain
}

/// Gives a type that is written as something simple the schema of that.
macro_rules! simple {
    ($name:ident, $schema:tt) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

simple!(Base64, {"type": "string", "format": "byte"});
simple!(GoDuration, {"type": "string"});
simple!(Password, {"type": "string"});
simple!(Time, {"type": "string", "format": "date-time"});
simple!(Quantity, {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "pattern": "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$",
    "x-kubernetes-int-or-string": true,
});

impl JsonSchema for Conditions {
    fn schema_name() -> Cow<'static, str> {
        "Conditions".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": Condition::json_schema(generator),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        })
    }
}
