//! Where a challenge record really lives: CNAME delegation.

use acme_core::DnsName;
use hickory_proto::rr::RecordType;

use super::Resolver;
use crate::{Error, ErrorKind, limits};

/// Where the record is written when its owner is an alias. What certificate authorities read is always the end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Delegation {
    /// At the end of the CNAME chain; at the name itself where there is none.
    #[default]
    Follow,
    /// At the name itself, whatever is there: for zones where a wildcard CNAME answers for every name.
    None,
}

impl Resolver {
    /// Follows the CNAME records from `name`.
    ///
    /// # Errors
    /// `Unreachable` when no recursive server gave a usable answer; `Malformed` for a loop, a chain longer than
    /// [`limits::CNAME_HOPS`], or a target that is no host name: somebody must correct the zone.
    pub async fn follow(&self, name: &DnsName) -> Result<Chain, Error> {
        let mut chain = Chain::begin(name);
        loop {
            let end = chain.end();
            let answer = self
                .ask(end, RecordType::CNAME)
                .await
                .map_err(|error| error.while_doing(format_args!("following {name}")))?;
            let Some(target) = answer.alias_of(end) else {
                return Ok(chain);
            };
            let target = target.map_err(|error| error.while_doing(format_args!("the CNAME of {end}")))?;
            grow(&mut chain, target)?;
        }
    }
}

/// Goes on to `target`, unless the chain has no end.
pub(super) fn grow(chain: &mut Chain, target: DnsName) -> Result<(), Error> {
    let names = &mut chain.names;
    let why = if names.contains(&target) {
        Some("leads back to itself")
    } else if names.len() > limits::CNAME_HOPS {
        Some("is too long")
    } else {
        None
    };
    names.push(target);
    let Some(why) = why else { return Ok(()) };
    let chain: Vec<&str> = names.iter().map(DnsName::as_str).collect();
    let what = format!("the CNAME chain {} {why}: correct these records", chain.join(" -> "));
    Err(Error::new(ErrorKind::Malformed, what))
}

/// A name, and the targets of the CNAME records from it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    // Never empty.
    names: Vec<DnsName>,
}

impl Chain {
    pub(super) fn begin(name: &DnsName) -> Self {
        Self { names: vec![name.clone()] }
    }

    pub(super) fn end(&self) -> &DnsName {
        &self.names[self.names.len() - 1]
    }

    /// The names in order: the one that was asked for, then each target.
    pub fn names(&self) -> &[DnsName] {
        &self.names
    }

    /// Whether the name that was asked for is an alias.
    pub fn is_alias(&self) -> bool {
        self.names.len() > 1
    }

    /// The last name: the one that has records of its own.
    pub fn into_end(mut self) -> DnsName {
        self.names.swap_remove(self.names.len() - 1)
    }
}
