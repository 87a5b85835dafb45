//! An issuer of an authority.

use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, Error};
use async_trait::async_trait;

use super::Authority;
use crate::certify::{Application, Serials, Terms};
use crate::template::SerialNumber;
use crate::{CertificateRequest, Issuer, IssuerId, Progress, Step};

/// Issues from an [`Authority`], in one step and without a memory: a certificate that is lost in a crash costs nothing, and is simply made again.
///
/// The signing request proves that its key is at hand by its signature, or by the signer that the request lends. Make another issuer when the authority is renewed.
pub struct CaIssuer {
    id: IssuerId,
    authority: Authority,
    clock: Arc<dyn Clock>,
    serials: Serials,
}

impl CaIssuer {
    /// An issuer with random serial numbers.
    pub fn new(id: impl Into<String>, authority: Authority, clock: Arc<dyn Clock>) -> Self {
        Self { id: IssuerId::new(id), authority, clock, serials: Serials::random() }
    }

    /// Takes serial numbers from `source`, which never answers the same one twice: for an authority that keeps a book of them.
    #[must_use]
    pub fn with_serials(mut self, source: impl Fn() -> SerialNumber + Send + Sync + 'static) -> Self {
        self.serials = Serials::from(source);
        self
    }

    /// The authority.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
}

#[async_trait]
impl Issuer for CaIssuer {
    fn id(&self) -> &IssuerId {
        &self.id
    }

    async fn issue(&self, request: &CertificateRequest<'_>, _: &mut dyn Progress) -> Result<Step, Error> {
        let application = Application::of(request)?;
        let terms = Terms::of(request)?;
        let issued = self.authority.sign(&application, &terms, self.serials.next()?, self.clock.now()).await?;
        for remark in &issued.remarks {
            tracing::warn!(issuer = %self.id, %remark, "issued");
        }
        Ok(Step::Issued(issued))
    }
}

impl fmt::Debug for CaIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaIssuer").field("id", &self.id).field("authority", &self.authority).finish_non_exhaustive()
    }
}
