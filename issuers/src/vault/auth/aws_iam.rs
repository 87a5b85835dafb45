//! Who one is at AWS.

use std::collections::BTreeMap;
use std::fmt;

use acme_core::{Error, ErrorKind, Secret, Timestamp};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use solvers::credentials::aws::{Credentials, Endpoint, Region, sts};

use super::{Auth, CredentialSource, Login, Proof};
use crate::vault::path::Mount;

/// Logs in with an AWS identity (Vault's AWS method, type `iam`): signs a question to AWS's token service who one is, and lets Vault ask it.
///
/// Vault learns nothing with which it could do more than ask that, for a quarter of an hour.
pub struct AwsIam {
    mount: Mount,
    role: String,
    server_id: Option<HeaderValue>,
    sts: Endpoint,
    credentials: Box<dyn CredentialSource<Credentials>>,
}

impl AwsIam {
    /// The role at Vault, the region whose token service is asked, and where the credentials are; the method is enabled at `aws` unless told otherwise.
    ///
    /// # Errors
    /// `Malformed` when the region cannot be a part of a host name.
    pub fn new(
        role: impl Into<String>,
        region: &Region,
        credentials: impl CredentialSource<Credentials> + 'static,
    ) -> Result<Self, Error> {
        Ok(Self {
            mount: Mount::of("aws"),
            role: role.into(),
            server_id: None,
            sts: sts::endpoint(region)?,
            credentials: Box::new(credentials),
        })
    }

    /// Logs in where the method is enabled at `mount`.
    #[must_use]
    pub fn mounted_at(mut self, mount: Mount) -> Self {
        self.mount = mount;
        self
    }

    /// Signs this value of `X-Vault-AWS-IAM-Server-ID` too, so that the proof is good for one Vault alone.
    ///
    /// # Errors
    /// `Malformed` when it cannot be the value of a header.
    pub fn for_server_id(mut self, value: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_str(value).map_err(|source| {
            Error::new(ErrorKind::Malformed, "the server id for vault's AWS method is no value of a header")
                .with_source(source)
        })?;
        self.server_id = Some(value);
        Ok(self)
    }

    /// Has Vault ask this endpoint of the token service: the one that its configuration names (`sts_endpoint`).
    #[must_use]
    pub fn asking(mut self, sts: Endpoint) -> Self {
        self.sts = sts;
        self
    }
}

#[async_trait]
impl Auth for AwsIam {
    async fn proof(&self, now: Timestamp) -> Result<Proof, Error> {
        let credentials = self.credentials.credential(now).await?;
        let extra: HeaderMap = self.server_id.iter().map(|value| (SERVER_ID, value.clone())).collect();
        let signed = sts::caller_identity(&self.sts, &credentials, extra, now)?;
        let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, value) in signed.headers() {
            headers.entry(name.as_str()).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
        let headers = serde_json::to_vec(&headers).map_err(|source| {
            Error::new(ErrorKind::Internal, "the headers for vault's AWS method could not be written as JSON")
                .with_source(source)
        })?;
        let encoded = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        let login = Login::at(&self.mount)
            .with("role", self.role.as_str())
            .with("iam_http_request_method", signed.method().as_str())
            .with("iam_request_url", encoded(signed.uri().to_string().as_bytes()))
            .with("iam_request_body", encoded(signed.body()));
        Ok(Proof::Login(login.with_secret("iam_request_headers", &Secret::new(encoded(&headers)))))
    }

    fn rejected(&self) {
        self.credentials.rejected();
    }

    fn advice(&self) -> &'static str {
        "check that the role binds this AWS principal, the server id that vault wants, and this machine's clock"
    }
}

impl fmt::Debug for AwsIam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsIam").field("mount", &self.mount).field("role", &self.role).finish_non_exhaustive()
    }
}

const SERVER_ID: HeaderName = HeaderName::from_static("x-vault-aws-iam-server-id");
