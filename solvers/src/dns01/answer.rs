//! What a name server's answer says, as far as anybody here wants to know.
#![expect(clippy::wildcard_enum_match_arm, reason = "of the codec's forty kinds of records each reader wants one")]

use std::net::IpAddr;
use std::time::Duration;

use acme_core::{DnsName, text};
use hickory_proto::rr::{Name, RData, Record};

use crate::{Error, ErrorKind, limits};

/// What an answer said.
pub(crate) struct Answer {
    /// NOERROR; otherwise NXDOMAIN.
    pub(super) found: bool,
    /// Whether the server holds the zone itself.
    pub(super) authoritative: bool,
    pub(super) records: Vec<Record>,
    pub(super) authorities: Vec<Record>,
}

impl Answer {
    /// The target of a CNAME record at `owner` itself.
    pub(crate) fn alias_of(&self, owner: &DnsName) -> Option<Result<DnsName, Error>> {
        self.records.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if is(&record.name, owner) => Some(plain_name(&target.0)),
            _ => None,
        })
    }

    /// Whether a CNAME record is among the answers.
    pub(super) fn has_alias(&self) -> bool {
        self.records.iter().any(|record| matches!(record.data, RData::CNAME(_)))
    }

    /// The zone that the server refers to.
    pub(super) fn referral(&self) -> Option<DnsName> {
        if self.authoritative || !self.records.is_empty() {
            return None;
        }
        self.authorities.iter().find_map(|record| match &record.data {
            RData::NS(_) => plain_name(&record.name).ok(),
            _ => None,
        })
    }

    /// The zone in whose name something is said not to be there, and for how long that is so.
    pub(super) fn denier(&self) -> Option<(DnsName, Duration)> {
        apex(&self.authorities)
    }

    /// The contents of all TXT records, wherever a chain of aliases led, each one's strings joined.
    pub(super) fn texts(&self) -> impl Iterator<Item = Vec<u8>> {
        self.records.iter().filter_map(|record| match &record.data {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        })
    }

    /// The apex and the TTL of an SOA record.
    pub(super) fn apex(&self) -> Option<(DnsName, Duration)> {
        apex(&self.records)
    }

    /// The name servers that `zone` itself names, or that the zone above names for it: lower case, each once, in order.
    pub(super) fn name_servers(&self, zone: &DnsName) -> Vec<DnsName> {
        let of = |records: &[Record]| -> Vec<DnsName> {
            let of_zone = records.iter().filter(|record| is(&record.name, zone));
            let names = of_zone.filter_map(|record| match &record.data {
                RData::NS(name) => plain_name(&name.0).ok(),
                _ => None,
            });
            names.collect()
        };
        let mut names = of(&self.records);
        if names.is_empty() {
            names = of(&self.authorities);
        }
        names.sort();
        names.dedup();
        names.truncate(limits::NAME_SERVERS);
        names
    }

    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.records
            .iter()
            .filter_map(|record| match &record.data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            })
            .collect()
    }
}

/// The owner and the TTL of an SOA record.
fn apex(records: &[Record]) -> Option<(DnsName, Duration)> {
    records.iter().find_map(|record| match &record.data {
        RData::SOA(_) => Some((plain_name(&record.name).ok()?, Duration::from_secs(record.ttl.into()))),
        _ => None,
    })
}

/// The name as the codec takes it.
pub(super) fn wire_name(name: &DnsName) -> Result<Name, Error> {
    Name::from_ascii(format!("{name}.")).map_err(|source| {
        Error::new(ErrorKind::Malformed, format!("{name} cannot be asked for in the DNS")).with_source(source)
    })
}

/// The name as the family takes it.
pub(super) fn plain_name(name: &Name) -> Result<DnsName, Error> {
    DnsName::parse(&text::printable(&name.to_ascii(), 1024))
}

/// Whether the codec's name is `name`, in any case.
fn is(wire: &Name, name: &DnsName) -> bool {
    let wire = wire.to_ascii();
    wire.strip_suffix('.').unwrap_or(&wire).eq_ignore_ascii_case(name.as_str())
}
