//! The model certificate authority behind HTTPS on a free loopback port.

mod identity;
mod real;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use acme_core::protocol::Url;
use acme_core::{Clock, limits};
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::ca::{Elsewhere, Exchange, ModelCa};

pub(crate) use identity::Identity;
pub use real::RealValidator;

/// A [`ModelCa`] that listens: give [`directory_url`](Self::directory_url) to a client and let it trust [`root_pem`](Self::root_pem).
///
/// It stops when it is dropped. Needs a tokio runtime with I/O and time.
pub struct HttpsFront {
    inner: Arc<Inner>,
    address: SocketAddr,
    root_pem: String,
    serving: AbortHandle,
}

struct Inner {
    ca: ModelCa,
    clock: Arc<dyn Clock>,
    validator: Option<RealValidator>,
    base_url: String,
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl HttpsFront {
    /// Listens on a free port of 127.0.0.1; `ca` gives URLs of this front from now on, and keeps its validator.
    ///
    /// # Errors
    /// When no port can be bound or no certificate can be made.
    pub async fn start(ca: ModelCa, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        Self::launch(ca, clock, None).await
    }

    /// As [`start`](Self::start), and challenges are looked at for real: over the network, at the ports of `validator`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_validating(
        ca: ModelCa,
        clock: Arc<dyn Clock>,
        validator: RealValidator,
    ) -> std::io::Result<Self> {
        ca.set_validator(Elsewhere);
        Self::launch(ca, clock, Some(validator)).await
    }

    async fn launch(ca: ModelCa, clock: Arc<dyn Clock>, validator: Option<RealValidator>) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let identity = Identity::new().map_err(std::io::Error::other)?;
        let base_url = format!("https://localhost:{}", address.port());
        ca.change(|it| it.base_url.clone_from(&base_url));
        let inner = Arc::new(Inner {
            ca,
            clock,
            validator,
            base_url,
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        });
        let acceptor = TlsAcceptor::from(identity.config);
        let serving = tokio::spawn(Arc::clone(&inner).serve(listener, acceptor)).abort_handle();
        Ok(Self { inner, address, root_pem: identity.root_pem, serving })
    }

    /// The URL of the directory.
    pub fn directory_url(&self) -> Url {
        self.inner.ca.directory_url()
    }

    /// The root that vouches for this front's HTTPS; not the root of the certificates it issues, which is [`ModelCa::root_pem`].
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The authority behind it.
    pub fn ca(&self) -> &ModelCa {
        &self.inner.ca
    }

    /// How many TCP connections were accepted.
    pub fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::Acquire)
    }

    /// How many HTTP requests arrived whole.
    pub fn requests(&self) -> usize {
        self.inner.requests.load(Ordering::Acquire)
    }
}

impl Drop for HttpsFront {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Inner {
    async fn serve(self: Arc<Self>, listener: TcpListener, acceptor: TlsAcceptor) {
        // Dropped with this task, and every connection with it.
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            self.connections.fetch_add(1, Ordering::AcqRel);
            while connections.try_join_next().is_some() {}
            connections.spawn(Arc::clone(&self).converse(stream, acceptor.clone()));
        }
    }

    async fn converse(self: Arc<Self>, stream: TcpStream, acceptor: TlsAcceptor) {
        let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
        let Ok(Ok(stream)) = handshake else {
            return;
        };
        let service = service_fn(|request| Arc::clone(&self).answer(request));
        // A connection that a client or a fault breaks off is no failure of the front.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
        let (mut parts, body) = request.into_parts();
        let body = Limited::new(body, limits::BODY).collect().await.map_err(|_| Broken)?.to_bytes();
        let path = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        parts.uri = format!("{}{path}", self.base_url).parse::<Uri>().map_err(|_| Broken)?;
        self.requests.fetch_add(1, Ordering::AcqRel);
        let request = Request::from_parts(parts, body);
        let exchange = self.ca.exchange(&request, self.clock.now());
        self.look_at_challenges();
        match exchange {
            Exchange::Answered { response, delay } => {
                wait(delay).await;
                Ok(response.map(Full::new))
            }
            Exchange::Dropped => Err(Broken),
        }
    }

    /// Hands the challenges that wait for a look to the validator.
    fn look_at_challenges(self: &Arc<Self>) {
        let Some(validator) = &self.validator else {
            return;
        };
        self.ca.settle(self.clock.now());
        for job in self.ca.take_jobs() {
            let (inner, validator) = (Arc::clone(self), validator.clone());
            tokio::spawn(async move {
                let verdict = validator.look(&job).await;
                inner.ca.conclude(&job, verdict, inner.clock.now());
            });
        }
    }
}

/// Ends a connection without an answer.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is dropped on purpose")
    }
}

impl std::error::Error for Broken {}

#[expect(clippy::disallowed_methods, reason = "this is the edge: a slow answer over a real socket takes real time")]
async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

const HANDSHAKE: Duration = Duration::from_secs(10);
