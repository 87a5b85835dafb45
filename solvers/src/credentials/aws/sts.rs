//! The Security Token Service: who somebody is, and temporary credentials for a role.

use std::time::Duration;

use acme_core::{Error, ErrorKind, Secret, Timestamp, Transport, text};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, Uri};

use super::client::{exchange, text_of};
use super::sigv4::encoded;
use super::xml::Element;
use super::{Credentials, Endpoint, Fault, Region};
use crate::credentials::{CredentialSource, Fetched};
use crate::limits;

/// The regional endpoint of the service.
///
/// # Errors
/// `Malformed`, for no region that parsed.
pub fn endpoint(region: &Region) -> Result<Endpoint, Error> {
    Endpoint::of(SERVICE, region)
}

/// The service behind `url`: a VPC endpoint, or a test server.
///
/// # Errors
/// `Malformed` when `url` holds more than scheme, host, port and a path.
pub fn endpoint_at(url: &str, region: &Region) -> Result<Endpoint, Error> {
    Endpoint::at(url, SERVICE, region)
}

/// `sts:GetCallerIdentity`, signed and not sent: whoever is given its method, URL, headers and body can learn from AWS who signed it, for a quarter of an
/// hour, and nothing else. That is how Vault's AWS method logs in; `extra` headers (`x-vault-aws-iam-server-id`) are signed too.
///
/// # Errors
/// As [`Scope::sign`](super::Scope::sign).
pub fn caller_identity(
    endpoint: &Endpoint,
    credentials: &Credentials,
    extra: HeaderMap,
    now: Timestamp,
) -> Result<Request<Bytes>, Error> {
    let mut request = form(&[("Action", "GetCallerIdentity")]);
    *request.uri_mut() = endpoint.resolve(&PathAndQuery::from_static(ROOT))?;
    request.headers_mut().extend(extra);
    endpoint.scope().sign(&mut request, credentials, now)?;
    Ok(request)
}

/// A role to be assumed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    arn: String,
    session_name: String,
    external_id: Option<String>,
    duration: Option<Duration>,
}

impl Role {
    /// The role of this ARN, in a session named `certwright`.
    ///
    /// # Errors
    /// `Malformed` when it is no ARN.
    pub fn new(arn: &str) -> Result<Self, Error> {
        let arn = arn.trim();
        if !arn.starts_with("arn:") || arn.len() > limits::AWS_ARN || arn.contains(|it: char| it.is_ascii_control()) {
            let shown = text::printable(arn, 120);
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("{shown:?} is no role: write its ARN, such as arn:aws:iam::123456789012:role/issuer"),
            ));
        }
        Ok(Self { arn: arn.to_owned(), session_name: SESSION.to_owned(), external_id: None, duration: None })
    }

    /// Names the session; CloudTrail shows it. What AWS does not take in a name becomes `-`.
    #[must_use]
    pub fn session_name(mut self, name: &str) -> Self {
        let fits = |char: char| char.is_ascii_alphanumeric() || "_+=,.@-".contains(char);
        let name: String = name.trim().chars().take(64).map(|char| if fits(char) { char } else { '-' }).collect();
        self.session_name = if name.len() < 2 { SESSION.to_owned() } else { name };
        self
    }

    /// The external id that the role's trust policy wants.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// How long the credentials shall last; AWS allows a quarter of an hour up to the role's own limit, and gives an hour unless asked.
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// The ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }
}

/// `sts:AssumeRole`, signed with the credentials of `source`.
pub(super) async fn assume(
    endpoint: &Endpoint,
    role: &Role,
    source: &dyn CredentialSource<Credentials>,
    transport: &dyn Transport,
    now: Timestamp,
) -> Result<Fetched<Credentials>, Error> {
    let what = format!("sts:AssumeRole on {}", role.arn);
    let seconds = role.duration.map(|it| it.as_secs().to_string());
    let mut fields =
        vec![("Action", "AssumeRole"), ("RoleArn", role.arn.as_str()), ("RoleSessionName", role.session_name.as_str())];
    fields.extend(role.external_id.as_deref().map(|it| ("ExternalId", it)));
    fields.extend(seconds.as_deref().map(|it| ("DurationSeconds", it)));
    let answer = exchange(endpoint, source, transport, &what, form(&fields), now).await?;
    read(&answer, "AssumeRoleResult").map_err(|error| error.while_doing(&what))
}

/// `sts:AssumeRoleWithWebIdentity`, which is not signed: the token is the proof.
pub(super) async fn assume_with_web_identity(
    endpoint: &Endpoint,
    role: &Role,
    token: &Secret<String>,
    transport: &dyn Transport,
    now: Timestamp,
) -> Result<Fetched<Credentials>, Error> {
    let what = format!("sts:AssumeRoleWithWebIdentity on {}", role.arn);
    let token = token.expose().trim();
    let seconds = role.duration.map(|it| it.as_secs().to_string());
    let mut fields = vec![
        ("Action", "AssumeRoleWithWebIdentity"),
        ("RoleArn", role.arn.as_str()),
        ("RoleSessionName", role.session_name.as_str()),
        ("WebIdentityToken", token),
    ];
    fields.extend(seconds.as_deref().map(|it| ("DurationSeconds", it)));
    let mut request = form(&fields);
    *request.uri_mut() = endpoint.resolve(&PathAndQuery::from_static(ROOT))?;
    let answer = transport.send(request).await.map_err(|error| error.while_doing(&what))?;
    if !answer.status().is_success() {
        return Err(Fault::read(&answer, &[token]).to_error(&what, &answer, now));
    }
    read(&answer, "AssumeRoleWithWebIdentityResult").map_err(|error| error.while_doing(&what))
}

/// Reads the credentials of an answer: `AssumeRoleResponse/AssumeRoleResult/Credentials`, and the like.
fn read(answer: &Response<Bytes>, result: &str) -> Result<Fetched<Credentials>, Error> {
    let root = Element::parse(text_of(answer)?)?;
    let field = |name| {
        root.find(&[result, "Credentials", name])
            .filter(|it| !it.is_empty() && it.len() <= limits::AWS_TOKEN)
            .ok_or_else(|| {
                Error::new(ErrorKind::Malformed, format!("the answer holds no {name}, or one beyond any bound"))
            })
    };
    let expires = Timestamp::parse_rfc3339(field("Expiration")?)?;
    let credentials = Credentials::new(field("AccessKeyId")?, &Secret::new(field("SecretAccessKey")?.to_owned()))
        .with_session_token(&Secret::new(field("SessionToken")?.to_owned()));
    Ok(Fetched::new(credentials, Some(expires)))
}

/// An unsigned call of the query protocol.
fn form(fields: &[(&str, &str)]) -> Request<Bytes> {
    let fields = fields.iter().chain(&[("Version", VERSION)]);
    let body: Vec<String> = fields.map(|(name, value)| format!("{name}={}", encoded(value, ""))).collect();
    let mut request = Request::new(Bytes::from(body.join("&")));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static(ROOT);
    request.headers_mut().insert(CONTENT_TYPE, FORM);
    request
}

const ROOT: &str = "/";
const SERVICE: &str = "sts";
const SESSION: &str = "certwright";
const VERSION: &str = "2011-06-15";
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
