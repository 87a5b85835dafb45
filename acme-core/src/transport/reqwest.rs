//! HTTPS over reqwest and rustls.

use std::fmt;

use ::reqwest::Client;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use self::fault::unreachable;
use self::route::Route;
use super::{Peer, Transport};
use crate::{Error, ErrorKind, limits};

mod anyone;
mod builder;
mod fault;
mod identity;
mod route;

pub use builder::ReqwestTransportBuilder;

/// A [`Transport`] for HTTP/1.1 and HTTP/2 over TCP and TLS. It needs a tokio runtime; make one per process and share it.
///
/// Certificates are checked with aws-lc-rs where that is compiled in, else with ring.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
    route: Route,
}

impl ReqwestTransport {
    /// A transport that trusts what the system trusts.
    ///
    /// # Errors
    /// As [`ReqwestTransportBuilder::build`].
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// A transport to be set up.
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        let host = request.uri().authority().map_or_else(String::new, |it| it.as_str().to_owned());
        self.route.admit(request.uri())?;
        let request = self.route.renamed(request)?;
        let request = ::reqwest::Request::try_from(request).map_err(|source| {
            Error::new(ErrorKind::Malformed, format!("a request to {host} is not one of HTTP")).with_source(source)
        })?;
        let mut response = self.client.execute(request).await.map_err(|source| unreachable(&host, source))?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|source| unreachable(&host, source))? {
            if body.len() + chunk.len() > limits::BODY {
                return Err(Error::new(
                    ErrorKind::Malformed,
                    format!("the answer of {host} is longer than {} bytes", limits::BODY),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        let mut out = http::Response::new(body.freeze());
        *out.status_mut() = response.status();
        *out.version_mut() = response.version();
        *out.headers_mut() = std::mem::take(response.headers_mut());
        if let Some(address) = response.remote_addr() {
            out.extensions_mut().insert(Peer(address));
        }
        Ok(out)
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReqwestTransport")
    }
}
