//! What is counted and measured, in Prometheus' text format, under cert-manager's names where it has one.
//!
//! What exists is not counted but looked at: a [`Census`] lends its records row by row when somebody scrapes. What happens is counted in
//! [`Metrics`], which whoever acts is given. Both become one text in [`Metrics::render`].

mod acme;
mod census;
mod counters;
mod exposition;
mod facts;
mod families;
mod inspector;
mod rows;
mod survey;
mod venafi;

use std::sync::Arc;

use acme_core::Timestamp;

pub use acme::NamedClient;
pub use counters::{AcmeCall, Attempt, AttemptEnd};
pub use inspector::Inspector;
pub use rows::{Census, CertificateRow, ChallengeRow, IssuerOf, IssuerRow, OrderRow, Ready, RequestRow};

pub(crate) use facts::{Measured, Words};
pub(crate) use inspector::Inspected;
pub(crate) use survey::Survey;

use census::Sums;
use counters::Counters;
use exposition::Text;

/// What is counted. Clones share one set.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Counters>);

/// Which series there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Series {
    /// cert-manager's for each object, and sums.
    Objects,
    /// Sums alone: their number does not grow with the number of certificates.
    Sums,
}

impl Metrics {
    /// Counts an attempt at a certificate that ended.
    pub fn attempt(&self, attempt: &Attempt<'_>) {
        self.0.attempt(attempt);
    }

    /// Counts a call to an ACME server.
    pub fn acme_call(&self, call: &AcmeCall<'_>) {
        self.0.acme_call(call);
    }

    /// Counts a step of a resource under the name of the cert-manager controller that would have made it.
    pub fn synced(&self, controller: &'static str) {
        self.0.synced(controller);
    }

    /// Counts a step that failed.
    pub fn sync_failed(&self, controller: &'static str) {
        self.0.sync_failed(controller);
    }

    /// Counts an Event of this type that was never written.
    pub fn event_dropped(&self, kind: &'static str) {
        self.0.event_dropped(kind);
    }

    /// Everything, as Prometheus reads it.
    pub fn render(&self, census: &dyn Census, series: Series, now: Timestamp) -> String {
        let mut text = Text::default();
        let sums = Sums::of(census, now);
        if series == Series::Objects {
            families::objects(&mut text, census, now);
        }
        families::sums(&mut text, &sums, census, now);
        self.0.render(&mut text);
        text.finish()
    }
}
