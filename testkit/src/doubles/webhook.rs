//! A webhook of cert-manager behind an API server.

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, json};
use crate::SimDns;

/// One solver of one group, which writes into `dns` what lies in its zone.
pub struct Webhook {
    dns: SimDns,
    group: String,
    solver: String,
    path: String,
    zone: String,
    config: Value,
    token: Option<String>,
}

impl Webhook {
    /// The solver `solver` of `group`, for `zone`, which insists on `config`.
    pub fn new(group: &str, solver: &str, zone: &str, config: Value, dns: SimDns) -> Self {
        let path = format!("/apis/{group}/v1alpha1/{solver}");
        let (group, solver) = (group.to_owned(), solver.to_owned());
        Self { dns, group, solver, path, zone: format!("{zone}."), config, token: None }
    }

    /// The API server lets in this bearer token alone.
    #[must_use]
    pub fn behind(mut self, token: &str) -> Self {
        self.token = Some(format!("Bearer {token}"));
        self
    }

    /// What API servers ask before they pass anything on: which resources the group has.
    fn resources(&self) -> Response<Bytes> {
        let resource = json!({ "name": self.solver, "singularName": "", "namespaced": false, "kind": "ChallengePayload", "group": "webhook.acme.cert-manager.io", "version": "v1alpha1", "verbs": ["create"] });
        json(
            200,
            &json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{}/v1alpha1", self.group), "resources": [resource] }),
        )
    }

    fn act(&self, request: &Value) -> Result<(), String> {
        let text = |name: &str| request[name].as_str().ok_or_else(|| format!("{name} is no text"));
        if request["config"] != self.config {
            return Err("the configuration is another one".to_owned());
        }
        if text("type")? != "dns-01" || !request["allowAmbientCredentials"].is_boolean() {
            return Err("this is no challenge for DNS".to_owned());
        }
        let (fqdn, zone) = (text("resolvedFQDN")?, text("resolvedZone")?);
        text("resourceNamespace")?;
        if zone != self.zone || !fqdn.ends_with(&format!(".{zone}")) || text("dnsName")?.ends_with('.') {
            return Err(format!("the zone {zone} is not served here"));
        }
        match text("action")? {
            "Present" => self.dns.add_txt(fqdn, text("key")?),
            "CleanUp" => self.dns.remove_txt(fqdn, text("key")?),
            other => return Err(format!("unknown action {other:?}")),
        }
        Ok(())
    }
}

impl Service for Webhook {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        if self.token.is_some() && asked.header("authorization") != self.token.as_deref() {
            return refused(401, "Unauthorized", "Unauthorized");
        }
        if asked.method == Method::GET && asked.path == format!("/apis/{}/v1alpha1", self.group) {
            return self.resources();
        }
        if asked.path != self.path || !asked.query.is_empty() {
            return refused(404, "NotFound", "the server could not find the requested resource");
        }
        if asked.method != Method::POST {
            return refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
        }
        let object = asked.object(&["apiVersion", "kind", "request"]).map(Value::Object).unwrap_or_default();
        let fields = object["request"].as_object().map(|it| it.keys().all(|key| FIELDS.contains(&key.as_str())));
        if object["apiVersion"] != VERSION || object["kind"] != "ChallengePayload" || fields != Some(true) {
            return refused(400, "BadRequest", "no kind is registered for that");
        }
        let uid = &object["request"]["uid"];
        let response = match self.act(&object["request"]) {
            Ok(()) => json!({ "uid": uid, "success": true }),
            Err(message) => {
                json!({ "uid": uid, "success": false, "status": { "status": "Failure", "message": message, "reason": "InternalError", "code": 500 } })
            }
        };
        json(
            201,
            &json!({ "apiVersion": VERSION, "kind": "ChallengePayload", "request": object["request"], "response": response }),
        )
    }
}

/// A refusal as an API server writes it.
pub fn refused(status: u16, reason: &str, message: &str) -> Response<Bytes> {
    json(
        status,
        &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": status }),
    )
}

const VERSION: &str = "webhook.acme.cert-manager.io/v1alpha1";
const FIELDS: &[&str] = &[
    "uid",
    "action",
    "type",
    "dnsName",
    "key",
    "resourceNamespace",
    "resolvedFQDN",
    "resolvedZone",
    "allowAmbientCredentials",
    "config",
];
