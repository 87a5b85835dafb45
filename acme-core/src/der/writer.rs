//! The writer: one buffer, and lengths filled in afterwards.

use super::{BIT_STRING, BOOLEAN, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET, UTC_TIME};
use crate::{SignatureAlgorithm, Timestamp};

/// Writes one value after another into one buffer; lengths are filled in when the content is there.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

/// What `content` writes, into a buffer of this capacity.
pub fn build(capacity: usize, content: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer { out: Vec::with_capacity(capacity) };
    content(&mut writer);
    writer.out
}

impl Writer {
    /// Values that are DER already, byte for byte.
    pub fn raw(&mut self, values: &[u8]) {
        self.out.extend_from_slice(values);
    }

    /// A value with this content.
    pub fn value(&mut self, tag: u8, content: &[u8]) {
        self.nested(tag, |it| it.raw(content));
    }

    /// A value whose content `content` writes.
    pub fn nested(&mut self, tag: u8, content: impl FnOnce(&mut Self)) {
        self.out.extend_from_slice(&[tag, 0]);
        let start = self.out.len();
        content(self);
        let end = self.out.len();
        match u8::try_from(end - start) {
            Ok(short) if short < 0x80 => self.out[start - 1] = short,
            _ => {
                let octets = (end - start).to_be_bytes();
                let zeros = octets.iter().take_while(|it| **it == 0).count();
                let octets = &octets[zeros..];
                self.out[start - 1] = 0x80 | u8::try_from(octets.len()).unwrap_or(0x7f);
                self.out.resize(end + octets.len(), 0);
                self.out.copy_within(start..end, start + octets.len());
                self.out[start..start + octets.len()].copy_from_slice(octets);
            }
        }
    }

    /// A SEQUENCE whose content `content` writes.
    pub fn sequence(&mut self, content: impl FnOnce(&mut Self)) {
        self.nested(SEQUENCE, content);
    }

    /// A SET OF: DER wants its elements in ascending order.
    pub fn set_of(&mut self, mut elements: Vec<Vec<u8>>) {
        elements.sort();
        self.nested(SET, |it| elements.iter().for_each(|element| it.raw(element)));
    }

    /// A BIT STRING of whole octets.
    pub fn bit_string(&mut self, octets: &[u8]) {
        self.nested(BIT_STRING, |it| {
            it.raw(&[0]);
            it.raw(octets);
        });
    }

    /// A named bit list (X.680 section 22.7): bit 0 is the lowest of `bits`; trailing zeros are left out.
    pub fn named_bits(&mut self, bits: u16) {
        let octets = bits.reverse_bits().to_be_bytes();
        let unused = u8::try_from(bits.leading_zeros() % 8).unwrap_or_default();
        match octets {
            [0, 0] => self.value(BIT_STRING, &[0]),
            [first, 0] => self.value(BIT_STRING, &[unused, first]),
            [first, second] => self.value(BIT_STRING, &[unused, first, second]),
        }
    }

    /// An INTEGER from its magnitude, which may have leading zeros.
    pub fn unsigned(&mut self, magnitude: &[u8]) {
        let zeros = magnitude.iter().take_while(|it| **it == 0).count();
        let magnitude = &magnitude[zeros..];
        self.nested(INTEGER, |it| {
            if magnitude.first().is_none_or(|first| *first >= 0x80) {
                it.raw(&[0]);
            }
            it.raw(magnitude);
        });
    }

    /// An OBJECT IDENTIFIER from its content.
    pub fn object_identifier(&mut self, content: impl AsRef<[u8]>) {
        self.value(OBJECT_IDENTIFIER, content.as_ref());
    }

    /// BOOLEAN TRUE; FALSE is a default everywhere, and DER leaves defaults out.
    pub fn yes(&mut self) {
        self.value(BOOLEAN, &[0xff]);
    }

    /// What was signed, the algorithm and the signature: the SEQUENCE that certificates, signing requests, revocation lists and OCSP share.
    pub fn signed(&mut self, message: &[u8], algorithm: SignatureAlgorithm, signature: &[u8]) {
        self.sequence(|it| {
            it.raw(message);
            it.raw(algorithm.x509());
            it.bit_string(signature);
        });
    }

    /// A time as RFC 5280 section 4.1.2.5 wants it: UTCTime through 2049, GeneralizedTime from 2050 on, always to the second and in UTC.
    pub fn time(&mut self, at: Timestamp) {
        let digits = digits(at);
        match &digits {
            [b'2', b'0', b'0'..=b'4', ..] | [b'1', b'9', b'5'..=b'9', ..] => self.value(UTC_TIME, &digits[2..]),
            _ => self.value(GENERALIZED_TIME, &digits),
        }
    }

    /// A GeneralizedTime to the second, as OCSP has it whatever the year is (RFC 6960 section 4.2.2.1).
    pub fn generalized_time(&mut self, at: Timestamp) {
        self.value(GENERALIZED_TIME, &digits(at));
    }
}

/// `YYYYMMDDHHMMSSZ`, by the days of the proleptic Gregorian calendar, counted in eras of 400 years from 1 March of the year 0.
fn digits(at: Timestamp) -> [u8; 15] {
    const DAY: i64 = 24 * 60 * 60;
    let seconds = at.unix_seconds();
    let days = seconds.div_euclid(DAY) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let of_day = seconds.rem_euclid(DAY);
    let mut out = [b'Z'; 15];
    let fields = [
        (year, 0..4),
        (month, 4..6),
        (day, 6..8),
        (of_day / 3600, 8..10),
        (of_day / 60 % 60, 10..12),
        (of_day % 60, 12..14),
    ];
    for (mut value, places) in fields {
        for place in places.rev() {
            out[place] = b'0' + u8::try_from(value % 10).unwrap_or_default();
            value /= 10;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimal() {
        for (length, header) in [
            (0, &[4, 0][..]),
            (127, &[4, 0x7f]),
            (128, &[4, 0x81, 0x80]),
            (255, &[4, 0x81, 0xff]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
        ] {
            let content = vec![7; length];
            let written = build(0, |it| it.value(crate::der::OCTET_STRING, &content));
            assert_eq!(written[..header.len()], *header);
            assert_eq!(written[header.len()..], content);
        }
    }

    #[test]
    fn integers_are_minimal_and_not_negative() {
        for (magnitude, written) in [
            (&[][..], &[2, 1, 0][..]),
            (&[0, 0], &[2, 1, 0]),
            (&[0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[0, 0, 1, 0], &[2, 2, 1, 0]),
        ] {
            assert_eq!(build(0, |it| it.unsigned(magnitude)), written);
        }
    }

    #[test]
    fn named_bits_lose_their_trailing_zeros() {
        for (bits, written) in [
            (0, &[3, 1, 0][..]),
            (0b1, &[3, 2, 7, 0x80]),
            (0b101, &[3, 2, 5, 0xa0]),
            (0b110_0000, &[3, 2, 1, 0x06]),
            (0b1000_0000, &[3, 2, 0, 0x01]),
            (0b1_0000_0000, &[3, 3, 7, 0x00, 0x80]),
        ] {
            assert_eq!(build(0, |it| it.named_bits(bits)), written, "{bits:b}");
        }
    }

    #[test]
    fn a_set_is_in_ascending_order() {
        let elements = vec![vec![4, 2, 0, 0], vec![4, 1, 9], vec![4, 1, 1]];
        assert_eq!(build(0, |it| it.set_of(elements)), [0x31, 10, 4, 1, 1, 4, 1, 9, 4, 2, 0, 0]);
    }

    #[test]
    fn times_change_their_form_in_2050() {
        for (text, tag, written) in [
            ("1970-01-01T00:00:00Z", UTC_TIME, "700101000000Z"),
            ("2000-02-29T23:59:59Z", UTC_TIME, "000229235959Z"),
            ("2026-12-31T00:00:00.999Z", UTC_TIME, "261231000000Z"),
            ("2049-12-31T23:59:59Z", UTC_TIME, "491231235959Z"),
            ("2050-01-01T00:00:00Z", GENERALIZED_TIME, "20500101000000Z"),
            ("2100-03-01T12:34:56Z", GENERALIZED_TIME, "21000301123456Z"),
            ("9999-12-31T23:59:59Z", GENERALIZED_TIME, "99991231235959Z"),
        ] {
            let written = [&[tag, u8::try_from(written.len()).unwrap()], written.as_bytes()].concat();
            assert_eq!(build(0, |it| it.time(Timestamp::parse_rfc3339(text).unwrap())), written, "{text}");
        }
    }

    #[test]
    fn every_day_has_its_date() {
        for day in (0..2_932_896_i64).step_by(13) {
            let at = Timestamp::from_unix_seconds(day * 86_400 + day % 86_400);
            let text: String = at.to_string().chars().filter(char::is_ascii_digit).collect();
            assert_eq!(digits(at)[..14], *text.as_bytes(), "{at}");
        }
    }
}
