//! Questions to an ACME server about renewal, under the name that cert-manager counts them by.

use acme_core::Error;
use acme_core::protocol::CertificateId;
use async_trait::async_trait;
use issuers::acme::RenewalQuestions;
use issuers::{Renewal, RenewalAnswer};

use crate::metrics::Metrics;

/// Questions to one ACME server about renewal.
pub(super) struct Renewals(pub(super) RenewalQuestions);

#[async_trait]
impl Renewal for Renewals {
    async fn renewal_info(&self, certificate: &CertificateId) -> Result<RenewalAnswer, Error> {
        Metrics::during("get_renewal_info", self.0.renewal_info(certificate)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use acme_core::{Clock as _, Directory};
    use issuers::acme::Pace;
    use testkit::ca::{ModelCa, Settings};
    use testkit::{VirtualClock, run};

    use super::*;
    use crate::metrics::{Census, CertificateRow, ChallengeRow, IssuerRow, OrderRow, RequestRow, Series};

    #[test]
    fn questions_are_counted_under_the_name_that_dashboards_know() {
        let (clock, ca, metrics) = (VirtualClock::new(), ModelCa::new(Settings::default()), Metrics::default());
        let shared = Arc::new(clock.clone());
        let transport = metrics.counting(Arc::new(ca.transport(&clock)));
        let directory = Directory::new(ca.directory_url(), transport, shared.clone());
        let pace = Arc::new(Pace::in_memory(shared.clone()));
        let renewals = Renewals(RenewalQuestions::new(directory, pace, shared));

        let unknown = CertificateId::from_parts(&[1], &[2]);
        let _ = run(&clock, renewals.renewal_info(&unknown));

        let text = metrics.render(&Nothing, Series::Sums, clock.now());
        assert!(text.contains(r#"http_acme_client_request_count{action="get_renewal_info""#), "{text}");
    }

    struct Nothing;

    impl Census for Nothing {
        fn certificates(&self, _: &mut dyn FnMut(CertificateRow<'_>)) {}
        fn issuers(&self, _: &mut dyn FnMut(IssuerRow<'_>)) {}
        fn requests(&self, _: &mut dyn FnMut(RequestRow<'_>)) {}
        fn orders(&self, _: &mut dyn FnMut(OrderRow<'_>)) {}
        fn challenges(&self, _: &mut dyn FnMut(ChallengeRow<'_>)) {}
        fn queue(&self, _: &mut dyn FnMut(&str, usize)) {}
        fn leads(&self) -> bool {
            false
        }
    }
}
