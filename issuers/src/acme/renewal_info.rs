//! When a certificate authority would like a certificate renewed (RFC 9773).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::CertificateId;
use acme_core::{Clock, Directory, Error};
use async_trait::async_trait;

use super::issuer::AcmeIssuer;
use super::pace::{Pace, Sending};
use crate::{Renewal, RenewalAnswer};

/// Asks a certificate authority when it would like certificates renewed: without an account, and not inside a pause that it asked for.
///
/// An [`AcmeIssuer`] does the same; this is for those who order in another way.
#[derive(Clone)]
pub struct RenewalQuestions {
    directory: Directory,
    pace: Arc<Pace>,
    clock: Arc<dyn Clock>,
}

impl RenewalQuestions {
    /// Questions to the certificate authority at `directory`, within `pace`.
    pub fn new(directory: Directory, pace: Arc<Pace>, clock: Arc<dyn Clock>) -> Self {
        Self { directory, pace, clock }
    }
}

#[async_trait]
impl Renewal for RenewalQuestions {
    async fn renewal_info(&self, certificate: &CertificateId) -> Result<RenewalAnswer, Error> {
        ask(&self.directory, &self.pace, self.clock.as_ref(), certificate).await
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
        ask(&self.directory, &self.pace, self.clock.as_ref(), certificate).await
    }
}

async fn ask(
    directory: &Directory,
    pace: &Pace,
    clock: &dyn Clock,
    certificate: &CertificateId,
) -> Result<RenewalAnswer, Error> {
    let reply = pace.guard(Sending::RenewalInfo, directory.renewal_info(certificate)).await?;
    let pause = reply.retry_after.unwrap_or(RENEWAL_INFO).clamp(RENEWAL_INFO_FIRST, RENEWAL_INFO_LAST);
    Ok(RenewalAnswer::new(reply.info, clock.now() + pause))
}

/// RFC 9773 section 4.3: six hours where the server names no time, and between a minute and a day where it does.
const RENEWAL_INFO: Duration = Duration::from_secs(6 * 3600);
const RENEWAL_INFO_FIRST: Duration = Duration::from_secs(60);
const RENEWAL_INFO_LAST: Duration = Duration::from_secs(24 * 3600);
