//! A connection that loses one answer after the server acted on the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use acme_core::transport::ReqwestTransport;
use acme_core::{Error, ErrorKind, Transport};
use async_trait::async_trait;
use bytes::Bytes;

/// Loses the next answer to a request whose path begins with `path`, once armed. Clones share the trap.
#[derive(Clone)]
pub(crate) struct Lossy {
    inner: ReqwestTransport,
    path: &'static str,
    armed: Arc<AtomicBool>,
}

impl Lossy {
    /// A transport that loses nothing yet.
    pub(crate) fn new(inner: ReqwestTransport, path: &'static str) -> Self {
        Self { inner, path, armed: Arc::default() }
    }

    /// Whether the answer it was armed for is lost.
    pub(crate) fn is_sprung(&self) -> bool {
        !self.armed.load(Ordering::SeqCst)
    }

    /// Loses the next answer that the server means as a success.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Transport for Lossy {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        let matches = request.uri().path().starts_with(self.path);
        let answer = self.inner.send(request).await?;
        if matches && answer.status().is_success() && self.armed.swap(false, Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unreachable, "the connection ended before its answer did"));
        }
        Ok(answer)
    }
}
