//! When a certificate authority would like a certificate renewed (RFC 9773).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::CertificateId;
use acme_core::{Clock, Directory, Error};
use async_trait::async_trait;
use futures_util::future::select_all;
use futures_util::lock::Mutex;

use super::issuer::AcmeIssuer;
use super::pace::{Pace, Sending};
use crate::{Renewal, RenewalAnswer};

/// Asks a certificate authority when it would like certificates renewed: without an account, not inside a pause that it asked for, and four questions at a time.
///
/// An [`AcmeIssuer`] asks through one; this is for those who order in another way. Copies share the four, so keep one for each server.
#[derive(Clone)]
pub struct RenewalQuestions {
    directory: Directory,
    pace: Arc<Pace>,
    clock: Arc<dyn Clock>,
    /// Whoever holds one may ask.
    turns: Arc<[Mutex<()>; AT_ONCE]>,
}

impl RenewalQuestions {
    /// Questions to the certificate authority at `directory`, within `pace`.
    pub fn new(directory: Directory, pace: Arc<Pace>, clock: Arc<dyn Clock>) -> Self {
        Self { directory, pace, clock, turns: Arc::default() }
    }
}

#[async_trait]
impl Renewal for RenewalQuestions {
    async fn renewal_info(&self, certificate: &CertificateId) -> Result<RenewalAnswer, Error> {
        let (_turn, _, others) = select_all(self.turns.iter().map(Mutex::lock)).await;
        drop(others);
        let asked = self.directory.renewal_info(certificate);
        let reply = self.pace.guard(Sending::RenewalInfo, asked).await?;
        let pause = reply.retry_after.unwrap_or(RENEWAL_INFO).clamp(RENEWAL_INFO_FIRST, RENEWAL_INFO_LAST);
        Ok(RenewalAnswer::new(reply.info, self.clock.now() + pause))
    }
}

impl fmt::Debug for RenewalQuestions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenewalQuestions").field("directory", &self.directory).finish_non_exhaustive()
    }
}

#[async_trait]
impl Renewal for AcmeIssuer {
    async fn renewal_info(&self, certificate: &CertificateId) -> Result<RenewalAnswer, Error> {
        self.renewals.renewal_info(certificate).await
    }
}

/// Nobody waits for an answer about renewal, and servers have others to serve.
const AT_ONCE: usize = 4;
/// RFC 9773 section 4.3: six hours where the server names no time, and between a minute and a day where it does.
const RENEWAL_INFO: Duration = Duration::from_secs(6 * 3600);
const RENEWAL_INFO_FIRST: Duration = Duration::from_secs(60);
const RENEWAL_INFO_LAST: Duration = Duration::from_secs(24 * 3600);
