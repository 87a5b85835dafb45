//! URLs that a server gave us: opaque, bounded, absolute.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Error, ErrorKind, limits, text};

/// An absolute `http` or `https` URL, kept byte for byte as the server wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Url(String);

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// `Malformed` when it is not an absolute `http` or `https` URL, or too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let uri = (text.len() <= limits::URL).then(|| text.parse::<http::Uri>().ok()).flatten();
        let absolute = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
        });
        if absolute {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::new(ErrorKind::Malformed, format!("not an absolute URL: {:?}", text::printable(text, 120))))
        }
    }

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, with its port where one is written.
    pub fn authority(&self) -> &str {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or(rest)
    }

    /// Resolves `reference` as a header of an answer from this URL carries it (RFC 3986 section 5.2); a fragment is dropped.
    ///
    /// # Errors
    /// `Malformed` when what comes out is not an absolute `http` or `https` URL.
    pub fn join(&self, reference: &str) -> Result<Self, Error> {
        let reference = reference.split('#').next().unwrap_or_default();
        let before_path = self.0.find("://").map_or(0, |at| at + 3) + self.authority().len();
        let (root, rest) = self.0.split_at(before_path);
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let has_scheme = reference.find(':').is_some_and(|at| !reference[..at].contains(['/', '?']));
        if has_scheme {
            Self::parse(reference)
        } else if reference.starts_with("//") {
            let scheme = self.0.split("//").next().unwrap_or_default();
            Self::parse(&format!("{scheme}{reference}"))
        } else if reference.is_empty() {
            Self::parse(self.0.split('#').next().unwrap_or_default())
        } else if reference.starts_with('?') {
            Self::parse(&format!("{root}{path}{reference}"))
        } else {
            let folder = if reference.starts_with('/') { "" } else { path.rfind('/').map_or("/", |at| &path[..=at]) };
            let (relative, query) = match reference.find('?') {
                Some(at) => reference.split_at(at),
                None => (reference, ""),
            };
            let path = without_dots(&format!("{folder}{relative}"));
            Self::parse(&format!("{root}{path}{query}"))
        }
    }
}

/// RFC 3986 section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_against_the_answer() {
        // RFC 3986 section 5.4, where the scheme is one of ours.
        let base = Url::parse("http://a/b/c/d;p?q").unwrap();
        for (reference, meant) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g/h", "http://g/h"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("g#s", "http://a/b/c/g"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("https://other.example/x", "https://other.example/x"),
        ] {
            assert_eq!(base.join(reference).unwrap().as_str(), meant, "{reference}");
        }
        let bare = Url::parse("https://ca.example").unwrap();
        assert_eq!(bare.join("x").unwrap().as_str(), "https://ca.example/x");
        assert!(base.join("mailto:x@example.com").is_err());
    }
}
