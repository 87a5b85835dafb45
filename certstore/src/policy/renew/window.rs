//! Windows in which a certificate may be renewed.

use std::time::Duration;

use acme_core::text::printable;
use acme_core::{Error, ErrorKind, Timestamp};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::cron::Cron;

/// A window in which a certificate may be renewed: what an entry of cert-manager's `renewal.windows` says. Give it to
/// [`Preferences::with_window`](super::Preferences::with_window).
///
/// It opens in each minute in which a clock on a wall of the time zone shows what the cron expression names: where the clock is put forward, what it
/// leaves out does not come; where it is put back, what it shows twice comes twice.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use acme_core::Timestamp;
/// use certwright_certstore::policy::renew::RenewalWindow;
///
/// let window = RenewalWindow::new("0 2 * * sat", Some("Europe/Berlin"), Duration::from_secs(7200))?;
/// let opens = window.opens(Timestamp::parse_rfc3339("2026-07-01T00:00:00Z")?, Timestamp::MAX);
/// assert_eq!(opens.map(|it| it.to_string()).as_deref(), Some("2026-07-04T00:00:00Z"));
/// # Ok::<(), acme_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalWindow {
    cron: Cron,
    zone: TimeZone,
    length: Duration,
}

impl RenewalWindow {
    /// A window that opens when the five fields of `cron` say so (minute, hour, day of the month, month, day of the week) in the time zone with this IANA
    /// name, UTC for want of one, and that is open for `length`.
    ///
    /// # Errors
    /// `Malformed` when the expression cannot be read, in the words of cert-manager's cron; the time zone is unknown; or the window is never open.
    pub fn new(cron: &str, time_zone: Option<&str>, length: Duration) -> Result<Self, Error> {
        let cron = Cron::parse(cron)?;
        let zone = match time_zone.unwrap_or_default() {
            "" | "UTC" => TimeZone::UTC,
            name => TimeZoneDatabase::bundled().get(name).map_err(|_| {
                Error::new(ErrorKind::Malformed, format!("unknown time zone {:?}", printable(name, ZONE_SHOWN)))
            })?,
        };
        if length.is_zero() {
            return Err(Error::new(ErrorKind::Malformed, "a renewal window must be open for some time"));
        }
        Ok(Self { cron, zone, length })
    }

    /// When it opens for the first time from `from` on, if it does before `until` and within
    /// [`RENEWAL_WINDOW_YEARS`](crate::limits::RENEWAL_WINDOW_YEARS).
    pub fn opens(&self, from: Timestamp, until: Timestamp) -> Option<Timestamp> {
        self.cron.first(&self.zone, from, until)
    }

    /// Whether it is open at `at`; the end of a window belongs to it.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.opens(at - self.length, at + INSTANT).is_some()
    }
}

/// The first instant from `wanted` on, and before `end`, at which one of `windows` is open.
pub(super) fn earliest(windows: &[RenewalWindow], wanted: Timestamp, end: Timestamp) -> Option<Timestamp> {
    if windows.iter().any(|window| window.is_open(wanted)) {
        return Some(wanted);
    }
    windows.iter().filter_map(|window| window.opens(wanted, end)).min()
}

/// The shortest time that a `Timestamp` tells apart.
const INSTANT: Duration = Duration::from_millis(1);

/// How much of an unknown time zone's name is shown; the longest IANA name has 32 letters.
const ZONE_SHOWN: usize = 64;
