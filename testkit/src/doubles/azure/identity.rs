//! Who may change a zone: tokens by secret, by a workload's token and for this machine; and where zones are found.

use bytes::Bytes;
use http::{Method, Response};
use serde_json::json;

use super::super::{Asked, json};
use super::{Azure, refused};
use crate::sync::lock;

impl Azure {
    /// A token by a client's secret or a workload's assertion (client credentials, version 2).
    pub(super) fn log_in(&self, asked: &Asked, tenant: &str) -> Response<Bytes> {
        if tenant != Self::TENANT {
            return complaint(400, "invalid_request", "AADSTS90002: Tenant not found.");
        }
        // Microsoft's own library asks for more about the client, and for OpenID's scopes.
        let known = [
            "grant_type",
            "client_id",
            "client_secret",
            "client_assertion",
            "client_assertion_type",
            "scope",
            "client_info",
            "claims",
        ];
        let Some(form) = asked.form(&known).filter(|_| asked.method == Method::POST) else {
            return complaint(
                400,
                "invalid_request",
                "AADSTS900144: The request body is no form, or one with unknown fields.",
            );
        };
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if field("grant_type") != "client_credentials" {
            return complaint(
                400,
                "unsupported_grant_type",
                "AADSTS70003: The app requested an unsupported grant type.",
            );
        }
        let scopes: Vec<&str> = field("scope").split(' ').collect();
        if !scopes.contains(&"https://management.core.windows.net//.default") {
            return complaint(400, "invalid_scope", "AADSTS70011: The provided value for scope is not valid.");
        }
        if field("client_id") != Self::CLIENT {
            return complaint(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.");
        }
        let held = lock(&self.held);
        let is_known = match (field("client_secret"), field("client_assertion")) {
            (secret, "") => secret == held.secret,
            ("", assertion) => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                field("client_assertion_type") == kind && assertion == held.assertion
            }
            _ => false,
        };
        drop(held);
        if !is_known {
            let what = "AADSTS7000215: Invalid client secret provided. Trace ID: 7e8b Correlation ID: 11f3 Timestamp: 2026-01-02 03:04:05Z";
            return complaint(401, "invalid_client", what);
        }
        json(
            200,
            &json!({ "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": self.token() }),
        )
    }

    /// A token for this machine.
    pub(super) fn metadata_token(&self, asked: &Asked) -> Response<Bytes> {
        let parameters = asked.parameters(&["api-version", "resource", "client_id", "msi_res_id"]).unwrap_or_default();
        let field = |name: &str| parameters.get(name).map(String::as_str);
        let is_whole = asked.method == Method::GET
            && asked.header("metadata") == Some("true")
            && field("api-version") == Some("2018-02-01")
            && field("resource").is_some_and(|it| it.trim_end_matches('/') == "https://management.core.windows.net");
        if !is_whole {
            return complaint(400, "invalid_request", "Required metadata header, API version or resource is missing.");
        }
        if field("client_id").is_some_and(|it| it != Self::CLIENT) || field("msi_res_id").is_some() {
            return complaint(400, "invalid_request", "Identity not found");
        }
        let body = json!({
            "access_token": self.token(), "client_id": Self::CLIENT, "expires_in": "86399", "expires_on": "4000000000",
            "ext_expires_in": "86399", "not_before": "1700000000", "resource": field("resource"), "token_type": "Bearer",
        });
        json(200, &body)
    }

    /// The zones that may be seen, as a query of Azure's resource graph answers them.
    pub(super) fn graph(&self) -> Response<Bytes> {
        let zone =
            json!({ "name": self.zone.name, "resourceGroup": Self::GROUP, "subscriptionId": Self::SUBSCRIPTION });
        json(200, &json!({ "totalRecords": 1, "count": 1, "data": [zone], "facets": [], "resultTruncated": "false" }))
    }

    pub(super) fn lets_in(&self, asked: &Asked) -> bool {
        let token = asked.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
        token.is_some_and(|token| lock(&self.held).tokens.iter().any(|it| it == token))
    }

    fn token(&self) -> String {
        let mut held = lock(&self.held);
        held.count += 1;
        let token = format!("TOP-SECRET-entra-{}", held.count);
        held.tokens.push(token.clone());
        token
    }
}

/// What Microsoft's library asks of an authority first.
pub(super) fn configuration(asked: &Asked, tenant: &str) -> Response<Bytes> {
    if tenant != Azure::TENANT || asked.method != Method::GET {
        return refused(400, "invalid_tenant", "AADSTS90002: Tenant not found.");
    }
    let base = format!("https://{}/{tenant}", asked.host);
    let body = json!({
        "issuer": format!("{base}/v2.0"), "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
    });
    json(200, &body)
}

fn complaint(status: u16, error: &str, description: &str) -> Response<Bytes> {
    json(status, &json!({ "error": error, "error_description": description, "trace_id": "7e8b" }))
}
