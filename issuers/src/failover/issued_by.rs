//! Renewal information and revocation go to whoever issued the certificate.

use std::sync::Arc;

use acme_core::protocol::{CertificateId, RevocationReason};
use acme_core::{Error, ErrorKind, Retry};
use async_trait::async_trait;
use rustls_pki_types::CertificateDer;

use super::Failover;
use crate::{Issuer, Renewal, RenewalAnswer, Revoke, chain};

#[async_trait]
impl Renewal for Failover {
    async fn renewal_info(&self, certificate: &CertificateId) -> Result<RenewalAnswer, Error> {
        let mut refusals = Refusals::default();
        for issuer in self.candidates(Some(certificate)).await {
            let Some(renewal) = issuer.renewal_info() else { continue };
            match renewal.renewal_info(certificate).await {
                Ok(answer) => return Ok(answer),
                Err(error) => refusals.add(error),
            }
        }
        Err(refusals.sum_up("renewal information"))
    }
}

#[async_trait]
impl Revoke for Failover {
    async fn revoke(&self, certificate: &CertificateDer<'_>, reason: Option<RevocationReason>) -> Result<(), Error> {
        let leaf = chain::Leaf::read(certificate)?;
        let mut refusals = Refusals::default();
        for issuer in self.candidates(leaf.id.as_ref()).await {
            let Some(revoke) = issuer.revoke() else { continue };
            match revoke.revoke(certificate, reason).await {
                Ok(()) => return Ok(()),
                Err(error) => refusals.add(error),
            }
        }
        Err(refusals.sum_up("revocation"))
    }
}

impl Failover {
    /// The one that issued it, or all where that is not known.
    async fn candidates(&self, certificate: Option<&CertificateId>) -> Vec<&Arc<dyn Issuer>> {
        self.health.refresh(self.clock.now()).await;
        let known = certificate.and_then(authority).and_then(|it| self.health.issuer_of(&it));
        match known.and_then(|id| self.find(&id)) {
            Some(issuer) => vec![issuer],
            None => self.issuers.iter().collect(),
        }
    }
}

/// Who issued a certificate, as its name in renewal information has it: the authority key identifier.
pub(super) fn authority(certificate: &CertificateId) -> Option<String> {
    certificate.as_str().split_once('.').map(|(authority, _)| authority.to_owned())
}

/// What those said who would not.
#[derive(Default)]
struct Refusals {
    last: Option<Error>,
}

impl Refusals {
    /// An error that may pass says more than one that will not: the issuer behind it may be the one.
    fn add(&mut self, error: Error) {
        let says_more = |it: &Error| it.retry() == Retry::Never || error.retry() != Retry::Never;
        if self.last.as_ref().is_none_or(says_more) {
            self.last = Some(error);
        }
    }

    fn sum_up(self, what: &str) -> Error {
        self.last.unwrap_or_else(|| {
            Error::new(ErrorKind::Unsupported, format!("the issuer of this certificate does not offer {what}"))
        })
    }
}
