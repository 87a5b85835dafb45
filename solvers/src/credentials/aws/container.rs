//! Credentials from the agent beside a container: EKS Pod Identity, and task roles of ECS.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Secret, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Request, Uri};

use super::profile::{malformed, read_file};
use super::{Credentials, Environment, answer};
use crate::credentials::{Fetch, Fetched};

/// Asks the agent at an address that the platform sets: HTTPS anywhere, plain HTTP only on this host and at the addresses of AWS's agents.
pub struct Container {
    uri: Uri,
    token: Token,
    transport: Arc<dyn Transport>,
}

/// What the agent wants in `Authorization`.
enum Token {
    None,
    Given(Secret<String>),
    /// Read anew each time.
    File(PathBuf),
}

impl Container {
    /// The agent that the environment names (`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, `AWS_CONTAINER_CREDENTIALS_FULL_URI` and the token
    /// beside them); `None` when it names none.
    ///
    /// # Errors
    /// `Malformed` when it names no URL; `Refused` when the token would go in plain text to a host that is not one of AWS's agents.
    pub fn from(environment: &Environment, transport: Arc<dyn Transport>) -> Result<Option<Self>, Error> {
        let (variable, url) = match (environment.get(RELATIVE), environment.get(FULL)) {
            (Some(path), _) => (RELATIVE, format!("http://{ECS}{path}")),
            (None, Some(url)) => (FULL, url.to_owned()),
            (None, None) => return Ok(None),
        };
        let uri: Uri = url.parse().map_err(|_| malformed(format!("{variable} holds no URL")))?;
        if !is_allowed(&uri) {
            return Err(Error::new(
                ErrorKind::Refused,
                format!(
                    "{variable} names a host that may not be asked for credentials over plain HTTP: only this host, {ECS}, {EKS} and {EKS_V6} may; use HTTPS"
                ),
            ));
        }
        let token = match (environment.get(TOKEN_FILE), environment.get(TOKEN)) {
            (Some(file), _) => Token::File(file.into()),
            (None, Some(token)) => Token::Given(Secret::new(token.to_owned())),
            (None, None) => Token::None,
        };
        Ok(Some(Self { uri, token, transport }))
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, Error> {
        let (token, place) = match &self.token {
            Token::None => return Ok(None),
            Token::Given(token) => (Secret::new(token.expose().clone()), TOKEN.to_owned()),
            Token::File(path) => {
                let place = path.display().to_string();
                let token = read_file(path)?.ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, format!("there is no {place}, which {TOKEN_FILE} names"))
                })?;
                (token, place)
            }
        };
        // A line break within would end the header.
        let header = HeaderValue::from_str(token.expose().trim());
        let mut header = header.map_err(|_| malformed(format!("the token in {place} is not fit for a header")))?;
        header.set_sensitive(true);
        Ok(Some(header))
    }
}

#[async_trait]
impl Fetch<Credentials> for Container {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<Credentials>, Error> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.uri.clone();
        let authorization = self.authorization()?;
        if let Some(token) = &authorization {
            request.headers_mut().insert(AUTHORIZATION, token.clone());
        }
        let what = format!("credentials from the container's agent at {}", self.uri.host().unwrap_or_default());
        let answer = self.transport.send(request).await.map_err(|error| error.while_doing(&what))?;
        let secret = authorization.as_ref().and_then(|it| it.to_str().ok()).unwrap_or_default();
        answer::read(&answer, &what, &[secret], now)
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container").field("host", &self.uri.host()).finish_non_exhaustive()
    }
}

fn is_allowed(uri: &Uri) -> bool {
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else { return false };
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") if host.eq_ignore_ascii_case("localhost") => true,
        Some("http") => match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => {
                address.is_loopback()
                    || address == IpAddr::from(ECS)
                    || address == IpAddr::from(EKS)
                    || address == IpAddr::from(EKS_V6)
            }
            Err(_) => false,
        },
        _ => false,
    }
}

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const ECS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
const EKS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 23);
const EKS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x23);
