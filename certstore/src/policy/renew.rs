//! When a certificate is renewed.

use std::fmt;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::backoff::{Backoff, fraction};
use acme_core::protocol::{CertificateId, RenewalInfo, Window};
use issuers::RenewalAnswer;
use issuers::chain::Leaf;

use crate::record::RenewalPlan;

#[cfg(feature = "windows")]
mod cron;
mod preferences;
#[cfg(feature = "windows")]
mod window;

pub use preferences::{Lead, OfAge, Preferences, Validity};
#[cfg(feature = "windows")]
pub use window::RenewalWindow;

/// When to renew, and why then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Due {
    /// The time.
    pub at: Timestamp,
    /// The reason.
    pub reason: Reason,
}

/// Why a certificate is renewed at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A third of the lifetime is left; half of it when the lifetime is under ten days.
    Schedule,
    /// The certificate authority suggests a window with this instant in it (RFC 9773).
    Suggested,
    /// A twentieth of the lifetime is left, whatever was suggested.
    Emergency,
    /// Its owner wants it then: see [`Preferences`].
    Wanted,
    /// A window that its owner named is open then, for the first time since it was wanted or suggested.
    Window,
    /// It is wanted or suggested then, and no window that its owner named opens between then and the end.
    NoWindow,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Schedule => "by the schedule: a third of the lifetime, or half of a short one",
            Self::Suggested => "in the window that the certificate authority suggests",
            Self::Emergency => "because little of the lifetime is left",
            Self::Wanted => "when its owner wants it",
            Self::Window => "as soon as a window that its owner named is open",
            Self::NoWindow => "outside the windows that its owner named, none of which opens in time",
        })
    }
}

/// When to renew a certificate. `plan` counts only when it speaks of this very certificate.
pub fn due(leaf: &Leaf, plan: Option<&RenewalPlan>) -> Due {
    match suggested(leaf, plan) {
        Some(at) => heeded(at, Validity::of(leaf)),
        None => Due { at: scheduled(leaf), reason: Reason::Schedule },
    }
}

/// The instant chosen in the window that the certificate authority suggests for this very certificate, if it suggests one.
pub fn suggested(leaf: &Leaf, plan: Option<&RenewalPlan>) -> Option<Timestamp> {
    plan.filter(|plan| leaf.id.as_ref() == Some(&plan.certificate)).and_then(|plan| plan.chosen)
}

/// A suggestion, as far as it leaves a twentieth of the lifetime.
fn heeded(at: Timestamp, validity: Validity) -> Due {
    let emergency = validity.not_after - validity.lifetime() / 20;
    if at <= emergency {
        Due { at, reason: Reason::Suggested }
    } else {
        Due { at: emergency, reason: Reason::Emergency }
    }
}

/// When to renew without a suggestion: with a third of the lifetime left, or half when it is under ten days; up to a fiftieth
/// of the lifetime earlier, so that those issued together do not renew together. Each certificate has its own instant, always the same.
pub fn scheduled(leaf: &Leaf) -> Timestamp {
    let lifetime = lifetime(leaf);
    let left = if lifetime < SHORT { lifetime / 2 } else { lifetime / 3 };
    let spread = (lifetime / 50).mul_f64(fraction(leaf.serial.as_bytes()));
    (leaf.not_after - left - spread).max(leaf.not_before)
}

/// What is kept of an answer about renewal: the window, the instant chosen in it, and when to ask again (not sooner than a minute, not
/// later than a day). The instant is spread by the certificate's id, so the same window gives the same instant to everybody; one in the past means now.
pub fn answered(certificate: CertificateId, answer: RenewalAnswer, now: Timestamp) -> RenewalPlan {
    answered_again(certificate, None, answer, now)
}

/// As [`answered`], where something was `known` before: the instant that was chosen stays as long as it lies in the window, so that a window which moves
/// a little moves nothing that people read.
pub fn answered_again(
    certificate: CertificateId,
    known: Option<&RenewalPlan>,
    answer: RenewalAnswer,
    now: Timestamp,
) -> RenewalPlan {
    let RenewalInfo { suggested_window: window, explanation_url, .. } = answer.info;
    let pause = answer.again.since(now).clamp(Duration::from_secs(60), Duration::from_secs(24 * 3600));
    let kept = known.filter(|known| known.certificate == certificate).and_then(|known| known.chosen);
    let chosen = kept.filter(|at| (window.start..=window.end).contains(at));
    RenewalPlan {
        chosen: Some(chosen.unwrap_or_else(|| instant_in(&window, &certificate))),
        window: Some(window),
        explanation_url,
        poll_at: now + pause,
        failures: 0,
        certificate,
    }
}

/// What is kept when the question about renewal failed: what was known of this certificate, and a later question (growing pauses, six hours at most).
pub fn unanswered(
    certificate: CertificateId,
    known: Option<RenewalPlan>,
    asked_for: Option<Duration>,
    now: Timestamp,
) -> RenewalPlan {
    let known = known.filter(|known| known.certificate == certificate);
    let failures = known.as_ref().map_or(0, |known| known.failures).saturating_add(1);
    let pause = asked_for.unwrap_or_else(|| POLLS.pause(failures, certificate.as_str()));
    let (window, chosen, explanation_url) = match known {
        Some(known) => (known.window, known.chosen, known.explanation_url),
        None => (None, None, None),
    };
    RenewalPlan {
        certificate,
        window,
        chosen,
        explanation_url,
        poll_at: now + pause.max(Duration::from_secs(60)),
        failures,
    }
}

/// The instant of a window at which this certificate is renewed: spread by its id, and the same for everybody who asks.
pub fn instant_in(window: &Window, certificate: &CertificateId) -> Timestamp {
    let span = window.end.since(window.start);
    window.start + span.mul_f64(fraction(certificate.as_str().as_bytes()))
}

/// How long a certificate is valid in all.
pub fn lifetime(leaf: &Leaf) -> Duration {
    leaf.not_after.since(leaf.not_before)
}

/// Lifetimes under this are short: there, half is kept in hand.
pub const SHORT: Duration = Duration::from_secs(10 * 24 * 3600);

const POLLS: Backoff = Backoff::new(Duration::from_secs(60), Duration::from_secs(6 * 3600));
