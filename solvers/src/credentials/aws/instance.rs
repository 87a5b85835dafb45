//! Credentials of the role of an EC2 instance: the instance metadata service, version 2.

use std::fmt;
use std::sync::Arc;

use acme_core::protocol::Url;
use acme_core::{Error, ErrorKind, Secret, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};

use super::sigv4::encoded;
use super::{Credentials, Environment, Fault, answer};
use crate::credentials::{Fetch, Fetched};

/// Asks the instance metadata service by version 2 alone: with a token, so that a request that somebody else was talked into gets nothing.
pub struct Instance {
    url: Url,
    transport: Arc<dyn Transport>,
}

impl Instance {
    /// The service at the address that instances have for it.
    ///
    /// # Errors
    /// None, for an address that parses.
    pub fn new(transport: Arc<dyn Transport>) -> Result<Self, Error> {
        Self::at(V4, transport)
    }

    /// The service at `url`.
    ///
    /// # Errors
    /// `Malformed` when it is no URL.
    pub fn at(url: &str, transport: Arc<dyn Transport>) -> Result<Self, Error> {
        Ok(Self { url: Url::parse(url.trim_end_matches('/'))?, transport })
    }

    /// The service as the environment has it (`AWS_EC2_METADATA_SERVICE_ENDPOINT`, `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`); `None` when
    /// `AWS_EC2_METADATA_DISABLED` says `true`.
    ///
    /// # Errors
    /// `Malformed` when it names no URL.
    pub fn from(environment: &Environment, transport: Arc<dyn Transport>) -> Result<Option<Self>, Error> {
        if environment.says("AWS_EC2_METADATA_DISABLED") {
            return Ok(None);
        }
        let is_v6 =
            environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").is_some_and(|it| it.eq_ignore_ascii_case("ipv6"));
        let default = if is_v6 { V6 } else { V4 };
        let url = environment.get(ENDPOINT).unwrap_or(default);
        Self::at(url, transport).map(Some).map_err(|error| error.while_doing(ENDPOINT))
    }

    async fn token(&self, now: Timestamp) -> Result<Secret<String>, Error> {
        let mut request = self.request(Method::PUT, "/latest/api/token")?;
        request.headers_mut().insert(TTL, HeaderValue::from_static("21600"));
        let what = self.what("a token");
        let answer = self.transport.send(request).await.map_err(|error| {
            if error.kind() != ErrorKind::Unreachable {
                return error.while_doing(&what);
            }
            error.while_doing(format_args!(
                "{what} (is this an EC2 instance? In a container the hop limit of its metadata options must be 2)"
            ))
        })?;
        if answer.status() == StatusCode::FORBIDDEN {
            let disabled = format!("{what}: the instance metadata service is switched off for this instance");
            return Err(Error::new(ErrorKind::Unauthorized, disabled));
        }
        if !answer.status().is_success() {
            return Err(Fault::read(&answer, &[]).to_error(&what, &answer, now));
        }
        let token = std::str::from_utf8(answer.body()).ok().map(str::trim).filter(|it| !it.is_empty());
        let token = token.ok_or_else(|| Error::new(ErrorKind::Malformed, format!("{what}: the answer is no token")))?;
        Ok(Secret::new(token.to_owned()))
    }

    fn request(&self, method: Method, path: &str) -> Result<Request<Bytes>, Error> {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .body(Bytes::new())
            .map_err(|source| Error::new(ErrorKind::Malformed, self.what("a path that is no URL")).with_source(source))
    }

    fn get(&self, path: &str, token: &Secret<String>) -> Result<Request<Bytes>, Error> {
        let mut request = self.request(Method::GET, path)?;
        let unfit = |_| Error::new(ErrorKind::Malformed, self.what("a token that is not fit for a header"));
        let mut value = HeaderValue::from_str(token.expose()).map_err(unfit)?;
        value.set_sensitive(true);
        request.headers_mut().insert(TOKEN, value);
        Ok(request)
    }

    fn what(&self, wanted: &str) -> String {
        format!("{wanted} from the instance metadata service at {}", self.url.authority())
    }
}

#[async_trait]
impl Fetch<Credentials> for Instance {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<Credentials>, Error> {
        let token = self.token(now).await?;
        let what = self.what("the role");
        let listed = self.transport.send(self.get(ROLES, &token)?).await.map_err(|error| error.while_doing(&what))?;
        if listed.status() == StatusCode::NOT_FOUND {
            let none = format!("{what}: this instance has none; attach an instance profile");
            return Err(Error::new(ErrorKind::Unauthorized, none));
        }
        if !listed.status().is_success() {
            return Err(Fault::read(&listed, &[token.expose()]).to_error(&what, &listed, now));
        }
        let role = std::str::from_utf8(listed.body()).ok().and_then(|text| text.lines().next()).map(str::trim);
        let role = role.filter(|role| (1..=ROLE).contains(&role.len()));
        let role = role.ok_or_else(|| Error::new(ErrorKind::Malformed, format!("{what}: the answer names no role")))?;
        let path = format!("{ROLES}{}", encoded(role, ""));
        let what = self.what("credentials");
        let answer = self.transport.send(self.get(&path, &token)?).await.map_err(|error| error.while_doing(&what))?;
        answer::read(&answer, &what, &[token.expose()], now)
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("url", &self.url).finish_non_exhaustive()
    }
}

const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const V4: &str = "http://169.254.169.254";
const V6: &str = "http://[fd00:ec2::254]";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
/// IAM's names of roles have at most 64 characters.
const ROLE: usize = 128;
