//! cert-manager's webhooks for DNS: `ChallengePayload`, through a Kubernetes API server or straight to the webhook.

use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, ErrorKind, Retry, Transport, text};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::http_api::{Fault, HttpApi, Meaning, Service, Token, encoded};
use crate::credentials::{CredentialSource, Fixed};
use crate::dns01::{DnsProvider, TxtRecord};
use crate::{Error, limits};

/// Asks a webhook that was written for cert-manager to present and to clean up.
///
/// Give it a [`Transport`] that authenticates to the API server, and the server's address: the webhook is found through its APIService. Any other address
/// works too, so a webhook can be used without a cluster. Whoever asks needs the verb `create` on the resources of the webhook's group.
#[derive(Clone)]
pub struct Webhook {
    api: HttpApi<Option<Token>>,
    group: String,
    solver: String,
    request: Map<String, Value>,
}

impl Webhook {
    /// A provider that asks the solver `solver` of the group `group` at `base`. The transport authenticates.
    ///
    /// # Errors
    /// `Malformed` when `base` is no URL, or a name is empty.
    pub fn new(
        base: &str,
        group: impl Into<String>,
        solver: impl Into<String>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Self::with_token(base, group, solver, Arc::new(Fixed::new(None)), transport, clock)
    }

    /// The same, with a token where the source answers one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_token(
        base: &str,
        group: impl Into<String>,
        solver: impl Into<String>,
        token: Arc<dyn CredentialSource<Option<Token>>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let (group, solver) = (group.into(), solver.into());
        if group.is_empty() || solver.is_empty() {
            return Err(Error::new(
                ErrorKind::Malformed,
                "a DNS webhook has a group and a solver's name: one is empty",
            ));
        }
        let api = HttpApi::new(SERVICE, base, token, transport, clock)?;
        Ok(Self { api, group, solver, request: Map::new() })
    }

    /// Hands `config` to the webhook: the issuer's `webhook.config`, any JSON.
    #[must_use]
    pub fn with_config(self, config: Value) -> Self {
        self.with("config", config)
    }

    /// The namespace in which the webhook looks for what `config` refers to.
    #[must_use]
    pub fn in_namespace(self, namespace: impl Into<String>) -> Self {
        self.with("resourceNamespace", Value::String(namespace.into()))
    }

    /// Lets the webhook use credentials of its surroundings.
    #[must_use]
    pub fn with_ambient_credentials(self) -> Self {
        self.with("allowAmbientCredentials", true.into())
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        self.request.insert(field.to_owned(), value);
        self
    }

    async fn ask(&self, action: &str, doing: &str, record: &TxtRecord) -> Result<(), Error> {
        let zone = &record.needed_zone()?.name;
        let mut request = self.request.clone();
        for (field, value) in [
            // As cert-manager sends it; it comes back in the answer.
            ("uid", String::new()),
            ("action", action.to_owned()),
            ("type", "dns-01".to_owned()),
            ("dnsName", record.identifier.to_string()),
            ("key", record.value.clone()),
            ("resolvedFQDN", format!("{}.", record.owner)),
            ("resolvedZone", format!("{zone}.")),
        ] {
            request.insert(field.to_owned(), value.into());
        }
        request.entry("resourceNamespace").or_insert_with(|| "".into());
        request.entry("allowAmbientCredentials").or_insert_with(|| false.into());
        let (group, solver) = (&self.group, &self.solver);
        let what =
            format!("{doing} a TXT value at {} in the zone {zone} through the webhook {group}/{solver}", record.owner);
        let path = format!("/apis/{}/v1alpha1/{}", encoded(group), encoded(solver));
        let body = json!({ "apiVersion": VERSION, "kind": KIND, "request": request });
        let payload: Payload = self.api.ask(&what, Method::POST, &path, Some(&body)).await?;
        let invalid = || Error::new(ErrorKind::Malformed, format!("{what}: the answer is no {KIND} of {VERSION}"));
        let response = payload.response.filter(|_| payload.api_version == VERSION && payload.kind == KIND);
        match response.ok_or_else(invalid)? {
            Verdict { success: true, .. } => Ok(()),
            Verdict { status: Some(status), .. } => {
                let said = text::printable(status.message.trim(), limits::DNS_API_MESSAGE);
                // What the webhook could not do once it may do later.
                Err(Error::new(ErrorKind::Refused, format!("{what}: {said}")).with_retry(Retry::Backoff))
            }
            Verdict { status: None, .. } => Err(invalid()),
        }
    }
}

#[async_trait]
impl DnsProvider for Webhook {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.ask("Present", "adding", record).await
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.ask("CleanUp", "removing", record).await
    }
}

/// The configuration is not shown: people put secrets there, although they should not.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("api", &self.api)
            .field("group", &self.group)
            .field("solver", &self.solver)
            .finish_non_exhaustive()
    }
}

/// Refusals are the API server's: a `Status`. What the webhook refuses is in a success.
fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    if answer.status().is_success() {
        return None;
    }
    let told: Complaint = serde_json::from_slice(answer.body()).unwrap_or_default();
    let (meaning, advice) = match answer.status().as_u16() {
        401 => (Meaning::Credentials, "does the API server know this token?"),
        403 => (Meaning::Denied, "grant the verb create on the resources of the webhook's group"),
        404 => (Meaning::Missing, "is the webhook installed, and are its group and solver name right?"),
        _ => (Meaning::Status, ""),
    };
    let code = told.reason.filter(|it| !it.is_empty()).unwrap_or_else(|| answer.status().as_str().to_owned());
    Some(Fault::new(code, told.message, meaning).advising(advice))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    response: Option<Verdict>,
}

#[derive(Deserialize)]
struct Verdict {
    #[serde(default)]
    success: bool,
    status: Option<Complaint>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Complaint {
    reason: Option<String>,
    message: String,
}

const SERVICE: Service = Service { name: "the API server", fault };
/// Whatever the webhook's own group is called.
const VERSION: &str = "webhook.acme.cert-manager.io/v1alpha1";
const KIND: &str = "ChallengePayload";
