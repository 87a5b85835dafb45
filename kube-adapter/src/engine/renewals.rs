//! Questions to an ACME server about renewal: a few at a time, whatever asks.

use acme_core::Error;
use acme_core::protocol::CertificateId;
use async_trait::async_trait;
use issuers::acme::RenewalQuestions;
use issuers::{Renewal, RenewalAnswer};
use tokio::sync::Semaphore;

use crate::metrics::Metrics;

/// Questions to one ACME server about renewal.
pub(super) struct Renewals {
    questions: RenewalQuestions,
    room: Semaphore,
}

impl Renewals {
    pub(super) fn new(questions: RenewalQuestions) -> Self {
        Self { questions, room: Semaphore::new(AT_ONCE) }
    }
}

#[async_trait]
impl Renewal for Renewals {
    async fn renewal_info(&self, certificate: &CertificateId) -> Result<RenewalAnswer, Error> {
        // It is never closed; a question more would do no harm.
        let _room = self.room.acquire().await;
        Metrics::during("renewal_info", self.questions.renewal_info(certificate)).await
    }
}

/// Nobody waits for an answer about renewal, and servers have others to serve.
const AT_ONCE: usize = 4;
