//! Points in time as the whole family speaks of them, and the port that tells the time.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Error, ErrorKind};

/// A point in time, UTC, to the millisecond. Printed and stored as RFC 3339.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    millis: i64,
}

impl Timestamp {
    /// The earliest time that can be expressed: 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self { millis: 0 };
    /// The latest time that can be expressed: 9999-12-31T23:59:59.999Z (the end of X.509 and RFC 3339 time).
    pub const MAX: Self = Self { millis: 253_402_300_799_999 };

    /// Milliseconds since 1970-01-01T00:00:00Z; what lies outside [`EPOCH`](Self::EPOCH)..[`MAX`](Self::MAX) is cut to it.
    pub const fn from_unix_millis(millis: i64) -> Self {
        if millis < 0 {
            Self::EPOCH
        } else if millis > Self::MAX.millis {
            Self::MAX
        } else {
            Self { millis }
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z; what lies outside [`EPOCH`](Self::EPOCH)..[`MAX`](Self::MAX) is cut to it.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_unix_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_millis(self) -> i64 {
        self.millis
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub const fn unix_seconds(self) -> i64 {
        self.millis / 1000
    }

    /// Reads RFC 3339, as ACME objects carry it.
    ///
    /// # Errors
    /// `Malformed` when the text is not RFC 3339.
    pub fn parse_rfc3339(text: &str) -> Result<Self, Error> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|source| Error::new(ErrorKind::Malformed, "not a time of RFC 3339").with_source(source))?;
        Ok(Self::from_unix_millis(i64::try_from(parsed.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)))
    }

    /// Reads an HTTP date (RFC 9110 section 5.6.7), as `Date` and `Retry-After` carry it.
    ///
    /// # Errors
    /// `Malformed` when the text is none of the three forms.
    pub fn parse_http_date(text: &str) -> Result<Self, Error> {
        let parsed = httpdate::parse_http_date(text)
            .map_err(|source| Error::new(ErrorKind::Malformed, "not an HTTP date").with_source(source))?;
        Ok(Self::from(parsed))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.millis - earlier.millis).unwrap_or(0))
    }

    /// Is this time reached at `now`?
    pub fn is_due(self, now: Self) -> bool {
        self <= now
    }

    fn to_offset(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.millis) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.millis.saturating_add(span))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.millis.saturating_sub(span))
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(at: std::time::SystemTime) -> Self {
        match at.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => Self::EPOCH + since,
            Err(_) => Self::EPOCH,
        }
    }
}

impl From<Timestamp> for std::time::SystemTime {
    fn from(at: Timestamp) -> Self {
        Self::UNIX_EPOCH + at.since(Timestamp::EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_offset().format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).map_err(de::Error::custom)
    }
}

/// Tells the time.
///
/// # Contract
/// 1. `now` answers at once and never goes through a lock that waits for I/O.
/// 2. Time may jump either way; callers compare, they never assume progress.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_times_are_read_back() {
        for millis in [0, 1, 999, 1_767_323_045_000, 1_767_323_045_120, Timestamp::MAX.millis] {
            let at = Timestamp::from_unix_millis(millis);
            assert_eq!(Timestamp::parse_rfc3339(&at.to_string()).unwrap(), at);
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH - Duration::from_secs(1), Timestamp::EPOCH);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Duration::ZERO);
    }

    #[test]
    fn all_three_http_dates_are_read() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(Timestamp::parse_http_date(text).unwrap().unix_seconds(), 784_111_777);
        }
    }
}
