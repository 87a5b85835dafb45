//! When the owner of a certificate wants it renewed: what cert-manager's `renewBefore`, `renewBeforePercentage` and `renewal` say.

use std::time::Duration;

use acme_core::Timestamp;
use issuers::chain::Leaf;

#[cfg(feature = "windows")]
use super::window::{RenewalWindow, earliest};
use super::{Due, Reason, heeded};

/// When the owner of a certificate wants it renewed; [`due`](Self::due) says when that is.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use acme_core::Timestamp;
/// use certwright_certstore::policy::renew::{Lead, Preferences, Validity};
///
/// let validity = Validity::new(Timestamp::parse_rfc3339("2026-01-01T00:00:00Z")?, Timestamp::parse_rfc3339("2026-04-01T00:00:00Z")?);
/// let preferences = Preferences::new().with_lead(Lead::new().with_before(Duration::from_secs(10 * 24 * 3600)));
/// let due = preferences.due(validity, None).expect("renewal is wanted");
/// assert_eq!(due.at.to_string(), "2026-03-22T00:00:00Z");
/// # Ok::<(), acme_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Preferences {
    /// How long before the end.
    pub lead: Lead,
    /// Whether at all.
    pub of_age: OfAge,
    /// When it may happen; empty is always.
    #[cfg(feature = "windows")]
    pub windows: Vec<RenewalWindow>,
}

impl Preferences {
    /// With a third of the lifetime left, at any time.
    pub fn new() -> Self {
        Self::default()
    }

    /// So long before the end.
    #[must_use]
    pub fn with_lead(mut self, lead: Lead) -> Self {
        self.lead = lead;
        self
    }

    /// Says whether age alone is a reason to renew.
    #[must_use]
    pub fn with_of_age(mut self, of_age: OfAge) -> Self {
        self.of_age = of_age;
        self
    }

    /// Inside this window, or another that was named.
    #[cfg(feature = "windows")]
    #[must_use]
    pub fn with_window(mut self, window: RenewalWindow) -> Self {
        self.windows.push(window);
        self
    }

    /// When a certificate of this validity is renewed, and why then; `None` when its owner does not want that. An instant that the certificate authority
    /// [`suggested`](super::suggested) goes before the lead, and windows before both.
    ///
    /// The answer does not depend on the time at which it is asked for, so it can be shown and compared: without a suggestion and windows it is
    /// cert-manager's `status.renewalTime` to the second. It is never before the certificate is valid, and never after its end. Of more windows than
    /// [`RENEWAL_WINDOWS`](crate::limits::RENEWAL_WINDOWS) those beyond do not count.
    pub fn due(&self, validity: Validity, suggested: Option<Timestamp>) -> Option<Due> {
        match self.of_age {
            OfAge::Kept => None,
            OfAge::Renewed => {
                let due = match suggested {
                    Some(at) => heeded(at, validity),
                    None => Due { at: self.lead.renewal(validity), reason: Reason::Wanted },
                };
                let at = due.at.min(validity.not_after).max(validity.not_before);
                Some(self.in_windows(Due { at, ..due }, validity))
            }
        }
    }

    #[cfg(feature = "windows")]
    fn in_windows(&self, due: Due, validity: Validity) -> Due {
        let windows = &self.windows[..self.windows.len().min(crate::limits::RENEWAL_WINDOWS)];
        if windows.is_empty() {
            return due;
        }
        match earliest(windows, due.at, validity.not_after) {
            Some(at) if at == due.at => due,
            Some(at) => Due { at, reason: Reason::Window },
            None => Due { reason: Reason::NoWindow, ..due },
        }
    }

    #[cfg(not(feature = "windows"))]
    fn in_windows(&self, due: Due, _: Validity) -> Due {
        due
    }
}

/// Whether age alone is a reason to renew: cert-manager's `renewal.policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum OfAge {
    /// It is renewed before its end (`RenewBefore`).
    #[default]
    Renewed,
    /// It is kept until its end, and after it (`Disabled`).
    Kept,
}

/// How long before its end a certificate is renewed. What does not fit its lifetime does not count; a third of the lifetime is left for want of anything better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Lead {
    /// So long before (`renewBefore`), if the lifetime is longer.
    pub before: Option<Duration>,
    /// With so much of the lifetime left (`renewBeforePercentage`), if that is between nothing and all of it.
    pub percentage: Option<u32>,
}

impl Lead {
    /// With a third of the lifetime left.
    pub fn new() -> Self {
        Self::default()
    }

    /// So long before the end.
    #[must_use]
    pub fn with_before(mut self, before: Duration) -> Self {
        self.before = Some(before);
        self
    }

    /// With so many percent of the lifetime left.
    #[must_use]
    pub fn with_percentage(mut self, percentage: u32) -> Self {
        self.percentage = Some(percentage);
        self
    }

    /// How long before the end of so long a life.
    pub fn of(self, lifetime: Duration) -> Duration {
        let before = self.before.filter(|it| !it.is_zero() && *it < lifetime);
        let percentage = self.percentage.filter(|it| (1..100).contains(it));
        match (before, percentage) {
            (Some(before), _) => before,
            (None, Some(percentage)) => {
                let nanos = lifetime.as_nanos() * u128::from(percentage) / 100;
                Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
            (None, None) => lifetime / 3,
        }
    }

    /// When a certificate of this validity is renewed: down to the whole second, as it stands in a status.
    fn renewal(self, validity: Validity) -> Timestamp {
        let lead = self.of(validity.lifetime().min(LONGEST));
        let seconds = lead.as_secs() + u64::from(lead.subsec_nanos() > 0);
        Timestamp::from_unix_seconds((validity.not_after - Duration::from_secs(seconds)).unix_seconds())
    }
}

/// From when until when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "complete by definition")]
pub struct Validity {
    /// Its first instant.
    pub not_before: Timestamp,
    /// Its last.
    pub not_after: Timestamp,
}

impl Validity {
    /// From one instant to another.
    pub fn new(not_before: Timestamp, not_after: Timestamp) -> Self {
        Self { not_before, not_after }
    }

    /// That of a certificate.
    pub fn of(leaf: &Leaf) -> Self {
        Self::new(leaf.not_before, leaf.not_after)
    }

    /// All of it.
    pub fn lifetime(self) -> Duration {
        self.not_after.since(self.not_before)
    }
}

/// Longer lifetimes count as this one: what 63 bits of nanoseconds hold, which is how cert-manager computes.
const LONGEST: Duration = Duration::from_nanos(i64::MAX as u64);
