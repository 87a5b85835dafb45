//! Our transport as instant-acme's HTTP client.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use instant_acme::{BodyWrapper, BytesResponse, HttpClient};

use super::desk;
use crate::Transport;

/// Lets an `instant_acme::Account` send over our [`Transport`]: what [`session`](super::session) needs to sign through it.
///
/// Hand it to `instant_acme::Account::builder_with_http`. Clones share the transport.
#[derive(Clone)]
pub struct OverTransport(Arc<dyn Transport>);

impl OverTransport {
    /// Sends over `transport`.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self(transport)
    }
}

impl HttpClient for OverTransport {
    fn request(
        &self,
        request: http::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let transport = Arc::clone(&self.0);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            // instant-acme reads bodies of answers alone.
            let mut body = BytesResponse::from(http::Response::new(body)).body;
            let body = body.into_bytes().await.map_err(instant_acme::Error::Other)?;
            let response = match desk::answer(&head, &body) {
                Some(answer) => answer?,
                None => {
                    let sent = transport.send(http::Request::from_parts(head, body)).await;
                    sent.map_err(|error| instant_acme::Error::Other(Box::new(error)))?
                }
            };
            let (parts, body) = response.into_parts();
            Ok(BytesResponse { parts, body: Box::new(body) })
        })
    }
}

impl fmt::Debug for OverTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OverTransport")
    }
}
