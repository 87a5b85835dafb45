//! A bare client of the API server: one HTTP client without Nagle's algorithm, and bytes.

use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

/// The administrator, with as little as possible between him and the API server.
#[derive(Clone)]
pub(crate) struct Bare {
    client: reqwest::Client,
    url: String,
}

impl Bare {
    /// A client with the certificate of a kubeconfig's user, which the user agent `agent` tells apart in the audit log.
    pub(crate) fn new(kubeconfig: &str, agent: &str) -> Result<Self, String> {
        let kubeconfig: Value = serde_json::from_str(kubeconfig).map_err(text)?;
        let cluster = &kubeconfig["clusters"][0]["cluster"];
        let user = &kubeconfig["users"][0]["user"];
        let mut roots = rustls::RootCertStore::empty();
        let root = pem(&cluster["certificate-authority-data"])?;
        roots.add(CertificateDer::from_pem_slice(&root).map_err(text)?).map_err(text)?;
        let certificate = CertificateDer::from_pem_slice(&pem(&user["client-certificate-data"])?).map_err(text)?;
        let key = PrivateKeyDer::from_pem_slice(&pem(&user["client-key-data"])?).map_err(text)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(text)?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)
            .map_err(text)?;
        let client = reqwest::Client::builder()
            .user_agent(agent)
            .tls_backend_preconfigured(tls)
            .http1_only()
            .tcp_nodelay(true)
            .no_proxy()
            .build()
            .map_err(text)?;
        let url = cluster["server"].as_str().ok_or("a kubeconfig without a server")?.to_owned();
        Ok(Self { client, url })
    }

    /// Writes, and reads the metadata that is answered.
    pub(crate) async fn write(&self, write: &Write) -> Result<bytes::Bytes, String> {
        let url = format!("{}{}", self.url, write.path);
        let request = match write.content {
            Content::Json => self.client.post(url),
            Content::MergePatch | Content::Apply => self.client.patch(url),
        };
        let request = request
            .header("accept", METADATA_ONLY)
            .header("content-type", write.content.name())
            .body(write.body.clone());
        let answer = request.send().await.map_err(text)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(text)?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(format!("{} was answered {status}: {}", write.path, String::from_utf8_lossy(&body)))
        }
    }

    /// Reads an object or a list.
    pub(crate) async fn read(&self, path: &str) -> Result<Value, String> {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await.map_err(text)?;
        let answer = answer.error_for_status().map_err(text)?;
        serde_json::from_slice(&answer.bytes().await.map_err(text)?).map_err(text)
    }

    /// Begins a watch.
    pub(crate) async fn watch(&self, path: &str) -> Result<reqwest::Response, String> {
        let answer =
            self.client.get(format!("{}{path}", self.url)).timeout(LONGEST_WATCH).send().await.map_err(text)?;
        answer.error_for_status().map_err(text)
    }
}

/// A write that only has to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) path: String,
    pub(crate) content: Content,
    pub(crate) body: bytes::Bytes,
}

impl Write {
    /// The same where the object is in this state, and refused where it is not.
    pub(crate) fn insisting_on(self, version: &str) -> Self {
        let mut body = format!("{{\"metadata\":{{\"resourceVersion\":\"{version}\"}},").into_bytes();
        body.extend_from_slice(self.body.get(1..).unwrap_or_default());
        Self { body: body.into(), ..self }
    }
}

/// What a write is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    /// POST.
    Json,
    /// PATCH, merging.
    MergePatch,
    /// PATCH, server-side apply.
    Apply,
}

impl Content {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MergePatch => "application/merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }
}

fn pem(data: &Value) -> Result<Vec<u8>, String> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(data.as_str().unwrap_or_default()).map_err(text)
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const LONGEST_WATCH: Duration = Duration::from_secs(1800);
