//! The message of one change (RFC 2136 section 2).

use acme_core::DnsName;

use crate::dns01::TxtRecord;
use crate::{Error, ErrorKind};

/// What is done with one TXT value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Add,
    Remove,
}

impl Change {
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Add => "adding",
            Self::Remove => "removing",
        }
    }
}

/// The update that makes `change`, with an id of zero and no signature.
pub(super) fn message(record: &TxtRecord, zone: &DnsName, change: Change) -> Result<Vec<u8>, Error> {
    let Some(prefix) = record.owner.as_str().strip_suffix(zone.as_str()) else {
        return Err(Error::new(ErrorKind::Internal, format!("{} does not lie in {zone}", record.owner)));
    };
    let mut out = Vec::with_capacity(256);
    // Id, opcode UPDATE, one zone, no prerequisite, one update, nothing additional.
    out.extend_from_slice(&[0, 0, 0x28, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
    put_name(&mut out, zone.as_str());
    out.extend_from_slice(&SOA);
    out.extend_from_slice(&IN);
    put_labels(&mut out, prefix.trim_end_matches('.'));
    // The rest of the owner is the zone's name, twelve bytes into the message.
    out.extend_from_slice(&[0xc0, 12]);
    out.extend_from_slice(&TXT);
    let (class, ttl) = match change {
        Change::Add => (IN, u32::try_from(record.ttl.as_secs()).unwrap_or(u32::MAX >> 1)),
        Change::Remove => (NONE, 0),
    };
    out.extend_from_slice(&class);
    out.extend_from_slice(&ttl.to_be_bytes());
    put_text(&mut out, record)?;
    Ok(out)
}

/// A name in the form of RFC 1035, lower case and uncompressed.
pub(super) fn put_name(out: &mut Vec<u8>, name: &str) {
    put_labels(out, name);
    out.push(0);
}

fn put_labels(out: &mut Vec<u8>, name: &str) {
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(63)];
        out.push(u8::try_from(label.len()).unwrap_or(63));
        out.extend_from_slice(label);
    }
}

fn put_text(out: &mut Vec<u8>, record: &TxtRecord) -> Result<(), Error> {
    let value = record.value.as_bytes();
    let mut data = Vec::with_capacity(value.len() + 1);
    for string in value.chunks(255) {
        data.push(u8::try_from(string.len()).unwrap_or(u8::MAX));
        data.extend_from_slice(string);
    }
    let length = u16::try_from(data.len()).ok().filter(|_| value.len() <= 4096);
    let length = length
        .ok_or_else(|| Error::new(ErrorKind::Malformed, format!("the TXT value for {} is too long", record.owner)))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&data);
    Ok(())
}

const SOA: [u8; 2] = [0, 6];
const TXT: [u8; 2] = [0, 16];
const IN: [u8; 2] = [0, 1];
const NONE: [u8; 2] = [0, 254];
