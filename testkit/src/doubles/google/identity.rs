//! Who may change a zone: tokens by a service account's signature, and from the metadata server.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::super::{Asked, json};
use super::Google;
use crate::sync::lock;

impl Google {
    /// A token for a JWT (RFC 7523).
    pub(super) fn log_in(&self, asked: &Asked) -> Response<Bytes> {
        let form =
            asked.form(&["grant_type", "assertion"]).filter(|_| asked.method == Method::POST).unwrap_or_default();
        if form.get("grant_type").map(String::as_str) != Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
            return complaint("unsupported_grant_type", "Invalid grant_type");
        }
        match form.get("assertion").and_then(|it| self.claims(it)) {
            Some(()) => self.granted(),
            None => complaint("invalid_grant", "Invalid JWT Signature."),
        }
    }

    /// A token for one of another platform (RFC 8693): for the DNS, or for standing in for a service account.
    pub(super) fn exchange(&self, asked: &Asked) -> Response<Bytes> {
        let known = [
            "audience",
            "grant_type",
            "options",
            "requested_token_type",
            "scope",
            "subject_token",
            "subject_token_type",
        ];
        let is_there = asked.host == "sts.googleapis.com" && asked.method == Method::POST;
        let form = asked.form(&known).filter(|_| is_there).unwrap_or_default();
        let says = |name: &str, text: &str| form.get(name).is_some_and(|it| it == text);
        if !says("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange") {
            return complaint("unsupported_grant_type", "Invalid grant_type");
        }
        if !says("requested_token_type", ACCESS_TOKEN) || !says("subject_token_type", JWT) {
            return complaint("invalid_request", "Invalid token type");
        }
        if !says("audience", Self::AUDIENCE) || !says("subject_token", Self::SUBJECT_TOKEN) {
            return complaint("invalid_grant", "The audience or the token does not match.");
        }
        match form.get("scope").map(String::as_str) {
            Some(SCOPE) => self.granted(),
            Some(EVERYTHING) => {
                let mut held = lock(&self.held);
                held.issued += 1;
                let token = format!("TOP-SECRET-federated-{}", held.issued);
                held.federated.push(token.clone());
                json(
                    200,
                    &json!({ "access_token": token, "expires_in": 3599, "token_type": "Bearer", "issued_token_type": ACCESS_TOKEN }),
                )
            }
            _ => complaint("invalid_scope", "Invalid scope"),
        }
    }

    /// A token of the service account, for who may stand in for it.
    pub(super) fn stand_in(&self, asked: &Asked, account: &str) -> Response<Bytes> {
        let is_there = asked.host == "iamcredentials.googleapis.com" && asked.method == Method::POST;
        let token = asked.header("authorization").and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default();
        if !is_there || !lock(&self.held).federated.iter().any(|it| it == token) {
            return json(401, &json!({ "error": { "code": 401, "status": "UNAUTHENTICATED" } }));
        }
        if account != format!("{}:generateAccessToken", Self::EMAIL) {
            return json(403, &json!({ "error": { "code": 403, "status": "PERMISSION_DENIED" } }));
        }
        let wanted = asked.object(&["delegates", "lifetime", "scope"]).unwrap_or_default();
        let is_hour = wanted.get("lifetime").is_none_or(|it| it == "3600s");
        if wanted.get("scope") != Some(&json!([SCOPE])) || !is_hour {
            return json(400, &json!({ "error": { "code": 400, "status": "INVALID_ARGUMENT" } }));
        }
        let mut held = lock(&self.held);
        held.issued += 1;
        let token = format!("TOP-SECRET-ya29-{}", held.issued);
        held.tokens.push(token.clone());
        let ends = self.clock.now() + std::time::Duration::from_secs(3600);
        json(200, &json!({ "accessToken": token, "expireTime": ends }))
    }

    /// A token for this workload.
    pub(super) fn metadata_token(&self, asked: &Asked) -> Response<Bytes> {
        let parameters = asked.parameters(&["scopes"]);
        let has_scope =
            parameters.is_some_and(|it| it.get("scopes").is_none_or(|it| it.split(',').any(|it| it == SCOPE)));
        if asked.method != Method::GET || asked.header("metadata-flavor") != Some("Google") || !has_scope {
            return json(403, &json!({ "error": "Missing Metadata-Flavor header." }));
        }
        self.granted()
    }

    pub(super) fn lets_in(&self, asked: &Asked) -> bool {
        let token = asked.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
        token.is_some_and(|token| lock(&self.held).tokens.iter().any(|it| it == token))
    }

    fn granted(&self) -> Response<Bytes> {
        let mut held = lock(&self.held);
        held.issued += 1;
        let token = format!("TOP-SECRET-ya29-{}", held.issued);
        held.tokens.push(token.clone());
        json(200, &json!({ "access_token": token, "expires_in": 3599, "token_type": "Bearer" }))
    }

    /// Everything that Google looks at in an assertion.
    fn claims(&self, assertion: &str) -> Option<()> {
        let (signed, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.key);
        key.verify(signed.as_bytes(), &decoded(signature)?).ok()?;
        let header: Value = serde_json::from_slice(&decoded(header)?).ok()?;
        let claims: Value = serde_json::from_slice(&decoded(claims)?).ok()?;
        let (issued, ends) = (claims["iat"].as_i64()?, claims["exp"].as_i64()?);
        let now = self.clock.now().unix_seconds();
        let is_whole = header["alg"] == "RS256"
            && header["kid"] == Self::KEY_ID
            && claims["iss"] == Self::EMAIL
            && claims["aud"] == "https://oauth2.googleapis.com/token"
            && claims["scope"] == SCOPE
            && (issued - 300..=ends).contains(&now)
            && ends - issued <= 3600;
        is_whole.then_some(())
    }
}

fn complaint(error: &str, description: &str) -> Response<Bytes> {
    json(400, &json!({ "error": error, "error_description": description }))
}

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const EVERYTHING: &str = "https://www.googleapis.com/auth/cloud-platform";
const SCOPE: &str = "https://www.googleapis.com/auth/ndev.clouddns.readwrite";
