//! What an object looked like, from one moment to another: read afterwards from the history that the API server keeps.

use serde_json::Value;

use super::space::Space;

/// A moment in the life of a collection.
#[derive(Debug, Clone)]
pub struct Moment {
    resource: String,
    version: String,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub kind: String,
    /// How it looked then.
    pub object: Value,
}

impl Moment {
    /// Now.
    pub fn now(space: &Space, resource: &str) -> Self {
        let list = space.plane.read(&format!("{}?limit=1", space.path(resource, "")));
        let version = list["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
        Self { resource: resource.to_owned(), version }
    }

    /// Every change since, oldest first.
    pub fn changes(&self, space: &Space) -> Vec<Change> {
        let path = space.path(&self.resource, "");
        let path = format!("{path}?watch=true&timeoutSeconds=1&resourceVersion={}", self.version);
        let answer = space.plane.call("GET", &path, None);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let lines = match &answer.body {
            Value::String(lines) => lines.clone(),
            // One change is a document of its own.
            one @ (Value::Object(_) | Value::Array(_) | Value::Bool(_) | Value::Number(_)) => one.to_string(),
            Value::Null => String::new(),
        };
        let changes = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a change"));
        changes
            .map(|mut it| Change {
                kind: it["type"].as_str().unwrap_or_default().to_owned(),
                object: it["object"].take(),
            })
            .collect()
    }
}
