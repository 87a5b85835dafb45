//! One name constraint, and which names are within it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use acme_core::text;

use crate::x509::{RawGeneralName, name};

/// A part of the names of one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subtree {
    /// A domain and what is below it; with a dot in front only what is below it.
    Dns(String),
    /// A mailbox, a host, or with a dot in front the hosts below a domain.
    Email(String),
    /// A host, or with a dot in front the hosts below a domain.
    Uri(String),
    /// An address and a mask, four octets each.
    Ip4([u8; 4], [u8; 4]),
    /// An address and a mask, sixteen octets each.
    Ip6([u8; 16], [u8; 16]),
    /// The canonical forms of the relative distinguished names that names begin with.
    Directory { parts: Vec<Vec<u8>>, shown: String },
    /// A form of name that cannot be compared.
    Unknown(Form),
}

/// A form of name, as far as constraints go: a constraint says nothing of names of another form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Dns,
    Email,
    Uri,
    Ip,
    Directory,
    Other(Vec<u8>),
    X400,
    EdiParty,
    Registered,
}

impl Form {
    pub(super) fn of(name: &RawGeneralName<'_>) -> Self {
        match name {
            RawGeneralName::Dns(_) => Self::Dns,
            RawGeneralName::Email(_) => Self::Email,
            RawGeneralName::Uri(_) => Self::Uri,
            RawGeneralName::Ip(_) => Self::Ip,
            RawGeneralName::Directory(_) => Self::Directory,
            RawGeneralName::Other { form, .. } => Self::Other(form.to_vec()),
            RawGeneralName::X400(_) => Self::X400,
            RawGeneralName::EdiParty(_) => Self::EdiParty,
            RawGeneralName::Registered(_) => Self::Registered,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "DNS names",
            Self::Email => "e-mail addresses",
            Self::Uri => "URIs",
            Self::Ip => "addresses",
            Self::Directory => "directory names",
            Self::Other(_) | Self::X400 | Self::EdiParty | Self::Registered => "names of its form",
        })
    }
}

/// A name that is compared with any number of subtrees.
pub(super) struct Candidate<'a> {
    pub(super) name: RawGeneralName<'a>,
    /// The canonical forms of its parts, if it is a directory name and can be read.
    parts: Option<Vec<Vec<u8>>>,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(name: RawGeneralName<'a>) -> Self {
        let parts = if let RawGeneralName::Directory(directory) = name { canonical_parts(directory) } else { None };
        Self { name, parts }
    }
}

impl Subtree {
    /// The base of a GeneralSubtree; `None` when it is none of its form.
    pub(super) fn read(base: &RawGeneralName<'_>) -> Option<Self> {
        let ascii = |octets: &[u8]| {
            let text = std::str::from_utf8(octets).ok().filter(|it| it.is_ascii())?;
            Some(text.trim_end_matches('.').to_owned())
        };
        Some(match base {
            RawGeneralName::Dns(domain) => Self::Dns(ascii(domain)?.to_ascii_lowercase()),
            RawGeneralName::Email(mailbox) => Self::Email(ascii(mailbox)?),
            RawGeneralName::Uri(host) => Self::Uri(ascii(host)?.to_ascii_lowercase()),
            RawGeneralName::Ip(octets) => match octets.len() {
                8 => Self::Ip4(octets[..4].try_into().ok()?, octets[4..].try_into().ok()?),
                32 => Self::Ip6(octets[..16].try_into().ok()?, octets[16..].try_into().ok()?),
                _ => return None,
            },
            RawGeneralName::Directory(directory) => {
                Self::Directory { parts: canonical_parts(directory)?, shown: name::readable(directory) }
            }
            RawGeneralName::Other { .. }
            | RawGeneralName::X400(_)
            | RawGeneralName::EdiParty(_)
            | RawGeneralName::Registered(_) => Self::Unknown(Form::of(base)),
        })
    }

    pub(super) fn form(&self) -> Form {
        match self {
            Self::Dns(_) => Form::Dns,
            Self::Email(_) => Form::Email,
            Self::Uri(_) => Form::Uri,
            Self::Ip4(..) | Self::Ip6(..) => Form::Ip,
            Self::Directory { .. } => Form::Directory,
            Self::Unknown(form) => form.clone(),
        }
    }

    /// Is all that `name` stands for within it? What cannot be compared is not.
    pub(super) fn holds(&self, name: &Candidate<'_>) -> bool {
        self.meets(name).unwrap_or(false)
    }

    /// Is something that `name` stands for within it? What cannot be compared may be.
    pub(super) fn may_meet(&self, name: &Candidate<'_>) -> bool {
        if let (Self::Dns(domain), RawGeneralName::Dns(octets)) = (self, name.name)
            && let Some(base) = text_of(octets).and_then(|it| it.strip_prefix("*."))
        {
            // A wildcard stands for one label; an excluded domain of just one label more is among what it stands for.
            let one_more = domain.split_once('.').is_some_and(|(_, above)| above.eq_ignore_ascii_case(base));
            return one_more || self.meets(name).unwrap_or(true);
        }
        self.meets(name).unwrap_or(true)
    }

    fn meets(&self, name: &Candidate<'_>) -> Option<bool> {
        match (self, name.name) {
            (Self::Dns(domain), RawGeneralName::Dns(octets)) => Some(is_below(text_of(octets)?, domain)),
            (Self::Email(wanted), RawGeneralName::Email(octets)) => {
                let (local, host) = text_of(octets)?.rsplit_once('@')?;
                Some(match wanted.rsplit_once('@') {
                    Some((wanted, at)) => local == wanted && host.eq_ignore_ascii_case(at),
                    None => is_host(host, wanted),
                })
            }
            (Self::Uri(wanted), RawGeneralName::Uri(octets)) => Some(is_host(host_of(text_of(octets)?)?, wanted)),
            (Self::Ip4(address, mask), RawGeneralName::Ip(octets)) => {
                Some(octets.len() == 4 && is_masked(octets, address, mask))
            }
            (Self::Ip6(address, mask), RawGeneralName::Ip(octets)) => {
                Some(octets.len() == 16 && is_masked(octets, address, mask))
            }
            (Self::Directory { parts, .. }, RawGeneralName::Directory(_)) => {
                name.parts.as_ref().map(|found| found.starts_with(parts))
            }
            (_, _) => None,
        }
    }
}

impl fmt::Display for Subtree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) | Self::Email(text) | Self::Uri(text) => write!(f, "{:?}", text::printable(text, 200)),
            Self::Ip4(address, mask) => {
                write!(f, "{}/{}", Ipv4Addr::from(*address), u32::from_be_bytes(*mask).count_ones())
            }
            Self::Ip6(address, mask) => {
                write!(f, "{}/{}", Ipv6Addr::from(*address), u128::from_be_bytes(*mask).count_ones())
            }
            Self::Directory { shown, .. } => write!(f, "{shown:?}"),
            Self::Unknown(_) => f.write_str("names that cannot be compared"),
        }
    }
}

fn canonical_parts(directory: &[u8]) -> Option<Vec<Vec<u8>>> {
    Some(name::parts(directory)?.iter().map(|part| name::canonical_part(part)).collect())
}

fn text_of(octets: &[u8]) -> Option<&str> {
    std::str::from_utf8(octets).ok()
}

/// Is `host` this domain or below it? With a dot in front of the domain it must be below; the empty domain holds all.
fn is_below(host: &str, domain: &str) -> bool {
    let host = host.trim_end_matches('.');
    let (domain, is_inside) = match domain.strip_prefix('.') {
        Some(domain) => (domain, true),
        None => (domain, false),
    };
    let Some(rest) = host.len().checked_sub(domain.len()) else { return false };
    if !host.is_char_boundary(rest) || !host[rest..].eq_ignore_ascii_case(domain) {
        return false;
    }
    if rest == 0 { !is_inside } else { domain.is_empty() || host[..rest].ends_with('.') }
}

/// Is it this host, or with a dot in front a host below it?
fn is_host(host: &str, wanted: &str) -> bool {
    let host = host.trim_end_matches('.');
    if wanted.starts_with('.') {
        is_below(host, wanted)
    } else {
        wanted.is_empty() || host.eq_ignore_ascii_case(wanted)
    }
}

/// The host of an absolute URI with an authority (RFC 3986 section 3.2.2); `None` without a name there, as for addresses.
fn host_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    if host.starts_with('[') {
        return None;
    }
    let host = host.split(':').next()?;
    (!host.is_empty() && host.parse::<Ipv4Addr>().is_err()).then_some(host)
}

fn is_masked(octets: &[u8], address: &[u8], mask: &[u8]) -> bool {
    octets.iter().zip(address).zip(mask).all(|((octet, wanted), mask)| octet & mask == wanted & mask)
}
