//! What happened, counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::census::Issuer;
use super::exposition::{Family, Kind, Text};
use super::families::number;
use super::rows::IssuerOf;

/// An attempt at a certificate that ended.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "whoever acts makes it")]
pub struct Attempt<'a> {
    /// Who was asked.
    pub issuer: IssuerOf<'a>,
    /// How it ended.
    pub end: AttemptEnd<'a>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum AttemptEnd<'a> {
    /// The certificate is there, this long after the attempt began; `None` where another process began it.
    Issued(Option<Duration>),
    /// It failed for good: the reason of the condition that says so.
    Failed(&'a str),
}

/// A call to an ACME server.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "whoever calls makes it")]
pub struct AcmeCall<'a> {
    /// `https`, nearly always.
    pub scheme: &'a str,
    /// The server.
    pub host: &'a str,
    /// cert-manager's name of what is done.
    pub action: &'a str,
    /// The HTTP method.
    pub method: &'a str,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    issued: Mutex<BTreeMap<Issuer, (u64, Histogram)>>,
    failed: Mutex<BTreeMap<(Issuer, String), u64>>,
    acme: Mutex<BTreeMap<[String; 5], Summary>>,
    venafi: Mutex<BTreeMap<&'static str, Summary>>,
    venafi_tokens: Mutex<Tokens>,
    syncs: Mutex<BTreeMap<&'static str, u64>>,
    sync_errors: Mutex<BTreeMap<&'static str, u64>>,
    events_dropped: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    pub(super) fn attempt(&self, attempt: &Attempt<'_>) {
        let issuer = Issuer::from(attempt.issuer);
        match attempt.end {
            AttemptEnd::Issued(took) => with(&self.issued, |all| {
                let (count, histogram) = all.entry(issuer).or_default();
                *count += 1;
                if let Some(took) = took {
                    histogram.add(took);
                }
            }),
            AttemptEnd::Failed(reason) => {
                with(&self.failed, |all| *all.entry((issuer, reason.to_owned())).or_default() += 1);
            }
        }
    }

    pub(super) fn acme_call(&self, call: &AcmeCall<'_>) {
        let status = call.status.unwrap_or(NO_ANSWER).to_string();
        let key = [call.action, call.host, call.method, call.scheme, &status].map(str::to_owned);
        with(&self.acme, |all| {
            if all.len() < SERIES || all.contains_key(&key) {
                all.entry(key).or_default().add(call.took);
            }
        });
    }

    pub(super) fn venafi_call(&self, call: &'static str, took: Duration) {
        with(&self.venafi, |all| all.entry(call).or_default().add(took));
    }

    pub(super) fn venafi_token(&self, is_granted: bool, took: Duration) {
        with(&self.venafi_tokens, |tokens| {
            *if is_granted { &mut tokens.granted } else { &mut tokens.refused } += 1;
            tokens.took.add(took);
        });
    }

    pub(super) fn synced(&self, controller: &'static str) {
        with(&self.syncs, |all| *all.entry(controller).or_default() += 1);
    }

    pub(super) fn sync_failed(&self, controller: &'static str) {
        with(&self.sync_errors, |all| *all.entry(controller).or_default() += 1);
    }

    pub(super) fn event_dropped(&self, kind: &'static str) {
        with(&self.events_dropped, |all| *all.entry(kind).or_default() += 1);
    }

    pub(super) fn render(&self, text: &mut Text) {
        let mut family =
            text.family("certificate_issuances_total", Kind::Counter, "How many certificates were issued, by issuer.");
        with(&self.issued, |all| {
            for (issuer, (count, _)) in &*all {
                family.sample(&labels(issuer), number(*count));
            }
        });
        let help = "How many attempts at a certificate failed, by issuer and reason.";
        let mut family = text.family("certificate_failures_total", Kind::Counter, help);
        with(&self.failed, |all| {
            for ((issuer, reason), count) in &*all {
                let [group, kind, name] = labels(issuer);
                family.sample(&[group, kind, name, ("reason", reason)], number(*count));
            }
        });
        let help = "How long it took from the start of an attempt until the certificate was there, by issuer.";
        let mut family = text.family("certificate_issuance_duration_seconds", Kind::Histogram, help);
        with(&self.issued, |all| {
            for (issuer, (_, took)) in &*all {
                took.render(&mut family, &labels(issuer));
            }
        });
        self.render_acme(text);
        self.render_venafi(text);
        let help = "The number of sync() calls made by a controller.";
        render_counts(text, "controller_sync_call_count", help, "controller", &self.syncs);
        let help = "The number of errors encountered during controller sync().";
        render_counts(text, "controller_sync_error_count", help, "controller", &self.sync_errors);
        let help = "How many Events were not written because too many waited, by type.";
        render_counts(text, "events_dropped_total", help, "type", &self.events_dropped);
    }

    fn render_acme(&self, text: &mut Text) {
        let help = "The number of requests made by the ACME client.";
        let mut family = text.family("http_acme_client_request_count", Kind::Counter, help);
        with(&self.acme, |all| {
            for (key, took) in &*all {
                family.sample(&acme_labels(key), number(took.count));
            }
        });
        let help = "The HTTP request latencies in seconds for the ACME client.";
        let mut family = text.family("http_acme_client_request_duration_seconds", Kind::Summary, help);
        with(&self.acme, |all| {
            for (key, took) in &*all {
                took.render(&mut family, &acme_labels(key));
            }
        });
    }
}

impl Counters {
    fn render_venafi(&self, text: &mut Text) {
        let help = "The HTTP request latencies in seconds for the Venafi client.";
        let mut family = text.family("http_venafi_client_request_duration_seconds", Kind::Summary, help);
        with(&self.venafi, |all| {
            for (call, took) in &*all {
                took.render(&mut family, &[("api_call", call)]);
            }
        });
        with(&self.venafi_tokens, |tokens| {
            let help = "The number of requests for OAuth tokens made by the Venafi client.";
            let mut family = text.family("venafi_oauth_token_requests_total", Kind::Counter, help);
            if tokens.took.count > 0 {
                family.sample(&[("status", "failure")], number(tokens.refused));
                family.sample(&[("status", "success")], number(tokens.granted));
            }
            let help = "How long requests for OAuth tokens of the Venafi client took, in seconds.";
            let mut family = text.family("venafi_oauth_token_request_duration_seconds", Kind::Histogram, help);
            tokens.took.render(&mut family, &[]);
        });
    }
}

/// Requests for tokens of Venafi's services.
#[derive(Debug)]
struct Tokens {
    granted: u64,
    refused: u64,
    took: Histogram,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { granted: 0, refused: 0, took: Histogram::with(&TOKEN_BOUNDS) }
    }
}

fn render_counts(text: &mut Text, name: &str, help: &str, label: &str, counts: &Mutex<BTreeMap<&'static str, u64>>) {
    let mut family = text.family(name, Kind::Counter, help);
    with(counts, |all| {
        for (value, count) in &*all {
            family.sample(&[(label, value)], number(*count));
        }
    });
}

/// Durations in buckets.
#[derive(Debug)]
struct Histogram {
    bounds: &'static [(f64, &'static str)],
    buckets: Box<[u64]>,
    count: u64,
    sum: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::with(&BOUNDS)
    }
}

impl Histogram {
    fn with(bounds: &'static [(f64, &'static str)]) -> Self {
        Self { bounds, buckets: vec![0; bounds.len()].into(), count: 0, sum: Duration::ZERO }
    }

    fn add(&mut self, took: Duration) {
        for (bucket, (bound, _)) in self.buckets.iter_mut().zip(self.bounds) {
            *bucket += u64::from(took.as_secs_f64() <= *bound);
        }
        self.count += 1;
        self.sum += took;
    }

    fn render(&self, family: &mut Family<'_>, labels: &[(&str, &str)]) {
        for (count, (_, bound)) in self.buckets.iter().zip(self.bounds) {
            family.part("_bucket", labels, Some(("le", bound)), number(*count));
        }
        family.part("_bucket", labels, Some(("le", "+Inf")), number(self.count));
        family.part("_sum", labels, None, self.sum.as_secs_f64());
        family.part("_count", labels, None, number(self.count));
    }
}

/// Durations, and the quantiles of the last ones.
#[derive(Debug, Default)]
struct Summary {
    last: VecDeque<Duration>,
    count: u64,
    sum: Duration,
}

impl Summary {
    fn add(&mut self, took: Duration) {
        if self.last.len() == WINDOW {
            self.last.pop_front();
        }
        self.last.push_back(took);
        self.count += 1;
        self.sum += took;
    }

    fn render(&self, family: &mut Family<'_>, labels: &[(&str, &str)]) {
        let mut sorted: Vec<Duration> = self.last.iter().copied().collect();
        sorted.sort_unstable();
        for (percent, name) in [(50, "0.5"), (90, "0.9"), (99, "0.99")] {
            let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
            let value = sorted.get(rank).map_or(f64::NAN, Duration::as_secs_f64);
            family.part("", labels, Some(("quantile", name)), value);
        }
        family.part("_sum", labels, None, self.sum.as_secs_f64());
        family.part("_count", labels, None, number(self.count));
    }
}

fn labels(issuer: &Issuer) -> [(&str, &str); 3] {
    [("issuer_group", &issuer.group), ("issuer_kind", &issuer.kind), ("issuer_name", &issuer.name)]
}

fn acme_labels([action, host, method, scheme, status]: &[String; 5]) -> [(&str, &str); 5] {
    [("action", action), ("host", host), ("method", method), ("scheme", scheme), ("status", status)]
}

fn with<T, R>(shared: &Mutex<T>, f: impl FnOnce(&mut T) -> R) -> R {
    f(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Upper bounds in seconds, and how they are written: from an authority in this process to one that looks at DNS for an hour.
const BOUNDS: [(f64, &str); 15] = [
    (0.05, "0.05"),
    (0.1, "0.1"),
    (0.25, "0.25"),
    (0.5, "0.5"),
    (1.0, "1"),
    (2.5, "2.5"),
    (5.0, "5"),
    (10.0, "10"),
    (30.0, "30"),
    (60.0, "60"),
    (120.0, "120"),
    (300.0, "300"),
    (600.0, "600"),
    (1800.0, "1800"),
    (3600.0, "3600"),
];

/// cert-manager's buckets for tokens of Venafi's services.
const TOKEN_BOUNDS: [(f64, &str); 11] = [
    (0.01, "0.01"),
    (0.025, "0.025"),
    (0.05, "0.05"),
    (0.1, "0.1"),
    (0.25, "0.25"),
    (0.5, "0.5"),
    (1.0, "1"),
    (2.5, "2.5"),
    (5.0, "5"),
    (10.0, "10"),
    (30.0, "30"),
];

/// cert-manager's status of a call without an answer.
const NO_ANSWER: u16 = 999;

/// How many of the last durations quantiles are taken from.
const WINDOW: usize = 128;

/// How many servers, actions and statuses are told apart: issuers are made by users, and their servers answer what they like.
const SERIES: usize = 2_000;
