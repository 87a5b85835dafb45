//! Values as cert-manager's manifests write them: Go's words for booleans, numbers and time spans.

use std::time::Duration;

use kube_adapter::crd::quantity::Quantity;

use crate::{Error, usage};

/// `true`, `false`, and Go's other words for them.
pub(crate) fn switch(text: &str) -> Result<bool, Error> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(usage(format!("{text:?} is neither true nor false"))),
    }
}

/// A whole number that is not negative.
pub(crate) fn integer(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| usage(format!("{text:?} is not a whole number")))
}

/// A number.
pub(crate) fn number(text: &str) -> Result<f64, Error> {
    text.parse().map_err(|_| usage(format!("{text:?} is not a number")))
}

/// A time span in Go's words: `90s`, `1h30m`, `1.5h`, `0`.
pub(crate) fn duration(text: &str) -> Result<Duration, Error> {
    let wrong = || usage(format!("{text:?} is not a time span such as 90s or 1h30m"));
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|it: char| !it.is_ascii_digit() && it != '.').ok_or_else(wrong)?;
        let amount: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit = rest.find(|it: char| it.is_ascii_digit() || it == '.').unwrap_or(rest.len());
        seconds += amount
            * match &rest[..unit] {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return Err(wrong()),
            };
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// An amount of a resource, such as `100m` or `64Mi`.
pub(crate) fn quantity(text: &str) -> Result<String, Error> {
    match Quantity::from(text).is_valid() {
        true => Ok(text.to_owned()),
        false => Err(usage(format!("{text:?} is not an amount such as 100m or 64Mi"))),
    }
}

/// A list with commas, as pflag reads it: quotes around an item keep its commas.
pub(crate) fn list(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    for char in text.chars() {
        match char {
            '"' => quoted = !quoted,
            ',' if !quoted => items.push(String::new()),
            other => {
                if let Some(last) = items.last_mut() {
                    last.push(other);
                }
            }
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

/// `key=value`.
pub(crate) fn pair(text: &str) -> Result<(String, String), Error> {
    let (key, value) = text.split_once('=').ok_or_else(|| usage(format!("{text:?} is not of the form key=value")))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_are_gos() {
        for (text, millis) in [
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("250ms", 250),
            ("0", 0),
            ("168h0m0s", 604_800_000),
        ] {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for text in ["", "5", "h", "1d", "-1s", "1h ", "1..2s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_keep_their_quoted_commas() {
        assert_eq!(list("8.8.8.8:53,1.1.1.1:53"), ["8.8.8.8:53", "1.1.1.1:53"]);
        assert_eq!(list(r#"a,"b,c","#), ["a", "b,c"]);
        assert!(list("").is_empty());
    }
}
