//! What a certificate authority may do: basic constraints and name constraints.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use acme_core::der::{self, Writer};
use acme_core::{Error, ErrorKind, text};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Criticality, Extension};

/// Whether a certificate is that of an authority (RFC 5280 section 4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum BasicConstraints {
    /// It is not.
    EndEntity,
    /// It is; with a path length, at most so many more authorities may stand between it and a leaf.
    Authority {
        /// How many; `None` is any number.
        path_length: Option<u32>,
    },
}

impl BasicConstraints {
    /// Whether it is an authority.
    pub fn is_authority(self) -> bool {
        matches!(self, Self::Authority { .. })
    }

    /// How many authorities may stand below it; `None` is any number, and what is none has none to count.
    pub fn path_length(self) -> Option<u32> {
        match self {
            Self::Authority { path_length } => path_length,
            Self::EndEntity => None,
        }
    }

    /// The extension; always critical, as RFC 5280 wants it for authorities and as Go and OpenSSL write it for others.
    pub fn to_extension(self) -> Extension {
        let value = der::build(8, |out| {
            out.sequence(|it| match self {
                Self::EndEntity => {}
                Self::Authority { path_length } => {
                    it.yes();
                    if let Some(length) = path_length {
                        it.unsigned(&length.to_be_bytes());
                    }
                }
            });
        });
        Extension::new(Extension::BASIC_CONSTRAINTS, Criticality::Critical, value)
    }
}

/// Which names an authority may issue for (RFC 5280 section 4.2.1.10): the members of cert-manager's `spec.nameConstraints`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NameConstraints {
    /// Whether those who do not know them must refuse the certificate, as RFC 5280 wants it.
    #[serde(default)]
    pub critical: bool,
    /// What is permitted; where a kind of name is mentioned, nothing else of that kind is.
    #[serde(default, skip_serializing_if = "Subtrees::is_empty")]
    pub permitted: Subtrees,
    /// What is excluded, even where it is permitted.
    #[serde(default, skip_serializing_if = "Subtrees::is_empty")]
    pub excluded: Subtrees,
}

/// Names, each with what lies below it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Subtrees {
    /// Domains with their subdomains; with a leading dot the subdomains alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_domains: Vec<String>,
    /// Ranges of addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip_ranges: Vec<IpRange>,
    /// Mailboxes (`ops@example.com`), all mailboxes of a host (`example.com`), or of a domain (`.example.com`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub email_addresses: Vec<String>,
    /// Hosts of URIs (`example.com`), or domains with a leading dot.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uri_domains: Vec<String>,
}

impl NameConstraints {
    /// Critical constraints that permit and exclude this.
    pub fn new(permitted: Subtrees, excluded: Subtrees) -> Self {
        Self { critical: true, permitted, excluded }
    }

    /// Not critical, for the sake of those who do not know them.
    #[must_use]
    pub fn not_critical(mut self) -> Self {
        self.critical = false;
        self
    }

    /// The extension; in it the kinds are in the order of Go: DNS, addresses, e-mail, URI.
    ///
    /// # Errors
    /// `Malformed` when there is nothing in it, or a name in it is none.
    pub fn to_extension(&self) -> Result<Extension, Error> {
        if self.permitted.is_empty() && self.excluded.is_empty() {
            return Err(Error::new(
                ErrorKind::Malformed,
                "name constraints need something that is permitted or excluded: leave them out",
            ));
        }
        self.permitted.check()?;
        self.excluded.check()?;
        let value = der::build(128, |out| {
            out.sequence(|it| {
                for (number, trees) in [(0, &self.permitted), (1, &self.excluded)] {
                    if !trees.is_empty() {
                        it.nested(der::context_constructed(number), |it| trees.write(it));
                    }
                }
            });
        });
        let criticality = if self.critical { Criticality::Critical } else { Criticality::NotCritical };
        Ok(Extension::new(Extension::NAME_CONSTRAINTS, criticality, value))
    }
}

impl Subtrees {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// And these domains.
    #[must_use]
    pub fn with_dns_domains<I: IntoIterator<Item: Into<String>>>(mut self, domains: I) -> Self {
        self.dns_domains.extend(domains.into_iter().map(Into::into));
        self
    }

    /// And these ranges of addresses.
    #[must_use]
    pub fn with_ip_ranges<I: IntoIterator<Item = IpRange>>(mut self, ranges: I) -> Self {
        self.ip_ranges.extend(ranges);
        self
    }

    /// And these mailboxes, hosts or domains of e-mail addresses.
    #[must_use]
    pub fn with_email_addresses<I: IntoIterator<Item: Into<String>>>(mut self, addresses: I) -> Self {
        self.email_addresses.extend(addresses.into_iter().map(Into::into));
        self
    }

    /// And these hosts or domains of URIs.
    #[must_use]
    pub fn with_uri_domains<I: IntoIterator<Item: Into<String>>>(mut self, domains: I) -> Self {
        self.uri_domains.extend(domains.into_iter().map(Into::into));
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |kind: &str, name: &str| {
            Err(Error::new(
                ErrorKind::Malformed,
                format!("{:?} is not a {kind} that names can be constrained to", text::printable(name, 120)),
            ))
        };
        if let Some(domain) = self.dns_domains.iter().find(|it| !it.is_empty() && !is_domain(it)) {
            return refuse("DNS domain (ASCII, no `*`)", domain);
        }
        if let Some(domain) = self.uri_domains.iter().find(|it| !is_domain(it)) {
            return refuse("domain of URIs (a host, without scheme and path)", domain);
        }
        let is_address = |it: &str| match it.rsplit_once('@') {
            Some((local, host)) => {
                !local.is_empty()
                    && local.bytes().all(|byte| byte.is_ascii_graphic())
                    && !host.starts_with('.')
                    && is_domain(host)
            }
            None => is_domain(it),
        };
        match self.email_addresses.iter().find(|it| !is_address(it)) {
            Some(address) => refuse("mailbox or mail domain (ASCII)", address),
            None => Ok(()),
        }
    }

    /// GeneralSubtrees, without the minimum that is a default.
    fn write(&self, out: &mut Writer) {
        for domain in &self.dns_domains {
            out.sequence(|it| it.value(der::context(2), domain.as_bytes()));
        }
        for range in &self.ip_ranges {
            out.sequence(|it| it.value(der::context(7), &range.octets()));
        }
        for address in &self.email_addresses {
            out.sequence(|it| it.value(der::context(1), address.as_bytes()));
        }
        for domain in &self.uri_domains {
            out.sequence(|it| it.value(der::context(6), domain.as_bytes()));
        }
    }
}

/// A range of addresses, as in `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpRange {
    network: IpAddr,
    prefix: u8,
}

impl IpRange {
    /// Reads CIDR notation (RFC 4632); bits behind the prefix are cleared.
    ///
    /// # Errors
    /// `Malformed` when it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let range = || {
            let (address, prefix) = text.split_once('/')?;
            let address: IpAddr = address.parse().ok()?;
            let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
            let prefix: u8 = prefix.parse().ok().filter(|_| is_number)?;
            let network = match address {
                IpAddr::V4(address) => {
                    let free = 32_u32.checked_sub(prefix.into())?;
                    IpAddr::V4((u32::from(address) & u32::MAX.checked_shl(free).unwrap_or(0)).into())
                }
                IpAddr::V6(address) => {
                    let free = 128_u32.checked_sub(prefix.into())?;
                    IpAddr::V6((u128::from(address) & u128::MAX.checked_shl(free).unwrap_or(0)).into())
                }
            };
            Some(Self { network, prefix })
        };
        range().ok_or_else(|| {
            Error::new(
                ErrorKind::Malformed,
                format!(
                    "{:?} is not a range of addresses: write it as in 10.0.0.0/8 or 2001:db8::/32",
                    text::printable(text, 80)
                ),
            )
        })
    }

    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        Self::parse(&format!("{address}/{}", self.prefix)).is_ok_and(|it| it == *self)
            && address.is_ipv4() == self.network.is_ipv4()
    }

    /// Address and mask, as RFC 5280 section 4.2.1.10 has them.
    fn octets(&self) -> Vec<u8> {
        match self.network {
            IpAddr::V4(network) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                [network.octets(), mask.to_be_bytes()].concat()
            }
            IpAddr::V6(network) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                [network.octets(), mask.to_be_bytes()].concat()
            }
        }
    }
}

impl FromStr for IpRange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl Serialize for IpRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IpRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Labels of ASCII with dots between, with or without a dot in front.
fn is_domain(text: &str) -> bool {
    let bare = text.strip_prefix('.').unwrap_or(text);
    bare.len() <= 253
        && bare.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}
