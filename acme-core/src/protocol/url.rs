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
