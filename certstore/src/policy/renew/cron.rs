//! Cron expressions, as cert-manager takes them: five fields, and nothing else.

use acme_core::text::printable;
use acme_core::{Error, ErrorKind, Timestamp};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Span, ToSpan as _};

use crate::limits;

/// A cron expression: which minutes a clock on a wall must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

impl Cron {
    /// Reads the five fields: minute, hour, day of the month, month, day of the week. Each is a list, parted by commas, of values, ranges (`1-5`), `*` or `?`,
    /// all with a step if need be (`*/15`); months and weekdays have English names of three letters.
    ///
    /// # Errors
    /// `Malformed`, in the words of cert-manager's cron.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > limits::CRON {
            return Err(refused(format!("a cron expression has {} octets at most", limits::CRON)));
        }
        if text.is_empty() {
            return Err(refused("empty spec string".to_owned()));
        }
        let text = text.trim();
        if text.starts_with('@') {
            return Err(refused(format!("parser does not accept descriptors: {text}")));
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err(refused(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" "))));
        };
        Ok(Self {
            minutes: MINUTES.read(minutes)?,
            hours: HOURS.read(hours)?,
            days: DAYS.read(days)?,
            months: MONTHS.read(months)?,
            weekdays: WEEKDAYS.read(weekdays)?,
        })
    }

    /// The first instant in `from..until` at which a clock in `zone` begins to show a minute that is named.
    pub(super) fn first(&self, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Option<Timestamp> {
        if until <= from {
            return None;
        }
        let shown = |at: Timestamp| jiff::Timestamp::from_second(at.unix_seconds()).ok().map(|at| zone.to_datetime(at));
        let begin = Begin { at: from, shown: shown(from)? };
        // A clock that is put back across midnight shows the day before once more.
        let today = begin.shown.date();
        let end = shown(until).map_or(Date::MAX, DateTime::date).saturating_add(1.day());
        let last = end.min(today.saturating_add(Span::new().years(limits::RENEWAL_WINDOW_YEARS)));
        let mut date = today.saturating_sub(1.day());
        while date <= last {
            let next = date.saturating_add(1.day());
            if let Some(found) = self.first_of(date, zone, begin) {
                let found = self.first_of(next, zone, begin).map_or(found, |it| it.min(found));
                return (found < until).then_some(found);
            }
            if next == date {
                break;
            }
            date = next;
        }
        None
    }

    /// The first instant of `date` from `begin` on.
    fn first_of(&self, date: Date, zone: &TimeZone, begin: Begin) -> Option<Timestamp> {
        if !self.names(date) {
            return None;
        }
        let hours = HOURS.all(self.hours);
        let mut times = hours.flat_map(|hour| MINUTES.all(self.minutes).map(move |minute| date.at(hour, minute, 0, 0)));
        let in_time = |at: &Timestamp| *at >= begin.at;
        if is_even(date, zone) {
            let from = times.find(|shown| *shown >= begin.shown)?;
            std::iter::once(from).chain(times).flat_map(|it| instants(it, zone)).find(in_time)
        } else {
            times.flat_map(|shown| instants(shown, zone)).filter(in_time).min()
        }
    }

    /// Whether days like this one are named. Where both the day of the month and that of the week are restricted, either is enough.
    fn names(&self, date: Date) -> bool {
        let month = self.months.has(date.month());
        let day = self.days.has(date.day());
        let weekday = self.weekdays.has(date.weekday().to_sunday_zero_offset());
        let either = self.days.restricts && self.weekdays.restricts;
        month && if either { day || weekday } else { day && weekday }
    }
}

/// Where a search begins: the instant, and what a clock shows then.
#[derive(Clone, Copy)]
struct Begin {
    at: Timestamp,
    shown: DateTime,
}

/// Whether a clock in `zone` is neither put forward nor back on this day: then it shows every time once, in order.
fn is_even(date: Date, zone: &TimeZone) -> bool {
    let offset = |date: Date| zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).offset();
    match (offset(date), offset(date.saturating_add(1.day()))) {
        (AmbiguousOffset::Unambiguous { offset }, AmbiguousOffset::Unambiguous { offset: after }) => offset == after,
        _ => false,
    }
}

/// When a clock in `zone` shows this: once, never, or twice.
fn instants(shown: DateTime, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
    let (once, again) = match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } => (Some(offset), None),
        AmbiguousOffset::Gap { .. } => (None, None),
        AmbiguousOffset::Fold { before, after } => (Some(before), Some(after)),
    };
    let at =
        move |offset: Offset| offset.to_timestamp(shown).ok().map(|it| Timestamp::from_unix_seconds(it.as_second()));
    once.into_iter().chain(again).filter_map(at)
}

/// The values of a field that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    /// One bit each.
    values: u64,
    /// Whether it says more than `*`.
    restricts: bool,
}

impl Field {
    fn has(self, value: i8) -> bool {
        u32::try_from(value).ok().and_then(|it| self.values.checked_shr(it)).is_some_and(|it| it & 1 == 1)
    }
}

/// What a field may hold.
struct Bounds {
    least: i8,
    most: i8,
    names: &'static [&'static str],
}

impl Bounds {
    const fn new(least: i8, most: i8, names: &'static [&'static str]) -> Self {
        Self { least, most, names }
    }

    fn read(&self, text: &str) -> Result<Field, Error> {
        let mut field = Field { values: 0, restricts: true };
        for range in text.split(',').filter(|it| !it.is_empty()) {
            let read = self.range(range)?;
            field.values |= read.values;
            field.restricts &= read.restricts;
        }
        Ok(field)
    }

    /// Reads `*`, `?`, `5`, `1-5`, and each of them with `/2` behind.
    fn range(&self, text: &str) -> Result<Field, Error> {
        let (range, step) = match text.split_once('/') {
            None => (text, None),
            Some((range, step)) => (range, Some(step)),
        };
        let (low, high) = match range.split_once('-') {
            None => (range, None),
            Some((low, high)) => (low, Some(high)),
        };
        let is_star = low == "*" || low == "?";
        let (start, end) = if is_star {
            (i64::from(self.least), i64::from(self.most))
        } else {
            let start = self.value(low)?;
            match high {
                Some(high) if high.contains('-') => return Err(refused(format!("too many hyphens: {text}"))),
                Some(high) => (start, self.value(high)?),
                None if step.is_some() => (start, i64::from(self.most)),
                None => (start, start),
            }
        };
        let step = match step {
            None => 1,
            Some(step) if step.contains('/') => return Err(refused(format!("too many slashes: {text}"))),
            Some(step) => number(step)?,
        };
        let (least, most) = (i64::from(self.least), i64::from(self.most));
        if start < least {
            return Err(refused(format!("beginning of range ({start}) below minimum ({least}): {text}")));
        }
        if end > most {
            return Err(refused(format!("end of range ({end}) above maximum ({most}): {text}")));
        }
        if start > end {
            return Err(refused(format!("beginning of range ({start}) beyond end of range ({end}): {text}")));
        }
        let Some(step) = usize::try_from(step).ok().filter(|it| *it > 0) else {
            return Err(refused(format!("step of range should be a positive number: {text}")));
        };
        let values = (start..=end).step_by(step).fold(0, |values, value| values | (1 << value));
        Ok(Field { values, restricts: !is_star || step > 1 })
    }

    /// Reads a number or a name.
    fn value(&self, text: &str) -> Result<i64, Error> {
        match self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            Some(index) => Ok(i64::from(self.least) + i64::try_from(index).unwrap_or(0)),
            None => number(text),
        }
    }

    /// The values of `field`, in order.
    fn all(&self, field: Field) -> impl Iterator<Item = i8> + use<> {
        (self.least..=self.most).filter(move |value| field.has(*value))
    }
}

fn number(text: &str) -> Result<i64, Error> {
    use std::num::IntErrorKind;

    let number: i64 = text.parse().map_err(|error: std::num::ParseIntError| {
        let is_out_of_range = matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow);
        let reason = if is_out_of_range { "value out of range" } else { "invalid syntax" };
        refused(format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: {reason}"))
    })?;
    if number < 0 {
        return Err(refused(format!("negative number ({number}) not allowed: {text}")));
    }
    Ok(number)
}

fn refused(what: String) -> Error {
    Error::new(ErrorKind::Malformed, printable(&what, limits::CRON))
}

const MINUTES: Bounds = Bounds::new(0, 59, &[]);
const HOURS: Bounds = Bounds::new(0, 23, &[]);
const DAYS: Bounds = Bounds::new(1, 31, &[]);
const MONTHS: Bounds =
    Bounds::new(1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]);
const WEEKDAYS: Bounds = Bounds::new(0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]);
