//! The authority as a transport: no sockets, virtual time.

use std::time::Duration;

use acme_core::{Clock as _, Error, ErrorKind, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use super::{Exchange, ModelCa};
use crate::VirtualClock;

/// A [`Transport`] that leads to a [`ModelCa`]; dropped connections are errors, slow answers and round trips take virtual time.
#[derive(Clone)]
pub struct ModelTransport {
    ca: ModelCa,
    clock: VirtualClock,
    round_trip: Duration,
}

impl ModelTransport {
    pub(crate) fn new(ca: ModelCa, clock: VirtualClock) -> Self {
        Self { ca, clock, round_trip: Duration::ZERO }
    }

    /// Lets every request take `round_trip` of virtual time: the server acts in the middle of it.
    #[must_use]
    pub fn with_round_trip(mut self, round_trip: Duration) -> Self {
        self.round_trip = round_trip;
        self
    }
}

#[async_trait]
impl Transport for ModelTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let half = self.round_trip / 2;
        if !half.is_zero() {
            self.clock.sleep(half).await;
        }
        let exchange = self.ca.exchange(&request, self.clock.now());
        if !half.is_zero() {
            self.clock.sleep(half).await;
        }
        match exchange {
            Exchange::Answered { response, delay } => {
                if delay > PATIENCE {
                    self.clock.sleep(PATIENCE).await;
                    return Err(Error::new(
                        ErrorKind::Unreachable,
                        format!("no answer from {} within a minute", request.uri()),
                    ));
                }
                self.clock.sleep(delay).await;
                Ok(response)
            }
            Exchange::Dropped => {
                Err(Error::new(ErrorKind::Unreachable, format!("the connection to {} was lost", request.uri())))
            }
        }
    }
}

/// How long a transport waits for an answer (clause 3 of its contract).
const PATIENCE: Duration = Duration::from_secs(60);
