//! Signature Version 4: AWS4-HMAC-SHA256 in the `Authorization` header.

use std::fmt::Write as _;

use acme_core::hash::sha256;
use acme_core::{Error, ErrorKind, Secret, Timestamp};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Uri};
use sha2::Sha256;

use super::{Credentials, Region};

/// What a signature is good for: one service in one region.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    service: &'static str,
    region: Region,
}

impl Scope {
    /// The scope of `service` (`acm-pca`, `route53`, `sts`) in `region`.
    pub fn new(service: &'static str, region: Region) -> Self {
        Self { service, region }
    }

    /// The service.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// The region.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Signs `request`, whose URI is absolute, with every header that it has; then nothing of it may be changed.
    ///
    /// It gains `x-amz-date`, `authorization` and, for temporary credentials, `x-amz-security-token`; those of an earlier signature
    /// are replaced. A `host` header is signed as it is; without one it is what an HTTP client makes of the URI. AWS takes
    /// signatures for some five minutes around its own time.
    ///
    /// # Errors
    /// `Malformed` when the URI names no host, or something to sign is no text fit for a header.
    pub fn sign(&self, request: &mut Request<Bytes>, credentials: &Credentials, now: Timestamp) -> Result<(), Error> {
        let time = compact(now);
        let date = &time[..8];
        let payload = hex(&sha256(request.body()));
        let headers = request.headers_mut();
        headers.remove(AUTHORIZATION);
        headers.remove(SECURITY_TOKEN);
        headers.insert(DATE, value(&time)?);
        if self.service == S3 {
            headers.insert(CONTENT_SHA256, value(&payload)?);
        }
        if let Some(token) = credentials.session_token() {
            let mut token = value(token.expose())?;
            token.set_sensitive(true);
            headers.insert(SECURITY_TOKEN, token);
        }
        let (signed, canonical) = self.canonical(request, &payload)?;
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(&sha256(canonical.as_bytes())));
        let signature = hex(&mac(self.key(credentials, date).expose(), to_sign.as_bytes()));
        let id = credentials.access_key_id();
        let mut authorization =
            value(&format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}"))?;
        authorization.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, authorization);
        Ok(())
    }

    /// The names of the signed headers, and the canonical request.
    fn canonical(&self, request: &Request<Bytes>, payload: &str) -> Result<(String, String), Error> {
        let uri = request.uri();
        let path = if self.service == S3 { uri.path().to_owned() } else { encoded(&normal(uri.path()), "/") };
        let query = canonical_query(uri.query().unwrap_or_default());
        let headers = canonical_headers(uri, request.headers())?;
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let signed = names.join(";");
        let mut out = format!("{}\n{path}\n{query}\n", request.method());
        for (name, value) in &headers {
            let _ = writeln!(out, "{name}:{value}");
        }
        let _ = write!(out, "\n{signed}\n{payload}");
        Ok((signed, out))
    }

    fn key(&self, credentials: &Credentials, date: &str) -> Secret<[u8; 32]> {
        let first = Secret::new(format!("AWS4{}", credentials.secret_access_key().expose()));
        let dated = Secret::new(mac(first.expose().as_bytes(), date.as_bytes()));
        let regional = Secret::new(mac(dated.expose(), self.region.as_str().as_bytes()));
        let of_service = Secret::new(mac(regional.expose(), self.service.as_bytes()));
        Secret::new(mac(of_service.expose(), b"aws4_request"))
    }
}

/// Sorted by name; several values of one name are joined by commas, white space within a value is folded to one space.
fn canonical_headers(uri: &Uri, headers: &HeaderMap) -> Result<Vec<(String, String)>, Error> {
    let mut out = Vec::new();
    for name in headers.keys().filter(|name| !UNSIGNED.contains(&name.as_str())) {
        let mut folded = Vec::new();
        for value in headers.get_all(name) {
            let text = value.to_str().map_err(|_| unfit(name.as_str()))?;
            folded.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        out.push((name.as_str().to_owned(), folded.join(",")));
    }
    if !headers.contains_key(HOST) {
        out.push((HOST.as_str().to_owned(), host(uri)?));
    }
    out.sort();
    Ok(out)
}

/// The host as HTTP clients send it: in lower case, without the port that the scheme implies.
fn host(uri: &Uri) -> Result<String, Error> {
    let host = uri.host().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| Error::new(ErrorKind::Malformed, "a request to be signed names no host"))?;
    let implied = match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    };
    let host = host.to_ascii_lowercase();
    Ok(match uri.port_u16().filter(|port| Some(*port) != implied) {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

/// Every name and value encoded once, whatever was encoded before, then sorted.
fn canonical_query(query: &str) -> String {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let mut pairs: Vec<(String, String)> = parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (encoded_bytes(&decoded(name), ""), encoded_bytes(&decoded(value), ""))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// The path without dot segments and without empty ones (RFC 3986 section 5.2.4, and AWS's rule for everything but S3).
fn normal(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let ends_in_slash = path.ends_with('/') && !kept.is_empty();
    format!("/{}{}", kept.join("/"), if ends_in_slash { "/" } else { "" })
}

pub(super) fn encoded(text: &str, safe: &str) -> String {
    encoded_bytes(text.as_bytes(), safe)
}

/// All but RFC 3986's unreserved characters, and `safe`, as `%XX`.
fn encoded_bytes(bytes: &[u8], safe: &str) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        let char = char::from(*byte);
        if char.is_ascii_alphanumeric() || "-._~".contains(char) || safe.contains(char) {
            out.push(char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = pair.and_then(|it| std::str::from_utf8(it).ok()).and_then(|it| u8::from_str_radix(it, 16).ok());
        match byte {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// `20260102T030405Z`.
fn compact(now: Timestamp) -> String {
    let whole = Timestamp::from_unix_seconds(now.unix_seconds());
    whole.to_string().chars().filter(|char| !matches!(char, '-' | ':')).collect()
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    text.parse().map_err(|_| unfit("a part of the signature"))
}

fn unfit(name: &str) -> Error {
    Error::new(
        ErrorKind::Malformed,
        format!(
            "a request cannot be signed: {name} is no text fit for a header; is there a line break in a credential?"
        ),
    )
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The one service whose paths are encoded once and never normalised, and which wants the body's hash as a header.
const S3: &str = "s3";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
/// What proxies and clients on the way may change.
const UNSIGNED: &[&str] = &[
    "baggage",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];
