//! Who stands behind the API server: aggregated APIs, asked with the rights of this process.

use std::fmt;

use acme_core::{Error, ErrorKind, Transport, limits};
use async_trait::async_trait;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;

use super::Api;

/// The API server as a [`Transport`]: of the address of a request its path counts. The server authenticates this process, asks whether it may, and passes on.
pub(crate) struct Behind(Api);

impl Behind {
    /// How requests address it; the connection of the [`Api`] knows where it is.
    pub(crate) const ADDRESS: &str = "https://kubernetes.default.svc";

    /// What this one reaches.
    pub(crate) fn new(api: Api) -> Self {
        Self(api)
    }
}

#[async_trait]
impl Transport for Behind {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        tracing::debug!(method = %head.method, path = path.as_str(), "behind the API server");
        head.uri = Uri::from(path);
        let asked = async {
            let answer = self.0.client.send(Request::from_parts(head, Body::from(body))).await;
            let answer = answer.map_err(|error| unanswered("the API server was not reached").with_source(error))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, limits::BODY).collect().await;
            let body = body.map_err(|error| unanswered("the answer of the API server broke off").with_source(error))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        let answered = tokio::time::timeout(self.0.patience, asked).await;
        answered.unwrap_or_else(|_| Err(unanswered("the API server, or who stands behind it, did not answer in time")))
    }
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Behind(..)")
    }
}

fn unanswered(what: &'static str) -> Error {
    Error::new(ErrorKind::Unreachable, what)
}
