//! A double behind HTTPS on a free loopback port.

use std::any::Any;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use acme_core::limits;
use bytes::Bytes;
use http::{HeaderName, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::double::Double;
use crate::https::Identity;
use crate::sync::lock;

/// A [`Double`] that listens in a thread of its own, until it is dropped.
///
/// What the service would not understand is answered 500, and fails the test when this is dropped.
pub struct Front {
    inner: Arc<Inner>,
    address: SocketAddr,
    root_pem: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Inner {
    double: Double,
    complaint: Mutex<Option<String>>,
}

impl Front {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When no port can be bound, or no certificate can be made.
    #[must_use]
    pub fn start(double: Double) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let address = listener.local_addr().expect("an address");
        let identity = Identity::new().expect("a certificate for loopback");
        let acceptor = TlsAcceptor::from(identity.config);
        let inner = Arc::new(Inner { double, complaint: Mutex::default() });
        let (stop, stopped) = oneshot::channel::<()>();
        let shared = Arc::clone(&inner);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(shared.serve(listener, acceptor, stopped));
        });
        Self { inner, address, root_pem: identity.root_pem, stop: Some(stop), thread: Some(thread) }
    }

    /// The address of the service, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The root, in PEM, that a client must trust.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The service behind it.
    #[must_use]
    pub fn double(&self) -> &Double {
        &self.inner.double
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if thread::panicking() {
            return;
        }
        assert!(matches!(ended, Some(Ok(())) | None), "the front of the double broke down");
        if let Some(complaint) = lock(&self.inner.complaint).take() {
            panic!("the service would not understand this: {complaint}");
        }
    }
}

impl Inner {
    async fn serve(self: Arc<Self>, listener: TcpListener, acceptor: TlsAcceptor, stopped: oneshot::Receiver<()>) {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        // Dropped with this future, and every connection with it.
        let mut connections = JoinSet::new();
        let accept = async {
            while let Ok((stream, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                connections.spawn(Arc::clone(&self).converse(stream, acceptor.clone()));
            }
        };
        futures_util::future::select(std::pin::pin!(accept), stopped).await;
    }

    async fn converse(self: Arc<Self>, stream: TcpStream, acceptor: TlsAcceptor) {
        let Ok(stream) = acceptor.accept(stream).await else { return };
        let service = service_fn(|request| Arc::clone(&self).answer(request));
        // A connection that a client or a fault breaks off is no failure of the front.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
        let (mut parts, body) = request.into_parts();
        let body = Limited::new(body, limits::BODY).collect().await.map_err(|_| Broken)?.to_bytes();
        let host = self.double.state().service.host(parts.uri.path());
        let path = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        parts.uri = format!("https://{host}{path}").parse::<Uri>().map_err(|_| Broken)?;
        for name in OF_HTTP {
            parts.headers.remove(name);
        }
        let request = Request::from_parts(parts, body);
        let answered = catch_unwind(AssertUnwindSafe(|| self.double.answer(&request)));
        match answered {
            Ok(Some(answer)) => Ok(answer.map(Full::new)),
            Ok(None) => Err(Broken),
            Err(panic) => {
                lock(&self.complaint).get_or_insert_with(|| text(panic.as_ref()));
                let mut answer = Response::new(Full::default());
                *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                Ok(answer)
            }
        }
    }
}

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned())).unwrap_or_default()
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

/// Headers that carry a request, and say nothing of it.
const OF_HTTP: [HeaderName; 4] = [header::HOST, header::CONTENT_LENGTH, header::USER_AGENT, header::ACCEPT_ENCODING];
