//! A small HTTP server for pages that are made when they are asked for: metrics and health.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::certificates::Certificates;
use crate::{Error, ErrorKind};

/// Makes pages.
#[async_trait]
pub trait Pages: Send + Sync {
    /// The page at `path`; `None` when there is none.
    async fn page(&self, path: &str) -> Option<Page>;
}

/// What is answered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page {
    status: StatusCode,
    content_type: &'static str,
    body: String,
}

impl Page {
    /// Prometheus' text format.
    pub fn metrics(body: String) -> Self {
        Self { status: StatusCode::OK, content_type: "text/plain; version=0.0.4; charset=utf-8", body }
    }

    /// All is well.
    pub fn well() -> Self {
        Self { status: StatusCode::OK, content_type: PLAIN, body: "ok".to_owned() }
    }

    /// Something is not, or not yet.
    pub fn unwell(why: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, content_type: PLAIN, body: why.into() }
    }
}

/// A socket that waits for [`serve`](Self::serve).
pub struct Endpoint {
    listener: TcpListener,
    certificates: Option<Arc<dyn Certificates>>,
}

impl Endpoint {
    /// Binds `address`.
    ///
    /// # Errors
    /// `Conflict` when it is taken, or may not be.
    pub async fn bind(address: SocketAddr) -> Result<Self, Error> {
        let listener = TcpListener::bind(address).await.map_err(|source| {
            Error::new(ErrorKind::Conflict, format!("{address} cannot be listened on: {source}")).with_source(source)
        })?;
        Ok(Self { listener, certificates: None })
    }

    /// Serves over TLS.
    #[must_use]
    pub fn with_certificates(mut self, certificates: Arc<dyn Certificates>) -> Self {
        self.certificates = Some(certificates);
        self
    }

    /// Where it listens.
    ///
    /// # Errors
    /// `Internal` when the system does not know.
    pub fn address(&self) -> Result<SocketAddr, Error> {
        self.listener
            .local_addr()
            .map_err(|source| Error::new(ErrorKind::Internal, "a socket has no address").with_source(source))
    }

    /// Answers until it is dropped. Time and number of connections are bounded.
    pub async fn serve(self, pages: Arc<dyn Pages>) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    pause().await;
                    continue;
                }
            };
            let (pages, certificates) = (Arc::clone(&pages), self.certificates.clone());
            tokio::spawn(async move {
                let _permit = permit;
                let answered = async {
                    match certificates {
                        None => answer(stream, pages).await,
                        Some(certificates) => answer_encrypted(stream, certificates.as_ref(), pages).await,
                    }
                };
                _ = tokio::time::timeout(LONGEST, answered).await;
            });
        }
    }
}

async fn answer_encrypted(stream: TcpStream, certificates: &dyn Certificates, pages: Arc<dyn Pages>) {
    let Some(acceptor) = certificates.acceptor() else {
        return tracing::debug!("a connection came before there was a certificate");
    };
    match acceptor.accept(stream).await {
        Ok(stream) => answer(stream, pages).await,
        Err(error) => tracing::debug!(%error, "a handshake failed"),
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, pages: Arc<dyn Pages>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let pages = Arc::clone(&pages);
        async move { Ok::<_, Infallible>(respond(&request, pages.as_ref()).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn respond(request: &Request<Incoming>, pages: &dyn Pages) -> Response<Full<Bytes>> {
    let page = if request.method() == Method::GET || request.method() == Method::HEAD {
        pages.page(request.uri().path()).await
    } else {
        None
    };
    let page = page.unwrap_or_else(|| Page {
        status: StatusCode::NOT_FOUND,
        content_type: PLAIN,
        body: "not found".to_owned(),
    });
    let mut response = Response::new(Full::new(Bytes::from(page.body)));
    *response.status_mut() = page.status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    response
}

#[expect(clippy::disallowed_methods, reason = "the edge to the operating system, which names no time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

const PLAIN: &str = "text/plain; charset=utf-8";
const CONNECTIONS: usize = 64;
const HEADERS: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(120);
