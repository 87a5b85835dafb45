//! Recursive name servers: by address, or behind HTTPS (RFC 8484).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use acme_core::protocol::Url;
use acme_core::transport::Transport;
use acme_core::{DnsName, ErrorKind, text};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, StatusCode};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::exchange::belongs;
use crate::{Error, limits};

/// A recursive name server. It is read from what people write: `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:53`, `dns.example:53`,
/// `https://dns.example/dns-query`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NameServer {
    /// At an address, over UDP and TCP.
    At(SocketAddr),
    /// At the addresses of a host that the system knows, over UDP and TCP.
    Named {
        /// Its name.
        host: DnsName,
        /// Its port.
        port: u16,
    },
    /// Behind HTTPS, where [`Resolver::with_https`](super::Resolver::with_https) says how that is spoken.
    Https(Url),
}

impl From<SocketAddr> for NameServer {
    fn from(address: SocketAddr) -> Self {
        Self::At(address)
    }
}

impl FromStr for NameServer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.starts_with("https://") {
            return Url::parse(text).map(Self::Https);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::At(SocketAddr::new(address, 53)));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::At(address));
        }
        let (host, port) = text.rsplit_once(':').unwrap_or((text, "53"));
        match (DnsName::parse(host), port.parse()) {
            (Ok(host), Ok(port)) if !host.is_wildcard() => Ok(Self::Named { host, port }),
            _ => {
                let shown = text::printable(text, 120);
                let what = format!(
                    "{shown:?} is no name server: write its address or its name, as in 192.0.2.53:53 or [2001:db8::53]:53, or the URL of one behind HTTPS"
                );
                Err(Error::new(ErrorKind::Malformed, what))
            }
        }
    }
}

impl fmt::Display for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Named { host, port } => write!(f, "{host}:{port}"),
            Self::Https(url) => f.write_str(&text::printable(url.as_str(), 120)),
        }
    }
}

/// Where the system says that a host is.
pub(super) async fn addresses(host: &DnsName, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let unknown =
        || Error::new(ErrorKind::Unreachable, format!("the address of the name server {host} cannot be found"));
    let found = lookup_host((host.as_str(), port)).await.map_err(|source| unknown().with_source(source))?;
    let found: Vec<SocketAddr> = found.take(limits::NAME_SERVER_ADDRESSES).collect();
    if found.is_empty() { Err(unknown()) } else { Ok(found) }
}

/// Sends `message`, whole with its header, to the name server behind `url`, and answers the reply to it.
pub(super) async fn over_https(
    transport: &dyn Transport,
    url: &Url,
    message: &[u8],
    limit: Duration,
) -> Result<Vec<u8>, Error> {
    let host = url.authority();
    let unusable = |why: &str| Error::new(ErrorKind::Unreachable, format!("the name server behind {host} {why}"));
    let request = Request::post(url.as_str())
        .header(CONTENT_TYPE, MESSAGE)
        .header(ACCEPT, MESSAGE)
        .body(Bytes::copy_from_slice(message))
        .map_err(|source| unusable("cannot be asked").with_source(source))?;
    let answer = match timeout(limit, transport.send(request)).await {
        Ok(answer) => answer?,
        Err(_) => return Err(unusable(&format!("did not answer within {limit:?}"))),
    };
    if answer.status() != StatusCode::OK {
        return Err(unusable(&format!("answered with status {}", answer.status().as_u16())));
    }
    if !belongs(message, answer.body()) {
        return Err(unusable("answered another question"));
    }
    Ok(answer.into_body().into())
}

/// The media type of RFC 8484 section 6.
const MESSAGE: &str = "application/dns-message";
