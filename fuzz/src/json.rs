//! Changes of a JSON tree: what a confused or hostile server sends is still mostly JSON.

use serde_json::{Map, Value};

use crate::chance::Chance;

/// Changes one node of `tree`, somewhere; `other` is another valid document to take pieces from.
pub fn mutate(tree: &mut Value, other: &Value, chance: &mut Chance) {
    let count = count(tree);
    let at = chance.below(count);
    if let Some(node) = node_mut(tree, &mut { at }) {
        change(node, other, chance);
    }
}

/// Changes `node` itself.
fn change(node: &mut Value, other: &Value, chance: &mut Chance) {
    match chance.below(8) {
        0 => *node = odd(chance),
        1 => {
            let at = chance.below(count(other));
            if let Some(piece) = node_mut(&mut other.clone(), &mut { at }) {
                *node = piece.take();
            }
        }
        2 => {
            // Nested beyond what any parser's stack should follow.
            let depth = *chance.one_of(&[1, 1, 1, 2, 3, 126, 127, 128, 400]);
            for _ in 0..depth {
                let inner = node.take();
                *node = if chance.once_in(2) {
                    Value::Array(vec![inner])
                } else {
                    Value::Object(Map::from_iter([("error".to_owned(), inner)]))
                };
            }
        }
        _ => match node {
            Value::Object(members) => change_object(members, other, chance),
            Value::Array(items) => change_array(items, chance),
            Value::String(text) => *text = change_text(text, chance),
            Value::Number(_) | Value::Bool(_) | Value::Null => *node = odd(chance),
        },
    }
}

fn change_object(members: &mut Map<String, Value>, other: &Value, chance: &mut Chance) {
    let names: Vec<String> = members.keys().cloned().collect();
    if names.is_empty() {
        members.insert("type".to_owned(), odd(chance));
        return;
    }
    let name = chance.one_of(&names).clone();
    match chance.below(5) {
        0 => drop(members.remove(&name)),
        1 => {
            if let Some(value) = members.remove(&name) {
                members.insert(change_text(&name, chance), value);
            }
        }
        2 => drop(members.insert(name, odd(chance))),
        3 => {
            if let Some(theirs) = other.as_object() {
                members.extend(theirs.clone());
            }
        }
        _ => {
            let twin = chance.one_of(&names).clone();
            if let Some(value) = members.get(&twin).cloned() {
                members.insert(name, value);
            }
        }
    }
}

fn change_array(items: &mut Vec<Value>, chance: &mut Chance) {
    let at = chance.below(items.len());
    match chance.below(4) {
        0 if !items.is_empty() => drop(items.remove(at)),
        1 if !items.is_empty() => {
            let times = *chance.one_of(&[1, 1, 2, 2, 40, 130]);
            let item = items[at].clone();
            items.extend(std::iter::repeat_n(item, times));
        }
        2 => items.insert(at, odd(chance)),
        _ => items.reverse(),
    }
}

fn change_text(text: &str, chance: &mut Chance) -> String {
    crate::inputs::change_text(text, &[], chance)
}

/// A value that readers trip over.
fn odd(chance: &mut Chance) -> Value {
    const NUMBERS: &[&str] = &[
        "0",
        "-0",
        "-1",
        "1",
        "65535",
        "65536",
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "1e308",
        "-1e308",
        "1e-308",
        "0.1",
        "429.0",
    ];
    match chance.below(8) {
        0 => Value::Null,
        1 => Value::Bool(chance.once_in(2)),
        2 => chance.one_of(NUMBERS).parse().map_or(Value::Null, Value::Number),
        3 => Value::Array(Vec::new()),
        4 => Value::Object(Map::new()),
        5 | 6 => Value::String(crate::inputs::odd_text(chance).to_owned()),
        _ => {
            let times = *chance.one_of(&[1, 2, 3, 10, 70, 300]);
            Value::String(crate::inputs::odd_text(chance).repeat(times))
        }
    }
}

fn count(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The node that is `at` steps from the top, in order.
fn node_mut<'a>(tree: &'a mut Value, at: &mut usize) -> Option<&'a mut Value> {
    if *at == 0 {
        return Some(tree);
    }
    *at -= 1;
    let children: Vec<&mut Value> = match tree {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for child in children {
        let nodes = count(child);
        if *at < nodes {
            return node_mut(child, at);
        }
        *at -= nodes;
    }
    None
}
