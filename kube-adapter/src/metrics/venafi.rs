//! Calls to Venafi's services, counted where they leave.

use std::sync::Arc;
use std::time::Instant;

use acme_core::{Error, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};

use super::Metrics;

impl Metrics {
    /// The same transport, whose requests are counted as those to Venafi's services are.
    pub fn counting_venafi(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(Counted { transport, metrics: self.clone() })
    }
}

/// A transport whose requests are counted.
struct Counted {
    transport: Arc<dyn Transport>,
    metrics: Metrics,
}

#[async_trait]
impl Transport for Counted {
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is how long the network takes, not what time it is"
    )]
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let purpose = Purpose::of(&request);
        let start = Instant::now();
        let answer = self.transport.send(request).await;
        let took = start.elapsed();
        match purpose {
            Purpose::Token => {
                let is_granted = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
                self.metrics.0.venafi_token(is_granted, took);
            }
            Purpose::Call(call) => self.metrics.0.venafi_call(call, took),
        }
        answer
    }
}

/// What a request is for.
enum Purpose {
    Token,
    Call(&'static str),
}

impl Purpose {
    /// cert-manager's names, and one for what it does not count.
    fn of(request: &Request<Bytes>) -> Self {
        let path = request.uri().path();
        let is_form = request.headers().get(CONTENT_TYPE).is_some_and(|it| it == FORM);
        if is_form || path.ends_with("/authorize/oauth") || path.ends_with("/authorize/token") {
            return Self::Token;
        }
        let is_post = request.method() == Method::POST;
        Self::Call(if path.ends_with("/certificates/request") || path.ends_with("/certificaterequests") && is_post {
            "request_certificate"
        } else if path.ends_with("/retrieve") || path.ends_with("/contents") || path.contains("/certificaterequests/") {
            "retrieve_certificate"
        } else if path.ends_with("/certificates/reset") {
            "reset_certificate"
        } else {
            "read_zone_configuration"
        })
    }
}

/// What clients of OAuth send, and nobody else here.
const FORM: &str = "application/x-www-form-urlencoded";
