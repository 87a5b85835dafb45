//! The Security Token Service: who somebody is, and temporary credentials for a role.

use acme_core::{Error, Timestamp};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request};

use super::{Credentials, Endpoint, Region};

/// The regional endpoint of the service.
///
/// # Errors
/// `Malformed`, for no region that parsed.
pub fn endpoint(region: &Region) -> Result<Endpoint, Error> {
    Endpoint::of(SERVICE, region)
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
    let mut request = form(endpoint, &[("Action", "GetCallerIdentity"), ("Version", VERSION)])?;
    request.headers_mut().extend(extra);
    endpoint.scope().sign(&mut request, credentials, now)?;
    Ok(request)
}

/// An unsigned call of the query protocol.
fn form(endpoint: &Endpoint, fields: &[(&str, &str)]) -> Result<Request<Bytes>, Error> {
    let body = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", super::sigv4::encoded(value, "")))
        .collect::<Vec<_>>()
        .join("&");
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = endpoint.resolve(&PathAndQuery::from_static("/"))?;
    request.headers_mut().insert(CONTENT_TYPE, FORM);
    Ok(request)
}

const SERVICE: &str = "sts";
const VERSION: &str = "2011-06-15";
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
