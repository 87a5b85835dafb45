//! Spans of time, as Go writes them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A span of time as Go writes it, for example `2160h` or `1h30m0s`. Text of any other form is kept as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GoDuration(String);

impl GoDuration {
    /// The span; `None` where it is negative or the text could not be read.
    pub fn duration(&self) -> Option<Duration> {
        self.nanoseconds().and_then(|nanoseconds| u64::try_from(nanoseconds).ok()).map(Duration::from_nanos)
    }

    /// The span in nanoseconds, which may be negative; `None` where the text could not be read.
    pub fn nanoseconds(&self) -> Option<i64> {
        parse(&self.0)
    }

    /// The span of so many nanoseconds, as Go would write it.
    pub fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self(print(nanoseconds))
    }

    /// The span as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The span as Go itself would write it, for example `2160h0m0s`; the text as it is where it could not be read.
    #[must_use]
    pub fn canonical(&self) -> Self {
        match self.nanoseconds() {
            Some(nanoseconds) => Self(print(nanoseconds)),
            None => self.clone(),
        }
    }
}

impl From<Duration> for GoDuration {
    fn from(span: Duration) -> Self {
        Self(print(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl From<&str> for GoDuration {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanoseconds)| *nanoseconds)?;
        if !whole.is_empty() {
            total = total.checked_add(whole.parse::<i64>().ok().map(i128::from)?.checked_mul(unit)?)?;
        }
        // Digits below a nanosecond say nothing; 18 are more than the longest unit has.
        let fraction = &fraction[..fraction.len().min(18)];
        if !fraction.is_empty() {
            let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
            total += fraction.parse::<i128>().ok()? * unit / scale;
        }
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn print(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let span = nanoseconds.unsigned_abs();
    match span {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{span}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(span, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(span, 1_000_000)),
        _ => {
            let minutes = span / MINUTE;
            let seconds = decimal(span % MINUTE, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

fn decimal(span: u64, unit: u64) -> String {
    if span.is_multiple_of(unit) {
        return (span / unit).to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{}.{:0width$}", span / unit, span % unit).trim_end_matches('0').to_owned()
}

const MINUTE: u64 = 60_000_000_000;

const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_go_writes_them() {
        for (text, canonical) in [
            ("2160h", "2160h0m0s"),
            ("90m", "1h30m0s"),
            ("1.5h", "1h30m0s"),
            ("60s", "1m0s"),
            ("1h1ms", "1h0m0.001s"),
            ("1500ms", "1.5s"),
            ("0", "0s"),
            ("-90s", "-1m30s"),
            ("1us", "1µs"),
            ("1.5us", "1.5µs"),
            ("10ns", "10ns"),
            ("1.000000001s", "1.000000001s"),
            ("tomorrow", "tomorrow"),
        ] {
            assert_eq!(GoDuration::from(text).canonical().as_str(), canonical, "{text}");
        }
    }

    #[test]
    fn text_that_is_no_span_is_none() {
        for text in ["", "-", "1", "h", "1d", "1h ", ".h", "9223372036854775808ns"] {
            assert_eq!(GoDuration::from(text).nanoseconds(), None, "{text}");
        }
    }
}
