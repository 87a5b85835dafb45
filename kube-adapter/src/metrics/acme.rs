//! Calls to ACME servers, counted where they leave: the transport knows the server and the answer, the client what it is for.

use std::sync::Arc;
use std::time::Instant;

use acme_core::client::{Call, Needs, Reply};
use acme_core::directory::Revoker;
use acme_core::protocol::Url;
use acme_core::{Client, Error, Transport};
use async_trait::async_trait;
use bytes::Bytes;

use super::{AcmeCall, Metrics};

tokio::task_local! {
    /// What the requests of this task are for.
    static ACTION: &'static str;
}

impl Metrics {
    /// The same transport, whose requests are counted.
    pub fn counting(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(CountedTransport { transport, metrics: self.clone() })
    }

    /// The same client, whose requests are counted under the names of what they are for.
    pub fn naming<C: Client>(client: C) -> NamedClient<C> {
        NamedClient(client)
    }

    /// Awaits `requests`, which are for `action` in cert-manager's words: `register_account` and the like.
    pub async fn during<T>(action: &'static str, requests: impl Future<Output = T>) -> T {
        ACTION.scope(action, requests).await
    }
}

/// A transport whose requests are counted.
struct CountedTransport {
    transport: Arc<dyn Transport>,
    metrics: Metrics,
}

#[async_trait]
impl Transport for CountedTransport {
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is how long the network takes, not what time it is"
    )]
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        let (uri, method) = (request.uri().clone(), request.method().clone());
        let start = Instant::now();
        let answer = self.transport.send(request).await;
        self.metrics.acme_call(&AcmeCall {
            scheme: uri.scheme_str().unwrap_or_default(),
            host: uri.authority().map(http::uri::Authority::as_str).unwrap_or_default(),
            action: ACTION.try_with(|action| *action).unwrap_or(DISCOVER),
            method: method.as_str(),
            status: answer.as_ref().ok().map(|answer| answer.status().as_u16()),
            took: start.elapsed(),
        });
        answer
    }
}

/// A client whose requests carry the name of what they are for.
#[derive(Debug, Clone)]
pub struct NamedClient<C>(C);

#[async_trait]
impl<C: Client> Client for NamedClient<C> {
    async fn call(&self, call: &Call) -> Result<Reply, Error> {
        ACTION.scope(action(call), self.0.call(call)).await
    }

    fn account(&self) -> &Url {
        self.0.account()
    }

    fn thumbprint(&self) -> &str {
        self.0.thumbprint()
    }

    fn revoker(&self) -> Option<Revoker<'_>> {
        self.0.revoker()
    }

    fn lacks(&self, needs: Needs) -> Needs {
        self.0.lacks(needs)
    }
}

/// cert-manager's names, and one for what it does not do.
fn action(call: &Call) -> &'static str {
    match call {
        Call::NewOrder(_) => "authorize_order",
        Call::FindOrder(_) | Call::ReadOrder(_) => "get_order",
        Call::ReadAuthorization(_) => "get_authorization",
        Call::Accept(_) => "accept_challenge",
        Call::Finalize { .. } => "create_order_cert",
        Call::Download { .. } => "fetch_cert",
        Call::Deactivate(_) => "deactivate_authorization",
    }
}

const DISCOVER: &str = "discover";
