//! Times of X.509 (RFC 5280 section 4.1.2.5): two digits of the year until 2049, four from then on.

use acme_core::Timestamp;
use acme_core::der::{GENERALIZED_TIME, Reader, UTC_TIME};

/// The next value, a time of either form; years before 1970 become 1970.
pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Timestamp> {
    let value = reader.any()?;
    let (year, rest) = match (value.tag, value.content) {
        (UTC_TIME, [a, b, rest @ ..]) => {
            let short = number([*a, *b])?;
            (if short < 50 { 2000 + short } else { 1900 + short }, rest)
        }
        (GENERALIZED_TIME, [a, b, c, d, rest @ ..]) => (number([*a, *b])? * 100 + number([*c, *d])?, rest),
        _ => return None,
    };
    let [m1, m2, d1, d2, h1, h2, n1, n2, s1, s2, b'Z'] = rest else { return None };
    let (month, day) = (number([*m1, *m2])?, number([*d1, *d2])?);
    let (hour, minute, second) = (number([*h1, *h2])?, number([*n1, *n2])?, number([*s1, *s2])?);
    let sound = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    sound.then(|| {
        let seconds = ((days_before(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        Timestamp::from_unix_seconds(seconds)
    })
}

fn number([tens, ones]: [u8; 2]) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to this day of the Gregorian calendar; years begin in March, so that the leap day is the last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use acme_core::der;

    fn read_text(tag: u8, text: &str) -> Option<String> {
        read(&mut Reader::new(&der::write(tag, text.as_bytes()))).map(|at| at.to_string())
    }

    #[test]
    fn both_forms_are_read() {
        for (tag, text, meaning) in [
            (UTC_TIME, "700101000000Z", "1970-01-01T00:00:00Z"),
            (UTC_TIME, "491231235959Z", "2049-12-31T23:59:59Z"),
            (UTC_TIME, "240229120000Z", "2024-02-29T12:00:00Z"),
            (UTC_TIME, "500101000000Z", "1970-01-01T00:00:00Z"),
            (GENERALIZED_TIME, "20500101000000Z", "2050-01-01T00:00:00Z"),
            (GENERALIZED_TIME, "21000228235959Z", "2100-02-28T23:59:59Z"),
            (GENERALIZED_TIME, "99991231235959Z", "9999-12-31T23:59:59Z"),
            (GENERALIZED_TIME, "00000101000000Z", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(read_text(tag, text).as_deref(), Some(meaning), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (tag, text) in [
            (UTC_TIME, "7001010000Z"),
            (UTC_TIME, "700101000000+0000"),
            (UTC_TIME, "230229000000Z"),
            (UTC_TIME, "231301000000Z"),
            (UTC_TIME, "230100000000Z"),
            (UTC_TIME, "230101240000Z"),
            (UTC_TIME, "2301010000 0Z"),
            (GENERALIZED_TIME, "20230101000000.5Z"),
            (GENERALIZED_TIME, "21000229000000Z"),
            (GENERALIZED_TIME, ""),
            (0x04, "20230101000000Z"),
        ] {
            assert_eq!(read_text(tag, text), None, "{text}");
        }
    }
}
