//! The layer in front of a service.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use certwright_solvers::http01::tower::AnswerLayer;
use http::{Request, Response};
use tower_layer::Layer as _;
use tower_service::Service;

use super::*;

#[tokio::test]
async fn validators_are_answered_and_others_reach_the_service() {
    let answers = Answers::new();
    Http01::new(answers.clone()).present(&challenge("example.com", "token")).await.unwrap();
    let mut service = AnswerLayer::new(answers).layer(Behind::default());
    let path = "/.well-known/acme-challenge/token";
    for (uri, host, body) in [
        (path, Some("example.com:80"), "token.thumbprint"),
        ("http://example.com/.well-known/acme-challenge/token", None, "token.thumbprint"),
        (path, Some("example.org"), "behind"),
        (path, None, "behind"),
        ("/.well-known/acme-challenge/other", Some("example.com"), "behind"),
        ("/", Some("example.com"), "behind"),
    ] {
        let mut request = Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let response = service.call(request.body(()).unwrap()).await.unwrap();
        assert_eq!(response.body(), body.as_bytes(), "{uri} {host:?}");
    }
}

/// Counts how often it was called; copies count together.
#[derive(Clone, Default)]
pub(crate) struct Behind(Arc<AtomicUsize>);

impl Behind {
    pub(crate) fn calls(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Service<Request<()>> for Behind {
    type Response = Response<Bytes>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Bytes>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        self.0.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Response::new(Bytes::from_static(b"behind"))))
    }
}
