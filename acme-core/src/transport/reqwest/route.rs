//! Where a request goes: which address, and which name the server must have.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ::reqwest::dns::{Addrs, Name, Resolve, Resolving};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Uri};

use crate::transport::Lookup;
use crate::{DnsName, Error, ErrorKind};

/// How servers are found, where that is not left to the system alone.
#[derive(Clone, Default)]
pub(super) struct Route {
    pub(super) lookup: Option<Arc<dyn Lookup>>,
    pub(super) allows: Option<Arc<dyn Fn(IpAddr) -> bool + Send + Sync>>,
    pub(super) alias: Option<Alias>,
}

/// A host that is asked under another name.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    pub(super) host: String,
    pub(super) name: DnsName,
}

impl Route {
    /// Whether everything is left to the system.
    pub(super) fn is_open(&self) -> bool {
        self.lookup.is_none() && self.allows.is_none() && self.alias.is_none()
    }

    /// Refuses a request to an address that may not be asked; one to a name is looked at when that is looked up.
    pub(super) fn admit(&self, uri: &Uri) -> Result<(), Error> {
        let Some(address) = uri.host().and_then(literal) else { return Ok(()) };
        self.allowed(vec![address], &address).map(drop)
    }

    /// The request as it goes out: to the name that its host is asked under.
    pub(super) fn renamed(&self, mut request: Request<Bytes>) -> Result<Request<Bytes>, Error> {
        let Some(alias) = &self.alias else { return Ok(request) };
        let uri = request.uri().clone();
        if !uri.host().is_some_and(|it| it.eq_ignore_ascii_case(&alias.host)) {
            return Ok(request);
        }
        let renamed = || {
            let written = HeaderValue::from_str(uri.authority()?.as_str()).ok()?;
            let authority = match uri.port() {
                Some(port) => format!("{}:{port}", alias.name),
                None => alias.name.to_string(),
            };
            let mut parts = uri.clone().into_parts();
            parts.authority = authority.parse().ok();
            Some((Uri::from_parts(parts).ok()?, written))
        };
        let Some((uri, host)) = renamed() else {
            return Err(Error::new(ErrorKind::Malformed, format!("no request can go to {}", alias.host)));
        };
        *request.uri_mut() = uri;
        request.headers_mut().entry(HOST).or_insert(host);
        Ok(request)
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Error> {
        let host = match &self.alias {
            Some(alias) if name.eq_ignore_ascii_case(alias.name.as_str()) => &alias.host,
            _ => name,
        };
        let found = match (literal(host), &self.lookup) {
            (Some(address), _) => vec![address],
            (None, Some(lookup)) => lookup.addresses(host).await?,
            (None, None) => {
                let found = tokio::net::lookup_host((host, 0)).await.map_err(|source| {
                    Error::new(ErrorKind::Unreachable, format!("the name of {host} cannot be resolved"))
                        .with_source(source)
                })?;
                found.map(|it| it.ip()).collect()
            }
        };
        if found.is_empty() {
            return Err(Error::new(ErrorKind::Unreachable, format!("{host} has no address")));
        }
        self.allowed(found, &host)
    }

    /// Those of `addresses` that may be asked.
    fn allowed(&self, addresses: Vec<IpAddr>, host: &dyn fmt::Display) -> Result<Vec<IpAddr>, Error> {
        let Some(allows) = &self.allows else { return Ok(addresses) };
        let (allowed, refused): (Vec<IpAddr>, Vec<IpAddr>) =
            addresses.into_iter().partition(|it| allows(it.to_canonical()));
        match (allowed.is_empty(), refused.first()) {
            (true, Some(first)) => {
                Err(Error::new(ErrorKind::Refused, format!("{host} is not asked: {first} is no address to go to")))
            }
            _ => Ok(allowed),
        }
    }
}

impl Resolve for Route {
    fn resolve(&self, name: Name) -> Resolving {
        let route = self.clone();
        Box::pin(async move {
            let addresses = route.addresses(name.as_str()).await?;
            let addresses: Addrs = Box::new(addresses.into_iter().map(|it| SocketAddr::new(it, 0)));
            Ok(addresses)
        })
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("alias", &self.alias).finish_non_exhaustive()
    }
}

/// The address that a host is, if it is none by name.
fn literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host).parse().ok()
}
