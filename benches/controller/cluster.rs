//! A control plane with the six kinds, and the Certificates that are to be issued in it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use testkit::servers::{AuditEvent, AuditPosition, ControlPlane};

use crate::bare::{Bare, Content, Write, text};

/// A control plane of its own.
pub(crate) struct Cluster {
    plane: Arc<ControlPlane>,
    administrator: Bare,
}

/// A namespace with an authority and its issuer `ca`.
pub(crate) struct Field {
    pub(crate) namespace: String,
}

/// A Certificate that was made: its name, its uid and its state.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) version: String,
}

impl Cluster {
    /// Starts one.
    pub(crate) async fn start() -> Result<Self, String> {
        let crds = kube_adapter::crd::all().map_err(text)?;
        let crds: Vec<Value> = crds.iter().map(serde_json::to_value).collect::<Result<_, _>>().map_err(text)?;
        let plane = tokio::task::spawn_blocking(|| ControlPlane::builder().crds(crds).start()).await.map_err(text)?;
        let administrator = Bare::new(&plane.kubeconfig(), "bench")?;
        Ok(Self { plane: Arc::new(plane), administrator })
    }

    /// The servers themselves.
    pub(crate) fn plane(&self) -> Arc<ControlPlane> {
        Arc::clone(&self.plane)
    }

    pub(crate) fn kubeconfig(&self) -> String {
        self.plane.kubeconfig()
    }

    /// Where the audit log ends.
    pub(crate) fn position(&self) -> AuditPosition {
        tokio::task::block_in_place(|| self.plane.audit_position())
    }

    /// What clients wrote and read since whose user agent begins so; lists and watches are left out, and questions about rights.
    pub(crate) fn requests_of(&self, agent: &str, since: AuditPosition) -> Vec<AuditEvent> {
        let events = tokio::task::block_in_place(|| self.plane.audit_since(since));
        let counts = |it: &AuditEvent| matches!(it.verb.as_str(), "create" | "patch" | "update" | "delete" | "get");
        let asks = |it: &AuditEvent| it.resource.as_deref().is_none_or(|it| it.ends_with("reviews"));
        events.into_iter().filter(|it| it.user_agent.starts_with(agent) && counts(it) && !asks(it)).collect()
    }

    /// Makes a namespace with an authority and its issuer.
    pub(crate) async fn field(&self, namespace: &str) -> Result<Field, String> {
        let (certificate, key) = crate::floor::authority()?;
        let space = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        self.post("/api/v1/namespaces", &space).await?;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "authority" }, "type": "kubernetes.io/tls",
            "stringData": { "tls.crt": certificate, "tls.key": key },
        });
        self.post(&format!("/api/v1/namespaces/{namespace}/secrets"), &secret).await?;
        let issuer = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "ca" }, "spec": { "ca": { "secretName": "authority" } },
        });
        self.post(&path(namespace, "issuers", ""), &issuer).await?;
        Ok(Field { namespace: namespace.to_owned() })
    }

    /// Makes Certificates, many at once.
    pub(crate) async fn certificates(&self, field: &Field, prefix: &str, count: usize) -> Result<Vec<Made>, String> {
        let makes = (0..count).map(|number| self.certificate(field, format!("{prefix}-{number}")));
        stream::iter(makes).buffer_unordered(MAKERS).try_collect().await
    }

    /// Makes one.
    pub(crate) async fn certificate(&self, field: &Field, name: String) -> Result<Made, String> {
        let certificate = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "name": name },
            "spec": {
                "secretName": name, "dnsNames": [format!("{name}.example.test")], "issuerRef": { "name": "ca", "kind": "Issuer" },
                "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always" },
            },
        });
        let answer = self.post(&path(&field.namespace, "certificates", ""), &certificate).await?;
        let field =
            |field: &str| answer["metadata"][field].as_str().map(str::to_owned).ok_or("an answer without state");
        Ok(Made { name, uid: field("uid")?, version: field("resourceVersion")? })
    }

    /// Tells when Certificates become ready, from now on.
    pub(crate) async fn readiness(&self, field: &Field) -> Result<Readiness, String> {
        self.readiness_in(path(&field.namespace, "certificates", "")).await
    }

    /// The same of all namespaces; names must differ between them.
    pub(crate) async fn readiness_everywhere(&self) -> Result<Readiness, String> {
        self.readiness_in("/apis/cert-manager.io/v1/certificates".to_owned()).await
    }

    async fn readiness_in(&self, collection: String) -> Result<Readiness, String> {
        let mut readiness = Readiness {
            administrator: self.administrator.clone(),
            collection,
            answer: None,
            rest: Vec::new(),
            ready: HashSet::new(),
        };
        readiness.begin().await?;
        Ok(readiness)
    }

    /// Waits until the issuer `ca` is ready.
    pub(crate) async fn issuer_is_ready(&self, field: &Field) -> Result<(), String> {
        self.is_ready(field, "ca").await
    }

    /// Waits until an issuer is ready.
    pub(crate) async fn is_ready(&self, field: &Field, issuer: &str) -> Result<(), String> {
        let path = path(&field.namespace, "issuers", &format!("/{issuer}"));
        let end = clock() + PATIENCE;
        while clock() < end {
            let issuer = self.administrator.read(&path).await?;
            let conditions = issuer["status"]["conditions"].as_array().cloned().unwrap_or_default();
            if conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True") {
                return Ok(());
            }
            pause(Duration::from_millis(20)).await;
        }
        Err("the issuer never became ready".to_owned())
    }

    /// Makes so many Secrets of a megabyte that are nobody's here.
    pub(crate) async fn foreign_secrets(&self, field: &Field, count: usize) -> Result<(), String> {
        let data = STANDARD.encode(vec![b'x'; 1_000_000]);
        let data = &data;
        let makes = (0..count).map(|number| async move {
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": { "name": format!("foreign-{number}") }, "data": { "blob": data },
            });
            self.post(&format!("/api/v1/namespaces/{}/secrets", field.namespace), &secret).await
        });
        stream::iter(makes).buffer_unordered(4).try_collect::<Vec<_>>().await.map(drop)
    }

    /// Makes an object in the collection of this path.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let write = Write { path: path.to_owned(), content: Content::Json, body: body.to_string().into() };
        serde_json::from_slice(&self.administrator.write(&write).await?).map_err(text)
    }
}

/// Certificates that became ready, as a watch tells.
pub(crate) struct Readiness {
    administrator: Bare,
    collection: String,
    answer: Option<reqwest::Response>,
    rest: Vec<u8>,
    ready: HashSet<String>,
}

impl Readiness {
    /// How many are ready, as far as it was told.
    pub(crate) fn count(&self) -> usize {
        self.ready.len()
    }

    /// Waits until so many are ready, all counted.
    pub(crate) async fn reaches(&mut self, count: usize) -> Result<(), String> {
        let waiting = async {
            while self.ready.len() < count {
                let Some(answer) = &mut self.answer else {
                    self.begin().await?;
                    continue;
                };
                match answer.chunk().await {
                    Ok(Some(chunk)) => {
                        self.rest.extend_from_slice(&chunk);
                        self.read_lines()?;
                    }
                    // The API server ends watches that it cannot keep up with.
                    Ok(None) | Err(_) => self.answer = None,
                }
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| format!("{count} were never ready"))?
    }

    /// Counts who is ready now, and watches from there on.
    async fn begin(&mut self) -> Result<(), String> {
        let list = self.administrator.read(&self.collection).await?;
        let version = list["metadata"]["resourceVersion"].as_str().ok_or("a list without a version")?;
        for item in list["items"].as_array().into_iter().flatten() {
            let conditions = item["status"]["conditions"].as_array().cloned().unwrap_or_default();
            if conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True") {
                self.ready.insert(item["metadata"]["name"].as_str().unwrap_or_default().to_owned());
            }
        }
        let watch = format!("{}?watch=true&resourceVersion={version}&timeoutSeconds=1800", self.collection);
        self.rest.clear();
        self.answer = Some(self.administrator.watch(&watch).await?);
        Ok(())
    }

    fn read_lines(&mut self) -> Result<(), String> {
        let Some(end) = self.rest.iter().rposition(|it| *it == b'\n') else { return Ok(()) };
        for line in self.rest[..end].split(|it| *it == b'\n').filter(|it| !it.is_empty()) {
            let Event { object } = serde_json::from_slice(line).map_err(text)?;
            let conditions = object.status.unwrap_or_default().conditions;
            if conditions.iter().any(|it| it.r#type == "Ready" && it.status == "True") {
                self.ready.insert(object.metadata.name.to_owned());
            }
        }
        self.rest.drain(..=end);
        Ok(())
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    object: Object<'a>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
    #[serde(borrow)]
    status: Option<Status<'a>>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    name: &'a str,
}

#[derive(Deserialize, Default)]
struct Status<'a> {
    #[serde(borrow, default)]
    conditions: Vec<Condition<'a>>,
}

#[derive(Deserialize)]
struct Condition<'a> {
    r#type: &'a str,
    status: &'a str,
}

/// The path of a collection of ours, or of an object where `rest` names one.
pub(crate) fn path(namespace: &str, plural: &str, rest: &str) -> String {
    format!("/apis/cert-manager.io/v1/namespaces/{namespace}/{plural}{rest}")
}

/// A file that a child reads its kubeconfig from.
pub(crate) fn kubeconfig_file(cluster: &Cluster) -> Result<tempfile::NamedTempFile, String> {
    let file = tempfile::NamedTempFile::new().map_err(text)?;
    std::fs::write(file.path(), cluster.kubeconfig()).map_err(text)?;
    Ok(file)
}

pub(crate) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a bench waits for real servers")]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

const MAKERS: usize = 32;
/// Nothing takes this long unless it never comes.
const PATIENCE: Duration = Duration::from_secs(900);
