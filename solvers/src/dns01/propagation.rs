//! Whether the servers that count show a TXT value, and which of them does not yet.

use std::net::SocketAddr;
use std::time::Duration;

use acme_core::DnsName;
use futures_util::future::join_all;
use hickory_proto::rr::RecordType;

use super::answer::Answer;
use super::resolver::{LAME, Recursion};
use super::{Delegation, NameServer, Resolver};
use crate::{Error, ErrorKind};

/// Which servers must show the value. Aliases are always followed here, as certificate authorities do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Propagation {
    /// Every name server of the zone that holds the record, asked directly and all at once.
    #[default]
    Authoritative,
    /// Every one of these recursive servers: for zones whose name servers cannot be reached from here. Where these can be and lack the record, no recursive server is
    /// asked yet: it would remember for minutes that there was nothing.
    Recursive(Vec<SocketAddr>),
    /// Every recursive server of the resolver, in the same way (cert-manager's `--dns01-recursive-nameservers-only`).
    Resolver,
    /// None: the record is taken to be served this long after it was written (cert-manager's `waitInsteadOfSelfCheck`). For who can ask no name server at all.
    After(Duration),
}

impl Propagation {
    /// What the servers that count lack of a value at `owner` that is `wanted`, if anything. For a fixed time the authoritative servers count.
    pub(crate) async fn missing(
        &self,
        resolver: &Resolver,
        owner: &DnsName,
        wanted: &(dyn Fn(&[u8]) -> bool + Sync),
        delegation: Delegation,
    ) -> Result<Option<String>, Error> {
        match self {
            Self::Authoritative | Self::After(_) => authoritative(resolver, owner, wanted, delegation).await,
            Self::Recursive(servers) => {
                let servers: Vec<NameServer> = servers.iter().copied().map(NameServer::At).collect();
                recursive(resolver, &servers, owner, wanted).await
            }
            Self::Resolver => recursive(resolver, resolver.servers(), owner, wanted).await,
        }
    }
}

/// What the authoritative servers lack, if anything.
async fn authoritative(
    resolver: &Resolver,
    owner: &DnsName,
    wanted: &(dyn Fn(&[u8]) -> bool + Sync),
    delegation: Delegation,
) -> Result<Option<String>, Error> {
    let located = resolver.locate(owner, Delegation::Follow).await?;
    let aside = if delegation == Delegation::None && located.chain.is_alias() {
        format!(
            "; {owner} is an alias, and delegation by CNAME is switched off for writing: follow it, or remove the alias"
        )
    } else {
        String::new()
    };
    let (end, zone) = located.with_zone(resolver).await?;
    let servers = resolver.names_of_servers(&zone).await?;
    if servers.is_empty() {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "the zone {zone} names no name servers, and none is named above it: its NS records are missing, or hidden by a CNAME record at its apex; correct the zone, or ask recursive servers alone"
            ),
        ));
    }
    let end = &end;
    let looks = servers.iter().map(|server| async move {
        let missing = at_server(resolver, server, end, wanted).await;
        missing.map(|missing| format!("{server} {missing}"))
    });
    let missing: Vec<String> = join_all(looks).await.into_iter().flatten().collect();
    Ok(said(missing).map(|missing| missing + &aside))
}

#[cfg(feature = "acme-dns")]
impl Resolver {
    /// Whether all authoritative servers show `value` at `owner`.
    pub(crate) async fn shows(&self, owner: &DnsName, value: &str) -> Result<bool, Error> {
        let is_it = |text: &[u8]| text == value.as_bytes();
        authoritative(self, owner, &is_it, Delegation::Follow).await.map(|missing| missing.is_none())
    }
}

/// What the given recursive servers lack, if anything.
async fn recursive(
    resolver: &Resolver,
    servers: &[NameServer],
    owner: &DnsName,
    wanted: &(dyn Fn(&[u8]) -> bool + Sync),
) -> Result<Option<String>, Error> {
    if servers.is_empty() {
        return Ok(Some("no recursive server is given to ask: name at least one".to_owned()));
    }
    // What they hear too early they remember.
    if let early @ Some(_) = denied(resolver, owner, wanted).await? {
        return Ok(early);
    }
    let looks = servers.iter().map(|server| async move {
        let missing = at_address(resolver, server, owner, wanted, Recursion::Desired).await;
        missing.map(|missing| format!("{server} {missing}"))
    });
    Ok(said(join_all(looks).await.into_iter().flatten().collect()))
}

/// Which of the zone's own servers say that they lack it. Those that cannot be asked, or are no authority, say nothing.
async fn denied(
    resolver: &Resolver,
    owner: &DnsName,
    wanted: &(dyn Fn(&[u8]) -> bool + Sync),
) -> Result<Option<String>, Error> {
    let (end, Some(zone)) = resolver.locate(owner, Delegation::Follow).await?.into_told() else {
        return Ok(None);
    };
    let (end, quick) = (&end, &resolver.quick());
    let looks = resolver.servers_of(&zone).await.into_iter().map(|server| async move {
        let answer = quick.ask_at(&server.address.into(), end, RecordType::TXT, Recursion::Unwanted).await.ok()?;
        let missing = verdict(&answer, end, wanted, Recursion::Unwanted).filter(|_| answer.authoritative)?;
        Some(format!("{} {missing}", server.name))
    });
    Ok(said(join_all(looks).await.into_iter().flatten().collect()))
}

/// What one name server lacks. Its addresses are one server: the first that answers speaks for it.
async fn at_server(
    resolver: &Resolver,
    server: &DnsName,
    owner: &DnsName,
    wanted: &(dyn Fn(&[u8]) -> bool + Sync),
) -> Option<String> {
    let addresses = match resolver.addresses_of(server).await {
        Ok(addresses) => addresses,
        Err(error) => return Some(format!("cannot be asked ({error})")),
    };
    let mut failure = "has no address".to_owned();
    for address in addresses {
        match look(resolver, &address.into(), owner, wanted, Recursion::Unwanted).await {
            Ok(missing) => return missing,
            Err(error) => failure = format!("cannot be asked ({error})"),
        }
    }
    Some(failure)
}

async fn at_address(
    resolver: &Resolver,
    server: &NameServer,
    owner: &DnsName,
    wanted: &(dyn Fn(&[u8]) -> bool + Sync),
    recursion: Recursion,
) -> Option<String> {
    match look(resolver, server, owner, wanted, recursion).await {
        Ok(missing) => missing,
        Err(error) => Some(format!("cannot be asked ({error})")),
    }
}

async fn look(
    resolver: &Resolver,
    server: &NameServer,
    owner: &DnsName,
    wanted: &(dyn Fn(&[u8]) -> bool + Sync),
    recursion: Recursion,
) -> Result<Option<String>, Error> {
    let answer = resolver.ask_at(server, owner, RecordType::TXT, recursion).await?;
    Ok(verdict(&answer, owner, wanted, recursion))
}

/// What an answer lacks.
fn verdict(
    answer: &Answer,
    owner: &DnsName,
    wanted: &(dyn Fn(&[u8]) -> bool + Sync),
    recursion: Recursion,
) -> Option<String> {
    if answer.texts().any(|text| wanted(&text)) {
        return None;
    }
    let others = answer.texts().count();
    Some(if recursion == Recursion::Unwanted && !answer.authoritative {
        format!("shows no TXT record at {owner}; {LAME}")
    } else if others > 0 {
        format!("shows {others} other TXT value(s) at {owner}")
    } else if answer.found {
        format!("shows no TXT record at {owner}")
    } else {
        format!("does not know {owner}")
    })
}

fn said(missing: Vec<String>) -> Option<String> {
    (!missing.is_empty()).then(|| missing.join("; "))
}
