//! A fail-over whose stored state is whatever came.

use std::sync::Arc;

use acme_core::flow::Waiting;
use acme_core::{Clock, Error, ErrorKind, Identifier, Timestamp};
use async_trait::async_trait;
use futures_util::FutureExt as _;
use issuers::{CertificateRequest, Failover, InMemory, Issuer, IssuerId, Progress, Step};

/// Goes on with `bytes`, and answers the error that comes of it. The issuers see the state that stands in it, or none.
pub(crate) fn refusal(bytes: &[u8]) -> Option<Error> {
    let issuers = ["first", "second"].map(|id| Arc::new(Double(IssuerId::new(id))) as Arc<dyn Issuer>);
    let failover = match Failover::new("both", issuers, Arc::new(Noon)) {
        Ok(failover) => failover,
        Err(error) => return Some(error),
    };
    let mut progress = InMemory::new();
    assert!(progress.save(bytes).now_or_never().is_some_and(|it| it.is_ok()));
    let csr = CSR.into();
    let names = [Identifier::from(acme_core::DnsName::parse("a.example").expect("a name"))];
    let step = failover.issue(&CertificateRequest::new(&csr, &names), &mut progress).now_or_never();
    match step.expect("nothing is waited for") {
        Ok(Step::NotYet { .. }) => {
            // What was saved can be gone on from.
            let again = failover.issue(&CertificateRequest::new(&csr, &names), &mut progress).now_or_never();
            assert!(again.is_some_and(|it| it.is_ok()));
            None
        }
        Ok(Step::Issued(_)) => unreachable!("nobody issues"),
        Err(error) => Some(error),
    }
}

/// Wants to be asked again, except where its state begins with an exclamation mark.
struct Double(IssuerId);

#[async_trait]
impl Issuer for Double {
    fn id(&self) -> &IssuerId {
        &self.0
    }

    async fn issue(&self, _: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Step, Error> {
        if progress.state().is_some_and(|it| it.starts_with(b"!")) {
            return Err(Error::new(ErrorKind::Unreachable, "no answer"));
        }
        progress.save(self.0.as_str().as_bytes()).await?;
        Ok(Step::NotYet { again: Noon.now(), waiting: Waiting::Issuing })
    }
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_790_000_000)
    }
}

const CSR: &[u8] = include_bytes!("../seeds/csr/csr.der");
