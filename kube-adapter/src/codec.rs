//! Resource ⇄ flow: what status fields can express of an order or a challenge, and what they are read back as. Pure.
//!
//! The only place that knows the words of the status of Orders and Challenges. A flow is read back as it was or as it was earlier, never later (the fourth law
//! of `acme_core::flow`): what fields cannot express is looked up at the server again.

pub(crate) mod challenge;
pub(crate) mod order;
pub(crate) mod words;

use serde::Serialize;
use serde_json::{Map, Value};

/// The merge patch that turns `before` into `wanted`; `None` where they are the same. Fields that neither knows stay as they are.
pub(crate) fn difference<T: Serialize>(before: &T, wanted: &T) -> Option<Value> {
    let fields = |it: &T| match serde_json::to_value(it) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    };
    let (before, wanted) = (fields(before), fields(wanted));
    let mut patch = Map::new();
    for name in before.keys().filter(|name| !wanted.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, value) in wanted {
        if before.get(&name) != Some(&value) {
            patch.insert(name, value);
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}
