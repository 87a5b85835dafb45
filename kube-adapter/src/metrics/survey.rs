//! A census of the world: its rows, as metrics read them.

use std::time::Duration;

use acme_core::Timestamp;

use super::facts::{CertificateFacts, verdict};
use super::rows::{Census, CertificateRow, ChallengeRow, IssuerRow, OrderRow, RequestRow};
use crate::queue::Queue;
use crate::settings::Settings;
use crate::world::World;

/// What there is at this moment.
pub(crate) struct Survey<'a> {
    pub(crate) world: &'a World,
    pub(crate) queue: &'a Queue,
    pub(crate) leads: bool,
}

impl Census for Survey<'_> {
    fn certificates(&self, row: &mut dyn FnMut(CertificateRow<'_>)) {
        for (name, record, facts) in self.world.certificates.measured() {
            row(CertificateRow {
                namespace: name.namespace(),
                name: name.object(),
                issuer: facts.issuer.read(),
                ready: verdict(facts.ready),
                not_before: record.not_before.get(),
                not_after: record.not_after.get(),
                renewal: record.renewal.get(),
                next_attempt: next_attempt(facts, &self.world.settings),
            });
        }
    }

    fn issuers(&self, row: &mut dyn FnMut(IssuerRow<'_>)) {
        for (name, _, facts) in self.world.issuers.measured() {
            row(IssuerRow { namespace: Some(name.namespace()), name: name.object(), ready: verdict(facts.ready) });
        }
        for (name, _, facts) in self.world.cluster_issuers.measured() {
            row(IssuerRow { namespace: None, name: name.object(), ready: verdict(facts.ready) });
        }
    }

    fn requests(&self, row: &mut dyn FnMut(RequestRow<'_>)) {
        for (_, _, facts) in self.world.requests.measured() {
            row(RequestRow { issuer: facts.issuer.read(), reason: facts.state.as_deref().unwrap_or_default() });
        }
    }

    fn orders(&self, row: &mut dyn FnMut(OrderRow<'_>)) {
        for (_, _, facts) in self.world.orders.measured() {
            row(OrderRow { issuer: facts.issuer.read(), state: facts.state.as_deref().unwrap_or_default() });
        }
    }

    fn challenges(&self, row: &mut dyn FnMut(ChallengeRow<'_>)) {
        for (name, _, facts) in self.world.challenges.measured() {
            row(ChallengeRow {
                namespace: name.namespace(),
                name: name.object(),
                domain: &facts.domain,
                kind: facts.kind.as_deref().unwrap_or_default(),
                state: facts.state.as_deref().unwrap_or_default(),
                reason: &facts.reason,
                processing: facts.processing,
            });
        }
    }

    fn queue(&self, row: &mut dyn FnMut(&str, usize)) {
        for (class, count) in self.queue.depths() {
            row(class, count);
        }
    }

    fn leads(&self) -> bool {
        self.leads
    }
}

fn time(seconds: i64) -> Option<Timestamp> {
    (seconds > 0).then(|| Timestamp::from_unix_seconds(seconds))
}

/// When the pause after the last failure ends: doubled with each one, as the status tells it.
fn next_attempt(facts: &CertificateFacts, settings: &Settings) -> Option<Timestamp> {
    let failed = time(facts.last_failure)?;
    let doubled = 2_u32.saturating_pow(facts.attempts.saturating_sub(1).min(31));
    let pause: Duration = settings.least_backoff.saturating_mul(doubled).min(settings.longest_backoff);
    Some(failed + pause)
}
