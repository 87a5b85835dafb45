//! When a certificate authority would like a certificate renewed (RFC 9773).

use std::time::Duration;

use acme_core::Error;
use acme_core::protocol::CertificateId;
use async_trait::async_trait;

use super::issuer::AcmeIssuer;
use super::pace::Sending;
use crate::{Renewal, RenewalAnswer};

#[async_trait]
impl Renewal for AcmeIssuer {
    async fn renewal_info(&self, certificate: &CertificateId) -> Result<RenewalAnswer, Error> {
        let asking = self.directory.renewal_info(certificate);
        let reply = self.pace.guard(Sending::RenewalInfo, asking).await?;
        let pause = reply.retry_after.unwrap_or(RENEWAL_INFO).clamp(RENEWAL_INFO_FIRST, RENEWAL_INFO_LAST);
        Ok(RenewalAnswer::new(reply.info, self.clock.now() + pause))
    }
}

/// RFC 9773 section 4.3: six hours where the server names no time, and between a minute and a day where it does.
const RENEWAL_INFO: Duration = Duration::from_secs(6 * 3600);
const RENEWAL_INFO_FIRST: Duration = Duration::from_secs(60);
const RENEWAL_INFO_LAST: Duration = Duration::from_secs(24 * 3600);
