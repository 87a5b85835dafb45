//! Every write, and the few reads. POST, PATCH and DELETE only; answers are metadata alone, so that no Secret comes back.

mod behind;
mod refusal;
mod room;
mod written;

use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, Error, ErrorKind};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::key::{Identity, Name, Uid, Version};
use crate::leader::Leadership;
use crate::metrics::Metrics;

pub(crate) use behind::Behind;
pub(crate) use refusal::{Refusal, RefusalKind};
pub(crate) use room::Room;
pub(crate) use written::Written;

/// The API server, as the subjects use it.
#[derive(Clone)]
pub(crate) struct Api {
    client: kube::Client,
    room: Arc<Room>,
    clock: Arc<dyn Clock>,
    patience: Duration,
    metrics: Metrics,
    leadership: Leadership,
    /// Writes of requests.
    written: Written,
}

impl Api {
    /// Writes through `client`; an answer that takes longer than `patience` counts as lost.
    pub(crate) fn new(client: kube::Client, room: Arc<Room>, clock: Arc<dyn Clock>, patience: Duration) -> Self {
        let (metrics, leadership) = (Metrics::default(), Leadership::undisputed());
        Self { client, room, clock, patience, metrics, leadership, written: Written::default() }
    }

    /// Writes only while `leadership` holds: what was begun before it ended, in a process that stood still, is not sent after that.
    pub(crate) fn led_by(mut self, leadership: &Leadership) -> Self {
        self.leadership = leadership.clone();
        self
    }

    /// Remembers there which requests it wrote, for the watch that will tell of them.
    pub(crate) fn remembered_in(mut self, written: &Written) -> Self {
        self.written = written.clone();
        self
    }

    /// Counts writes that were refused there, under the names of the controllers that make them.
    pub(crate) fn counted_in(mut self, metrics: &Metrics) -> Self {
        self.metrics = metrics.clone();
        self
    }

    /// POSTs an object. `why` is what the log and the counters say of it.
    pub(crate) async fn create(
        &self,
        resource: Resource,
        name: &Name,
        object: &impl Serialize,
        by: Manager,
        why: &'static str,
    ) -> Result<Identity, Refusal> {
        let path = format!("{}?{}", resource.collection(name.namespace()), by.query());
        let write = self.write(Method::POST, &path, JSON, encode(object)?, why);
        self.noted(resource, name, by, write).await
    }

    /// Merge-patches an object; `patch` holds `metadata.resourceVersion` wherever a conflict must be noticed.
    pub(crate) async fn patch(
        &self,
        resource: Resource,
        name: &Name,
        patch: &impl Serialize,
        by: Manager,
        why: &'static str,
    ) -> Result<Identity, Refusal> {
        let path = format!("{}?{}", resource.object(name), by.query());
        let write = self.write(Method::PATCH, &path, MERGE_PATCH, encode(patch)?, why);
        self.noted(resource, name, by, write).await
    }

    /// Merge-patches the status of an object.
    pub(crate) async fn patch_status(
        &self,
        resource: Resource,
        name: &Name,
        patch: &impl Serialize,
        by: Manager,
        why: &'static str,
    ) -> Result<Identity, Refusal> {
        let path = format!("{}/status?{}", resource.object(name), by.query());
        let write = self.write(Method::PATCH, &path, MERGE_PATCH, encode(patch)?, why);
        self.noted(resource, name, by, write).await
    }

    /// Applies an object (server-side apply, force): all that `by` owns of it, in one atomic write.
    pub(crate) async fn apply(
        &self,
        resource: Resource,
        name: &Name,
        object: &impl Serialize,
        by: Manager,
        why: &'static str,
    ) -> Result<Identity, Refusal> {
        let path = format!("{}?{}&force=true", resource.object(name), by.query());
        let write = self.write(Method::PATCH, &path, APPLY, encode(object)?, why);
        self.noted(resource, name, by, write).await
    }

    /// Deletes exactly this state of an object. What is gone already is deleted.
    pub(crate) async fn delete(
        &self,
        resource: Resource,
        name: &Name,
        state: &Identity,
        why: &'static str,
    ) -> Result<(), Refusal> {
        let body = serde_json::json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
            "preconditions": { "uid": state.uid.to_string(), "resourceVersion": state.version.to_string() },
        });
        match self.send(Method::DELETE, &resource.object(name), JSON, encode(&body)?, why).await {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.kind() == RefusalKind::Gone => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// Reads an object as it is now.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        resource: Resource,
        name: &Name,
    ) -> Result<Option<T>, Refusal> {
        match self.send(Method::GET, &resource.object(name), JSON, Bytes::new(), "").await {
            Ok(body) => decode(&body).map(Some),
            Err(refusal) if refusal.kind() == RefusalKind::Gone => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Reads what the API server says of itself at a path: which groups, versions and kinds it has.
    pub(crate) async fn look<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>, Refusal> {
        let path: String = path.iter().map(|segment| format!("/{}", escape(segment))).collect();
        match self.send(Method::GET, &path, JSON, Bytes::new(), "").await {
            Ok(body) => decode(&body).map(Some),
            Err(refusal) if refusal.kind() == RefusalKind::Gone => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Reads a collection as it is now: the objects of a namespace that a label selector (empty: all) takes.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        resource: Resource,
        namespace: &str,
        selector: &str,
    ) -> Result<Vec<T>, Refusal> {
        #[derive(Deserialize)]
        struct List<T> {
            items: Vec<T>,
        }
        let path = if selector.is_empty() {
            resource.collection(namespace)
        } else {
            format!("{}?labelSelector={}", resource.collection(namespace), escape(selector))
        };
        let body = self.send(Method::GET, &path, JSON, Bytes::new(), "").await?;
        decode::<List<T>>(&body).map(|list| list.items)
    }

    /// POSTs a question (SelfSubjectReview, SelfSubjectAccessReview, TokenRequest) and reads the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, path: &str, question: &impl Serialize) -> Result<T, Refusal> {
        let body = self.send(Method::POST, path, JSON, encode(question)?, "").await?;
        decode(&body)
    }

    /// What may be under way at once.
    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// Remembers what a write made. One that was refused, or whose answer was lost, is an error of the controller that made it.
    async fn noted(
        &self,
        resource: Resource,
        name: &Name,
        by: Manager,
        write: impl Future<Output = Result<Identity, Refusal>>,
    ) -> Result<Identity, Refusal> {
        let under_way = (resource == Resource::REQUESTS).then(|| self.written.begins(name));
        let written = write.await;
        match (&written, under_way) {
            (Ok(identity), Some(under_way)) => under_way.made(identity),
            (Ok(_), None) => {}
            (Err(_), _) => self.metrics.sync_failed(by.controller()),
        }
        written
    }

    async fn write(
        &self,
        method: Method,
        path: &str,
        content: &'static str,
        body: Bytes,
        why: &'static str,
    ) -> Result<Identity, Refusal> {
        #[derive(Deserialize)]
        struct Answer {
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Metadata {
            uid: String,
            resource_version: String,
        }
        let body = self.send(method, path, content, body, why).await?;
        let Answer { metadata } = decode(&body).map_err(Refusal::into_lost)?;
        Ok(Identity { uid: Uid::parse(&metadata.uid), version: Version::parse(&metadata.resource_version) })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content: &'static str,
        body: Bytes,
        why: &'static str,
    ) -> Result<Bytes, Refusal> {
        let writes = !why.is_empty();
        if writes {
            if !self.leadership.leads() {
                return Err(Refusal::lost("it was not sent: the Lease is not held any more"));
            }
            tracing::debug!(%method, path, why, "write");
        }
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, if writes { METADATA_ONLY } else { JSON })
            .header(CONTENT_TYPE, content)
            .body(Body::from(body))
            .map_err(|source| {
                Refusal::from(
                    Error::new(ErrorKind::Internal, "a request to the API server cannot be built").with_source(source),
                )
            })?;
        if writes {
            request.extensions_mut().insert(self.leadership.clone());
        }
        let answer = match tokio::time::timeout(self.patience, self.client.send(request)).await {
            Err(_) => return Err(Refusal::lost("the API server did not answer in time")),
            Ok(Err(error)) => return Err(Refusal::lost(format!("the API server was not reached: {error}"))),
            Ok(Ok(answer)) => answer,
        };
        let outcome = self.receive(answer).await;
        if writes {
            self.room.observe(outcome.as_ref().err(), self.clock.now());
        }
        outcome
    }

    async fn receive(&self, answer: Response<Body>) -> Result<Bytes, Refusal> {
        let (head, body) = answer.into_parts();
        let body = match tokio::time::timeout(self.patience, Limited::new(body, LONGEST_ANSWER).collect()).await {
            Err(_) => return Err(Refusal::lost("the answer of the API server broke off")),
            Ok(Err(error)) => return Err(Refusal::lost(format!("the answer of the API server broke off: {error}"))),
            Ok(Ok(body)) => body.to_bytes(),
        };
        if head.status.is_success() { Ok(body) } else { Err(Refusal::read(head.status, &head.headers, &body)) }
    }
}

/// A collection of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Resource {
    prefix: &'static str,
    plural: &'static str,
}

impl Resource {
    pub(crate) const CERTIFICATES: Self = Self::new("/apis/cert-manager.io/v1", "certificates");
    pub(crate) const REQUESTS: Self = Self::new("/apis/cert-manager.io/v1", "certificaterequests");
    pub(crate) const ISSUERS: Self = Self::new("/apis/cert-manager.io/v1", "issuers");
    pub(crate) const CLUSTER_ISSUERS: Self = Self::new("/apis/cert-manager.io/v1", "clusterissuers");
    pub(crate) const ORDERS: Self = Self::new("/apis/acme.cert-manager.io/v1", "orders");
    pub(crate) const CHALLENGES: Self = Self::new("/apis/acme.cert-manager.io/v1", "challenges");
    pub(crate) const SECRETS: Self = Self::new("/api/v1", "secrets");
    pub(crate) const CONFIG_MAPS: Self = Self::new("/api/v1", "configmaps");
    pub(crate) const SERVICES: Self = Self::new("/api/v1", "services");
    pub(crate) const PODS: Self = Self::new("/api/v1", "pods");
    pub(crate) const ENDPOINT_SLICES: Self = Self::new("/apis/discovery.k8s.io/v1", "endpointslices");
    pub(crate) const INGRESSES: Self = Self::new("/apis/networking.k8s.io/v1", "ingresses");
    pub(crate) const HTTP_ROUTES: Self = Self::new("/apis/gateway.networking.k8s.io/v1", "httproutes");
    pub(crate) const INGRESS_CLASSES: Self = Self::new("/apis/networking.k8s.io/v1", "ingressclasses");
    pub(crate) const GATEWAYS: Self = Self::new("/apis/gateway.networking.k8s.io/v1", "gateways");
    pub(crate) const GATEWAY_CLASSES: Self = Self::new("/apis/gateway.networking.k8s.io/v1", "gatewayclasses");
    pub(crate) const EVENTS: Self = Self::new("/apis/events.k8s.io/v1", "events");

    const fn new(prefix: &'static str, plural: &'static str) -> Self {
        Self { prefix, plural }
    }

    /// What it is called in a path: the plural.
    pub(crate) fn plural(self) -> &'static str {
        self.plural
    }

    /// The path of an object.
    pub(crate) fn object(self, name: &Name) -> String {
        format!("{}/{}", self.collection(name.namespace()), escape(name.object()))
    }

    /// The path of what is in a namespace, or in the whole cluster.
    pub(crate) fn collection(self, namespace: &str) -> String {
        let Self { prefix, plural } = self;
        if namespace.is_empty() {
            format!("{prefix}/{plural}")
        } else {
            format!("{prefix}/namespaces/{}/{plural}", escape(namespace))
        }
    }
}

/// The field manager of a write: cert-manager's name for the controller that would have made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Manager(pub(crate) &'static str);

impl Manager {
    /// Target Secrets and the status of Certificates. Removal of old template keys depends on this very name.
    pub(crate) const ISSUING: Self = Self("cert-manager-certificates-issuing");
    /// Keys that wait for their certificate.
    pub(crate) const KEYS: Self = Self("cert-manager-certificates-key-manager");
    /// Requests of Certificates.
    pub(crate) const REQUESTS: Self = Self("cert-manager-certificates-request-manager");
    /// Orders.
    pub(crate) const ORDERS: Self = Self("cert-manager-orders");
    /// Challenges, and what answers them.
    pub(crate) const CHALLENGES: Self = Self("cert-manager-challenges");
    /// Issuers.
    pub(crate) const ISSUERS: Self = Self("cert-manager-issuers");
    /// Events.
    pub(crate) const EVENTS: Self = Self("cert-manager");
    /// The authority of what this process serves.
    pub(crate) const SERVING: Self = Self("cert-manager-controller");
    /// ClusterIssuers.
    pub(crate) const CLUSTER_ISSUERS: Self = Self("cert-manager-clusterissuers");

    /// As whom to write. Fields that a server does not know are dropped without a word: for warnings, which nobody would read, it reads each patch twice.
    fn query(self) -> String {
        format!("fieldManager={}&fieldValidation=Ignore", self.0)
    }

    /// The controller of cert-manager that it is the field manager of.
    pub(crate) fn controller(self) -> &'static str {
        self.0.strip_prefix("cert-manager-").unwrap_or(self.0)
    }
}

fn encode(body: &impl Serialize) -> Result<Bytes, Refusal> {
    let body = serde_json::to_vec(body)
        .map_err(|source| Error::new(ErrorKind::Internal, "an object cannot be written as JSON").with_source(source))?;
    Ok(body.into())
}

/// Reads an answer; its text, which may hold a Secret, goes into no error.
fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Error::new(ErrorKind::Malformed, format!("an answer of the API server is not what was asked for ({place})"))
            .into()
    })
}

/// Names and selectors as they may stand in a path or a query.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// The longest answer that is read: etcd holds 1.5 MiB an object, and a list that is read whole is a small one.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;
