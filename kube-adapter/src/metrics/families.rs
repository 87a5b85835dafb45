//! The families that are rendered from records.

use acme_core::Timestamp;

use super::census::{Issuer, Sums};
use super::exposition::{Kind, Text};
use super::rows::{Census, CertificateRow, Ready};
use crate::crd::order::AcmeState;

/// cert-manager's series for each object.
pub(super) fn objects(text: &mut Text, census: &dyn Census, now: Timestamp) {
    let mut family = text.family("certificate_ready_status", Kind::Gauge, "The ready status of the certificate.");
    census.certificates(&mut |row| {
        for ready in Ready::ALL {
            let labels = [
                ("condition", ready.as_str()),
                ("issuer_group", row.issuer.group),
                ("issuer_kind", row.issuer.kind),
                ("issuer_name", row.issuer.name),
                ("name", row.name),
                ("namespace", row.namespace),
            ];
            family.sample(&labels, flag(row.ready == ready));
        }
    });
    time_of_certificates(
        text,
        census,
        "not_before",
        "The timestamp before which the certificate is invalid, expressed as a Unix Epoch Time.",
        |row| row.not_before,
    );
    time_of_certificates(
        text,
        census,
        "not_after",
        "The timestamp after which the certificate is invalid, expressed as a Unix Epoch Time.",
        |row| row.not_after,
    );
    time_of_certificates(
        text,
        census,
        "expiration",
        "The timestamp after which the certificate expires, expressed in Unix Epoch Time.",
        |row| row.not_after,
    );
    time_of_certificates(
        text,
        census,
        "renewal",
        "The timestamp after which the certificate should be renewed, expressed in Unix Epoch Time.",
        |row| row.renewal,
    );

    let help =
        "When the next attempt at the certificate is made, for those that wait after one that failed, in Unix time.";
    let mut family = text.family("certificate_next_attempt_timestamp_seconds", Kind::Gauge, help);
    census.certificates(&mut |row| {
        if let Some(at) = row.next_attempt.filter(|it| !it.is_due(now)) {
            family.sample(&certificate_labels(&row), seconds(Some(at)));
        }
    });

    let mut family = text.family("issuer_ready_status", Kind::Gauge, "The ready status of the issuer.");
    census.issuers(&mut |row| {
        if let Some(namespace) = row.namespace {
            for ready in Ready::ALL {
                let labels = [("condition", ready.as_str()), ("name", row.name), ("namespace", namespace)];
                family.sample(&labels, flag(row.ready == ready));
            }
        }
    });
    let mut family = text.family("clusterissuer_ready_status", Kind::Gauge, "The ready status of the cluster issuer.");
    census.issuers(&mut |row| {
        if row.namespace.is_none() {
            for ready in Ready::ALL {
                family.sample(&[("condition", ready.as_str()), ("name", row.name)], flag(row.ready == ready));
            }
        }
    });
    let mut family = text.family("certificate_challenge_status", Kind::Gauge, "The status of certificate challenges.");
    census.challenges(&mut |row| {
        for state in AcmeState::VALUES.iter().copied().filter(|it| !it.is_empty()).chain([UNKNOWN]) {
            let labels = [
                ("domain", row.domain),
                ("name", row.name),
                ("namespace", row.namespace),
                ("processing", if row.processing { "true" } else { "false" }),
                ("reason", row.reason),
                ("status", state),
                ("type", row.kind),
            ];
            family.sample(&labels, flag(row.state == state));
        }
    });
}

/// What is summed up, and the state of this process.
pub(super) fn sums(text: &mut Text, sums: &Sums, census: &dyn Census, now: Timestamp) {
    let mut family =
        text.family("certificates", Kind::Gauge, "How many certificates there are, by issuer and readiness.");
    for ((issuer, ready), count) in &sums.certificates {
        family.sample(&with("condition", ready.as_str(), issuer), number(*count));
    }
    let help = "When the first certificate of the issuer expires, in Unix time.";
    let mut family = text.family("certificates_earliest_expiration_timestamp_seconds", Kind::Gauge, help);
    for (issuer, at) in &sums.earliest_expiry {
        family.sample(&issuer_labels(issuer), seconds(Some(*at)));
    }
    let help = "How many certificates are past their time for renewal, by issuer.";
    let mut family = text.family("certificates_renewal_overdue", Kind::Gauge, help);
    for (issuer, count) in &sums.overdue {
        family.sample(&issuer_labels(issuer), number(*count));
    }
    let help = "How many certificates wait after a failed attempt, by issuer.";
    let mut family = text.family("certificates_backing_off", Kind::Gauge, help);
    for (issuer, (count, _)) in &sums.backing_off {
        family.sample(&issuer_labels(issuer), number(*count));
    }
    let help = "When the first of the certificates that wait after a failed attempt goes on, in Unix time.";
    let mut family = text.family("certificates_next_attempt_timestamp_seconds", Kind::Gauge, help);
    for (issuer, (_, first)) in &sums.backing_off {
        family.sample(&issuer_labels(issuer), seconds(Some(*first)));
    }
    let help = "How many CertificateRequests there are, by issuer and reason of their condition Ready.";
    let mut family = text.family("certificate_requests", Kind::Gauge, help);
    for ((issuer, reason), count) in &sums.requests {
        let Issuer { group, kind, name } = issuer;
        let labels =
            [("issuer_group", group.as_str()), ("issuer_kind", kind), ("issuer_name", name), ("reason", reason)];
        family.sample(&labels, number(*count));
    }
    let mut family = text.family("orders", Kind::Gauge, "How many Orders there are, by issuer and state.");
    for ((issuer, state), count) in &sums.orders {
        let Issuer { group, kind, name } = issuer;
        let labels = [("issuer_group", group.as_str()), ("issuer_kind", kind), ("issuer_name", name), ("state", state)];
        family.sample(&labels, number(*count));
    }
    let mut family = text.family("queue_depth", Kind::Gauge, "How many resources wait for their turn, by class.");
    census.queue(&mut |class, count| family.sample(&[("class", class)], count_of(count)));
    text.family("leader", Kind::Gauge, "Whether this process holds the Lease.").sample(&[], flag(census.leads()));
    let help = "The clock time given in seconds (from 1970/01/01 UTC).";
    text.family("clock_time_seconds", Kind::Counter, help).sample(&[], whole(now));
    text.family("clock_time_seconds_gauge", Kind::Gauge, help).sample(&[], whole(now));
}

fn time_of_certificates(
    text: &mut Text,
    census: &dyn Census,
    what: &str,
    help: &str,
    time: fn(&CertificateRow<'_>) -> Option<Timestamp>,
) {
    let mut family = text.family(&format!("certificate_{what}_timestamp_seconds"), Kind::Gauge, help);
    census.certificates(&mut |row| family.sample(&certificate_labels(&row), seconds(time(&row))));
}

fn certificate_labels<'a>(row: &CertificateRow<'a>) -> [(&'a str, &'a str); 5] {
    [
        ("issuer_group", row.issuer.group),
        ("issuer_kind", row.issuer.kind),
        ("issuer_name", row.issuer.name),
        ("name", row.name),
        ("namespace", row.namespace),
    ]
}

fn issuer_labels(issuer: &Issuer) -> [(&str, &str); 3] {
    [("issuer_group", &issuer.group), ("issuer_kind", &issuer.kind), ("issuer_name", &issuer.name)]
}

fn with<'a>(name: &'a str, value: &'a str, issuer: &'a Issuer) -> [(&'a str, &'a str); 4] {
    let [group, kind, issuer] = issuer_labels(issuer);
    [(name, value), group, kind, issuer]
}

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// Whole seconds, as Go's `Unix()`; zero for a time that is not set.
fn seconds(time: Option<Timestamp>) -> f64 {
    time.map_or(0.0, whole)
}

#[expect(clippy::cast_precision_loss, reason = "times until the year 9999 are exact")]
fn whole(time: Timestamp) -> f64 {
    time.unix_seconds() as f64
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has floating point only, and counts stay below 2^53")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has floating point only, and counts stay below 2^53")]
fn count_of(count: usize) -> f64 {
    count as f64
}

/// cert-manager has a series for it, though no Challenge can say so.
const UNKNOWN: &str = "unknown";
