//! The connection to the API server: kube's client on a connector of ours.
//!
//! kube's own connector leaves Nagle's algorithm on, which costs 40 ms for many a write, and its stack repeats refused writes by itself. Writes are
//! repeated by plans alone, after a look at what is there.

mod leased;
mod socket;

use std::time::Duration;

use acme_core::{Error, ErrorKind};
use http::HeaderValue;
use http::header::USER_AGENT;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{ClientBuilder, ConfigExt as _};
use kube::{Client, Config};
use tower::ServiceBuilder;

use leased::Leased;

/// A client for this configuration that calls itself `user_agent`, without retries and without Nagle's algorithm.
///
/// A connection whose other end vanished is noticed after half a minute. Call it inside a tokio runtime, in a process that chose a default
/// provider for rustls.
///
/// # Errors
/// `Unsupported` for a proxy; `Malformed` for credentials, certificates or a name that cannot be used.
pub fn connect(mut config: Config, user_agent: &str) -> Result<Client, Error> {
    if config.proxy_url.is_some() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the kubeconfig names a proxy-url, and the API server is reached directly only: remove it",
        ));
    }
    let agent = HeaderValue::from_str(user_agent).map_err(|source| unusable("the user agent", source))?;
    config.headers.push((USER_AGENT, agent));

    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_keepalive_interval(Some(KEEPALIVE / 3));
    connector.set_keepalive_retries(Some(3));
    let connector = config
        .rustls_https_connector_with_connector(socket::sockets(connector))
        .map_err(|source| unusable("the certificates or keys", source))?;
    let http = legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MOST_IDLE)
        .http1_max_buf_size(BUFFER)
        .build::<_, Leased>(connector);

    let credentials = config.auth_layer().map_err(|source| unusable("the credentials", source))?;
    let headers = config.extra_headers_layer().map_err(|source| unusable("the headers", source))?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(credentials)
        .layer(headers)
        .map_err(tower::BoxError::from)
        .map_request(Leased::request)
        .service(http);
    Ok(ClientBuilder::new(service, config.default_namespace).build())
}

fn unusable(what: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Malformed, format!("{what} for the API server cannot be used")).with_source(source)
}

/// Connections of a storm are closed soon after it: each takes some 50 KB. Within it none is, since a new one costs more than a write.
const IDLE: Duration = Duration::from_secs(2);
const MOST_IDLE: usize = 64;

/// A connection reads at most so much at once; a watch would take half a megabyte otherwise.
const BUFFER: usize = 64 * 1024;

/// How long a connection may be silent before the other end is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(15);
