//! A client that keeps the pauses.

use std::sync::Arc;

use acme_core::Error;
use acme_core::client::{Call, Client, Needs, Reply};
use acme_core::directory::Revoker;
use acme_core::protocol::Url;
use async_trait::async_trait;

use super::{Pace, Sending};

/// A [`Client`] that refuses as the certificate authority would while a pause lasts, and sends nothing.
#[derive(Debug, Clone)]
pub struct Paced<C> {
    client: C,
    pace: Arc<Pace>,
}

impl<C: Client> Paced<C> {
    /// Puts `pace` in front of `client`.
    pub fn new(client: C, pace: Arc<Pace>) -> Self {
        Self { client, pace }
    }

    /// The client behind.
    pub fn client(&self) -> &C {
        &self.client
    }

    /// The pauses.
    pub fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }
}

#[async_trait]
impl<C: Client> Client for Paced<C> {
    async fn call(&self, call: &Call) -> Result<Reply, Error> {
        let sending = Sending::Call(self.client.account(), call);
        self.pace.guard(sending, self.client.call(call)).await
    }

    fn account(&self) -> &Url {
        self.client.account()
    }

    fn thumbprint(&self) -> &str {
        self.client.thumbprint()
    }

    fn lacks(&self, needs: Needs) -> Needs {
        self.client.lacks(needs)
    }

    fn revoker(&self) -> Option<Revoker<'_>> {
        self.client.revoker()
    }
}
