//! Amounts of a resource, as Kubernetes writes them.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of a resource, for example `100m` or `64Mi`, kept as it was read: a number or a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    text: String,
    number: Option<serde_json::Number>,
}

impl Quantity {
    /// The amount as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Can Kubernetes read it?
    pub fn is_valid(&self) -> bool {
        Amount::parse(&self.text).is_some()
    }

    /// The amount as Kubernetes itself would write it, for example `1Gi` for `1024Mi`; as it is where it could not be read.
    #[must_use]
    pub fn canonical(&self) -> Self {
        match Amount::parse(&self.text) {
            Some(amount) if !amount.settled => Self { text: amount.print(), number: None },
            Some(_) => Self::from(self.text.as_str()),
            None => self.clone(),
        }
    }
}

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), number: None }
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.number {
            Some(number) => number.serialize(serializer),
            None => serializer.serialize_str(&self.text),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<'a> {
            Text(Cow<'a, str>),
            Number(serde_json::Number),
        }

        Ok(match Either::deserialize(deserializer)? {
            Either::Text(text) => Self { text: text.into_owned(), number: None },
            Either::Number(number) => Self { text: number.to_string(), number: Some(number) },
        })
    }
}

/// An amount in billionths, the form it was given in, and whether Kubernetes would leave its text alone.
struct Amount {
    nano: i128,
    form: Form,
    settled: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Decimal,
    Exponent,
    Binary,
}

impl Amount {
    fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (negative, number) = match number.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole = whole.trim_start_matches('0');
        let digits = format!("{}{fraction}", if whole.is_empty() { "0" } else { whole });
        let mantissa: i128 = digits.parse().ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
        let (form, factor) = factor(suffix)?;
        let scaled = mantissa.checked_mul(factor)?;
        let divisor = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        // What is smaller than a billionth counts as one.
        let nano = scaled / divisor + i128::from(scaled % divisor != 0);
        let settled = match form {
            Form::Binary => fraction.is_empty() && mantissa % 8 != 0,
            Form::Decimal | Form::Exponent => {
                let odd = fraction.len() % 3 != exponent(factor) % 3;
                !odd && !digits.ends_with("000") && !digits.starts_with('0')
            }
        };
        Some(Self { nano: if negative { -nano } else { nano }, form, settled })
    }

    fn print(&self) -> String {
        let whole = self.nano / NANO;
        if self.form == Form::Binary && self.nano % NANO == 0 && whole.abs() >= 1024 {
            let (number, times) = divide(whole, 1024, BINARY.len() - 1);
            return format!("{number}{}", BINARY[times]);
        }
        let (number, times) = divide(self.nano, 1000, DECIMAL.len() - 1);
        match (self.form, times) {
            _ if number == 0 => "0".to_owned(),
            (Form::Exponent, times) if !DECIMAL[times].is_empty() => format!("{number}e{}", EXPONENTS[times]),
            (Form::Exponent | Form::Decimal | Form::Binary, _) => format!("{number}{}", DECIMAL[times]),
        }
    }
}

/// How many billionths one of `suffix` is.
fn factor(suffix: &str) -> Option<(Form, i128)> {
    if let Some(times) = DECIMAL.iter().position(|known| *known == suffix) {
        return Some((Form::Decimal, 1000_i128.pow(u32::try_from(times).ok()?)));
    }
    if let Some(times) = BINARY.iter().position(|known| *known == suffix) {
        return Some((Form::Binary, NANO * 1024_i128.pow(u32::try_from(times).ok()?)));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let exponent = u32::try_from(exponent.checked_add(9)?).ok()?;
    Some((Form::Exponent, 10_i128.checked_pow(exponent)?))
}

/// How many digits a power of ten has behind its first.
fn exponent(power: i128) -> usize {
    usize::try_from(power.ilog10()).unwrap_or(0)
}

/// Divides `number` by `base` as often as it goes without a rest, and at most `most` times.
fn divide(mut number: i128, base: i128, most: usize) -> (i128, usize) {
    let mut times = 0;
    while number != 0 && number % base == 0 && times < most {
        number /= base;
        times += 1;
    }
    (number, times)
}

const NANO: i128 = 1_000_000_000;
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const EXPONENTS: [i32; 10] = [-9, -6, -3, 0, 3, 6, 9, 12, 15, 18];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_kubernetes_writes_them() {
        for (text, canonical) in [
            ("100m", "100m"),
            ("0.1", "100m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("12000", "12k"),
            ("64Mi", "64Mi"),
            ("1024Mi", "1Gi"),
            ("0.5Gi", "512Mi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("1e3", "1e3"),
            ("1E6", "1E6"),
            ("1e0", "1e0"),
            ("1e4", "10e3"),
            ("12e5", "1200e3"),
            ("1e-3", "1e-3"),
            ("1000e-6", "1e-3"),
            ("1000000e3", "1e9"),
            ("0", "0"),
            ("0Mi", "0"),
            ("-1.5", "-1500m"),
            (".5", "500m"),
            ("2.", "2."),
            ("1023Ki", "1023Ki"),
            ("0.5Mi", "512Ki"),
            ("1.0001m", "1000100n"),
            ("1.00000000001", "1000000001n"),
            ("2048", "2048"),
            ("1.500", "1.500"),
            ("0100m", "0100m"),
            ("+5", "+5"),
            ("00", "0"),
            ("1e1", "10"),
            ("1E", "1E"),
            ("much", "much"),
            ("1.2.3", "1.2.3"),
        ] {
            assert_eq!(Quantity::from(text).canonical().as_str(), canonical, "{text}");
        }
    }
}
