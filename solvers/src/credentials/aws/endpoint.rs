//! Where a service answers, and in which scope it wants requests signed.

use acme_core::protocol::Url;
use acme_core::{Error, ErrorKind};
use http::Uri;
use http::uri::PathAndQuery;

use super::{Region, Scope};

/// A service of AWS in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    scope: Scope,
}

impl Endpoint {
    /// The public endpoint of `service` in `region`: `https://service.region.amazonaws.com`, or that of the region's partition.
    ///
    /// # Errors
    /// `Malformed` when `service` cannot be a part of a host name.
    pub fn of(service: &'static str, region: &Region) -> Result<Self, Error> {
        let url = format!("https://{service}.{region}.{}", region.partition().domain());
        Ok(Self { url: Url::parse(&url)?, scope: Scope::new(service, region.clone()) })
    }

    /// `service` behind `url`: a VPC endpoint, a FIPS endpoint, a test server. `region` is the one to sign for.
    ///
    /// # Errors
    /// `Malformed` when `url` holds more than scheme, host, port and a path.
    pub fn at(url: &str, service: &'static str, region: &Region) -> Result<Self, Error> {
        let url = Url::parse(url.trim_end_matches('/'))?;
        if url.as_str().contains(['?', '#']) || url.authority().contains('@') {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("the endpoint of {service} holds more than scheme, host, port and a path"),
            ));
        }
        Ok(Self { url, scope: Scope::new(service, region.clone()) })
    }

    /// Where it answers, without a final slash.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The scope in which requests to it are signed.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The absolute form of `path`, which begins with a slash and may have a query.
    pub(super) fn resolve(&self, path: &PathAndQuery) -> Result<Uri, Error> {
        format!("{}{path}", self.url).parse().map_err(|source| {
            Error::new(ErrorKind::Malformed, format!("no URL at {}", self.url.authority())).with_source(source)
        })
    }
}
