//! The headers that ACME reads: `Retry-After` (RFC 9110 section 10.2.3) and `Link` (RFC 8288).

use std::time::Duration;

use crate::protocol::Url;
use crate::{Timestamp, limits};

/// How long a `Retry-After` asks to wait: seconds, or a date seen from `now` (the answer's own `Date`, where it has one).
///
/// Never negative, at most [`limits::RETRY_AFTER`]; `None` for what is neither form.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|it| it.is_ascii_digit()) {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        Timestamp::parse_http_date(value).ok()?.since(now)
    };
    Some(wait.min(limits::RETRY_AFTER))
}

/// One value of a `Link` header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Where it leads, made absolute.
    pub target: Url,
    /// What lies there, in lower case: `alternate`, `next`, `index`, …
    pub relations: Vec<String>,
}

impl Link {
    /// Is `relation` what lies there?
    pub fn is(&self, relation: &str) -> bool {
        self.relations.iter().any(|it| it == relation)
    }
}

/// The links of `Link` header values, relative ones resolved against `base`; what cannot be read is left out.
pub fn links<'a>(values: impl IntoIterator<Item = &'a str>, base: &Url) -> Vec<Link> {
    let mut out = Vec::new();
    for value in values {
        let mut rest = value;
        while out.len() < limits::LINKS {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let Some((target, after)) = rest.strip_prefix('<').and_then(|it| it.split_once('>')) else {
                rest = rest.find(',').map_or("", |at| &rest[at..]);
                continue;
            };
            let relations;
            (relations, rest) = parameters(after);
            if let Ok(target) = base.join(target.trim()) {
                out.push(Link { target, relations });
            }
        }
    }
    out
}

/// The relations among the parameters of one link, and what follows the link.
fn parameters(mut rest: &str) -> (Vec<String>, &str) {
    let mut relations = None;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() || rest.starts_with(',') {
            return (relations.unwrap_or_default(), rest);
        }
        let end = rest.find(['=', ';', ',']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let value;
        (value, rest) = match after.strip_prefix('=') {
            Some(after) => parameter_value(after.trim_start()),
            None => (String::new(), after),
        };
        // RFC 8288 section 3.3: the first `rel` counts, others are ignored.
        if name.trim().eq_ignore_ascii_case("rel") && relations.is_none() {
            relations = Some(value.split_ascii_whitespace().map(str::to_ascii_lowercase).collect());
        }
    }
}

fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.trim_end().to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Vec<(String, String)> {
        let base = Url::parse("https://ca.example/acme/cert/1").unwrap();
        links([value], &base).into_iter().map(|link| (link.target.to_string(), link.relations.join(" "))).collect()
    }

    #[test]
    fn several_links_in_one_value_are_told_apart() {
        assert_eq!(
            read(
                r#"<https://ca.example/dir>;rel="index", </acme/cert/1/1>; title="a, \"b\"; c"; rel=alternate ,<2>;rel="up  Alternate""#
            ),
            [
                ("https://ca.example/dir".to_owned(), "index".to_owned()),
                ("https://ca.example/acme/cert/1/1".to_owned(), "alternate".to_owned()),
                ("https://ca.example/acme/cert/2".to_owned(), "up alternate".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_no_link_is_left_out() {
        assert_eq!(read("nonsense"), []);
        assert_eq!(read("<unclosed; rel=next"), []);
        assert_eq!(read("<mailto:a@b>;rel=up"), []);
        assert_eq!(
            read("nonsense, <x>;;rel;rel=\"next"),
            [("https://ca.example/acme/cert/x".to_owned(), String::new())]
        );
        assert_eq!(read(&"<x>,".repeat(1000)).len(), limits::LINKS);
    }

    #[test]
    fn both_forms_of_retry_after_are_read_and_cut() {
        let now = Timestamp::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(limits::RETRY_AFTER.as_secs())),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(limits::RETRY_AFTER.as_secs())),
            ("-5", None),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
