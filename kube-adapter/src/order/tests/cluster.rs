//! An API server in memory: names, versions, merge patches, preconditions, finalizers and the garbage collector, as far as Orders see them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use serde_json::{Value, json};

/// The cluster; copies are one.
#[derive(Clone, Default)]
pub(crate) struct Cluster(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    log: Vec<String>,
    /// Of so many writes the answer of one is lost.
    lossy: Option<u64>,
    writes: u64,
}

impl Cluster {
    /// A client of it.
    pub(crate) fn client(&self) -> kube::Client {
        let cluster = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let cluster = cluster.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.map(|it| it.to_bytes()).unwrap_or_default();
                let (status, answer) = cluster.answer(&head.method, head.uri.path(), &body);
                let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
                *response.status_mut() = status;
                Ok::<_, Infallible>(response)
            }
        });
        kube::Client::new(service, "default")
    }

    /// Puts an object there as somebody else would, with its status.
    pub(crate) fn put(&self, path: &str, mut object: Value) {
        let mut state = self.0.lock().unwrap();
        state.version += 1;
        let metadata = &mut object["metadata"];
        if metadata["uid"].is_null() {
            metadata["uid"] = format!("00000000-0000-0000-0000-{:012}", state.version).into();
        }
        metadata["resourceVersion"] = state.version.to_string().into();
        state.objects.insert(path.to_owned(), object);
    }

    /// The objects below a path.
    pub(crate) fn below(&self, path: &str) -> Vec<Value> {
        let state = self.0.lock().unwrap();
        state.objects.iter().filter(|(at, _)| at.starts_with(path)).map(|(_, it)| it.clone()).collect()
    }

    /// Loses the answer of one in so many writes.
    pub(crate) fn lose_every(&self, so_many: u64) {
        self.0.lock().unwrap().lossy = Some(so_many);
    }

    /// Labels an object as somebody else would.
    pub(crate) fn touch(&self, path: &str, value: usize) {
        let mut state = self.0.lock().unwrap();
        state.patch(path, false, &json!({ "metadata": { "labels": { "touched": value.to_string() } } }));
    }

    /// Deletes an object as somebody else would.
    pub(crate) fn delete(&self, path: &str) {
        self.answer(&Method::DELETE, path, b"{}");
    }

    /// The writes so far: verb, resource, and what was written of it.
    pub(crate) fn log(&self) -> Vec<String> {
        self.0.lock().unwrap().log.clone()
    }

    fn answer(&self, method: &Method, path: &str, body: &[u8]) -> (StatusCode, Value) {
        let mut state = self.0.lock().unwrap();
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let (path, is_status) = match path.strip_suffix("/status") {
            Some(path) => (path, true),
            None => (path, false),
        };
        let resource = path.split('/').nth(6).unwrap_or_default().to_owned();
        if let Some(review) = review(path) {
            return (StatusCode::CREATED, review);
        }
        if *method != Method::GET {
            let of = if is_status { "/status" } else { "" };
            state.log.push(format!("{method} {resource}{of}"));
        }
        let answer = match method.as_str() {
            "GET" => match state.objects.get(path) {
                Some(object) => (StatusCode::OK, object.clone()),
                None => (StatusCode::NOT_FOUND, json!({})),
            },
            "POST" => state.create(path, body),
            "PATCH" => state.patch(path, is_status, &body),
            "DELETE" => state.delete(path, &body),
            _ => panic!("{method} is no method that is used"),
        };
        state.writes += u64::from(*method != Method::GET);
        match state.lossy {
            Some(so_many) if *method != Method::GET && state.writes.is_multiple_of(so_many) => {
                (StatusCode::GATEWAY_TIMEOUT, json!({}))
            }
            Some(_) | None => answer,
        }
    }
}

impl State {
    fn create(&mut self, path: &str, mut object: Value) -> (StatusCode, Value) {
        let at = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap_or_default());
        if self.objects.contains_key(&at) {
            return (StatusCode::CONFLICT, json!({ "reason": "AlreadyExists" }));
        }
        self.version += 1;
        object["metadata"]["uid"] = format!("00000000-0000-0000-0000-{:012}", self.version).into();
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        object["status"] = Value::Null;
        self.objects.insert(at, object.clone());
        (StatusCode::CREATED, object)
    }

    fn patch(&mut self, path: &str, is_status: bool, patch: &Value) -> (StatusCode, Value) {
        let Some(object) = self.objects.get(path) else { return (StatusCode::NOT_FOUND, json!({})) };
        let wanted = &patch["metadata"]["resourceVersion"];
        if !wanted.is_null() && *wanted != object["metadata"]["resourceVersion"] {
            return (StatusCode::CONFLICT, json!({ "reason": "Conflict" }));
        }
        let mut object = object.clone();
        match is_status {
            true => merge(&mut object["status"], &patch["status"]),
            false => merge(&mut object["metadata"], &patch["metadata"]),
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let is_free = object["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty);
        match !object["metadata"]["deletionTimestamp"].is_null() && is_free {
            true => self.remove(path),
            false => drop(self.objects.insert(path.to_owned(), object.clone())),
        }
        (StatusCode::OK, object)
    }

    fn delete(&mut self, path: &str, options: &Value) -> (StatusCode, Value) {
        let Some(object) = self.objects.get_mut(path) else { return (StatusCode::NOT_FOUND, json!({})) };
        for field in ["uid", "resourceVersion"] {
            let wanted = &options["preconditions"][field];
            if !wanted.is_null() && *wanted != object["metadata"][field] {
                return (StatusCode::CONFLICT, json!({ "reason": "Conflict" }));
            }
        }
        if object["metadata"]["finalizers"].as_array().is_some_and(|it| !it.is_empty()) {
            self.version += 1;
            object["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z".into();
            object["metadata"]["resourceVersion"] = self.version.to_string().into();
        } else {
            self.remove(path);
        }
        (StatusCode::OK, json!({}))
    }

    /// Takes an object out, and what it owns.
    fn remove(&mut self, path: &str) {
        let Some(gone) = self.objects.remove(path) else { return };
        let uid = &gone["metadata"]["uid"];
        let owned = |it: &Value| {
            it["metadata"]["ownerReferences"].as_array().is_some_and(|it| it.iter().any(|it| it["uid"] == *uid))
        };
        let paths: Vec<String> = self.objects.iter().filter(|(_, it)| owned(it)).map(|(at, _)| at.clone()).collect();
        for path in paths {
            self.delete(&path, &Value::Null);
        }
    }
}

/// What is answered to a question: who asks, and that he may.
fn review(path: &str) -> Option<Value> {
    match path.rsplit('/').next()? {
        "selfsubjectreviews" => Some(json!({ "status": { "userInfo": { "username": "model" } } })),
        "selfsubjectaccessreviews" => Some(json!({ "status": { "allowed": true } })),
        _ => None,
    }
}

/// RFC 7396.
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (name, value) in fields {
        match (value, into.as_object_mut()) {
            (Value::Null, Some(object)) => drop(object.remove(name)),
            (value, Some(object)) => merge(object.entry(name).or_insert(Value::Null), value),
            (_, None) => {}
        }
    }
}
