//! Regions, and the partitions that they lie in.

use std::fmt;
use std::str::FromStr;

use acme_core::{Error, ErrorKind, text};

/// A region of AWS, such as `eu-central-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

impl Region {
    /// Reads a region's code. Regions need not be known to this crate.
    ///
    /// # Errors
    /// `Malformed` for what cannot be a part of a host name.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let fits = (1..=LONGEST).contains(&text.len())
            && text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            let shown = text::printable(text, LONGEST);
            Err(Error::new(ErrorKind::Malformed, format!("{shown:?} is no region of AWS: write one like eu-central-1")))
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition, by the code's beginning; regions of no known beginning belong to `aws`.
    pub fn partition(&self) -> Partition {
        PARTITIONS.iter().find(|(prefix, _)| self.0.starts_with(prefix)).map_or(Partition::Aws, |(_, it)| *it)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// A part of AWS with accounts and domains of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Partition {
    /// The public one.
    Aws,
    /// China.
    China,
    /// GovCloud (US).
    UsGov,
}

impl Partition {
    /// Its name in ARNs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::UsGov => "aws-us-gov",
        }
    }

    /// What the host names of its services end in.
    pub fn domain(self) -> &'static str {
        match self {
            Self::Aws | Self::UsGov => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const PARTITIONS: &[(&str, Partition)] = &[("cn-", Partition::China), ("us-gov-", Partition::UsGov)];
/// The longest label of a host name.
const LONGEST: usize = 63;
