//! What a zone's own name servers say of a name that is still to be written.
//!
//! A recursive server that is asked too early remembers for as long as the zone's SOA record says that there was nothing (RFC 2308), and tells everybody
//! who asks it after that, a certificate authority among them. So the owner of a record is not asked of one before the zone's own servers show the record, unless
//! none of these can be reached. Names above it are, without asking for proofs: what is proven of them would deny the record, too. The validated name itself is among
//! them, for a zone may begin there that is seen from inside only.

use std::net::SocketAddr;

use acme_core::DnsName;
use futures_util::FutureExt as _;
use futures_util::future::{join_all, select_ok};
use hickory_proto::rr::RecordType;

use super::delegation::grow;
use super::resolver::Recursion;
use super::zone::holds;
use super::{Chain, Delegation, Resolver, Vacancy};
use crate::{Error, ErrorKind, limits};

/// A name, followed to its end.
pub(crate) struct Located {
    pub(super) chain: Chain,
    /// The zone that holds the end, where its own servers told.
    zone: Option<DnsName>,
    presence: Presence,
}

impl Located {
    /// Whether nothing stands at the end. That may take one more question, to the server that told of the name.
    pub(super) async fn vacancy(&self, resolver: &Resolver) -> Vacancy {
        let server = match self.presence {
            Presence::Absent => return Vacancy::Vacant,
            Presence::Unknown => return Vacancy::Unknown,
            Presence::Seen(server) => server,
        };
        let end = self.chain.end();
        match resolver.quick().ask_at(&server.into(), end, RecordType::TXT, Recursion::Unwanted).await {
            Ok(answer) if answer.texts().next().is_none() => Vacancy::Vacant,
            Ok(_) | Err(_) => Vacancy::Unknown,
        }
    }

    /// The end, and its zone.
    pub(super) async fn with_zone(self, resolver: &Resolver) -> Result<(DnsName, DnsName), Error> {
        let end = self.chain.into_end();
        let zone = match self.zone {
            Some(zone) => zone,
            None => resolver.zone_of(&end).await?,
        };
        Ok((end, zone))
    }

    pub(crate) fn into_end(self) -> DnsName {
        self.chain.into_end()
    }

    /// The end, and its zone where its own servers told.
    pub(super) fn into_told(self) -> (DnsName, Option<DnsName>) {
        (self.chain.into_end(), self.zone)
    }
}

/// A name server of a zone, at one of its addresses.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) name: DnsName,
    pub(super) address: SocketAddr,
}

/// What stands at a name.
struct Standing {
    alias: Option<DnsName>,
    zone: Option<DnsName>,
    presence: Presence,
}

/// Whether there is a name, as its zone's own servers tell.
#[derive(Clone, Copy)]
enum Presence {
    /// There is none.
    Absent,
    /// This server shows it. It may be there without a record of its own: below it is one, or a wildcard stands for it.
    Seen(SocketAddr),
    /// They were not asked, or it is an alias, or another zone's.
    Unknown,
}

impl Resolver {
    /// Follows the CNAME records from `name`, where `delegation` wants that, as the zones' own servers tell them.
    ///
    /// # Errors
    /// As [`follow`](Self::follow).
    pub(crate) async fn locate(&self, name: &DnsName, delegation: Delegation) -> Result<Located, Error> {
        let mut chain = Chain::begin(name);
        loop {
            let standing = self.standing(chain.end()).await;
            let Standing { alias, zone, presence } =
                standing.map_err(|error| error.while_doing(format_args!("following {name}")))?;
            match alias.filter(|_| delegation == Delegation::Follow) {
                Some(target) => grow(&mut chain, target)?,
                None => return Ok(Located { chain, zone, presence }),
            }
        }
    }

    async fn standing(&self, name: &DnsName) -> Result<Standing, Error> {
        match self.told(name).await {
            Some(standing) => Ok(standing),
            None => {
                let alias = self.ask(name, RecordType::CNAME).await?.alias_of(name).transpose()?;
                Ok(Standing { alias, zone: None, presence: Presence::Unknown })
            }
        }
    }

    /// What the first of the zone's servers tells that tells anything.
    async fn told(&self, name: &DnsName) -> Option<Standing> {
        let (_, above) = name.as_str().split_once('.')?;
        let zone = self.zone_of(&DnsName::parse(above).ok()?).await.ok()?;
        let servers = self.servers_of(&zone).await;
        if servers.is_empty() {
            return None;
        }
        let quick = &self.quick();
        let looks = servers.iter().map(|server| look(quick, server, &zone, name).boxed());
        match select_ok(looks).await {
            Ok((standing, _)) => Some(standing),
            Err(error) => {
                tracing::debug!(%zone, %name, %error, "no name server of a zone can be asked");
                self.silent.put(&zone, &(), self.clock().now(), limits::DNS_SILENCE);
                None
            }
        }
    }

    /// The name servers of `zone`; none while they were silent a moment ago.
    pub(super) async fn servers_of(&self, zone: &DnsName) -> Vec<Server> {
        let now = self.clock().now();
        if self.silent.get(zone, now).is_some() {
            return Vec::new();
        }
        if let Some(known) = self.name_servers.get(zone, now) {
            return known;
        }
        let Ok(names) = self.names_of_servers(zone).await else { return Vec::new() };
        let looks = names.into_iter().map(|name| async move {
            let addresses = self.addresses_of(&name).await.unwrap_or_default();
            addresses.into_iter().map(move |address| Server { name: name.clone(), address }).collect::<Vec<_>>()
        });
        let mut servers: Vec<Server> = join_all(looks).await.into_iter().flatten().collect();
        servers.truncate(limits::NAME_SERVERS);
        self.name_servers.put(zone, &servers, now, limits::NAME_SERVERS_TTL);
        servers
    }

    /// What the name servers of `zone` are called: as it says itself, else as the zone above says. An apex that is an alias, as some services let it be, hides
    /// its own.
    pub(super) async fn names_of_servers(&self, zone: &DnsName) -> Result<Vec<DnsName>, Error> {
        let names = self.ask(zone, RecordType::NS).await?.name_servers(zone);
        let Some((_, above)) = zone.as_str().split_once('.').filter(|_| names.is_empty()) else { return Ok(names) };
        let Ok(upper) = self.zone_of(&DnsName::parse(above)?).await else { return Ok(names) };
        let quick = self.quick();
        for server in Box::pin(self.servers_of(&upper)).await {
            let answer = quick.ask_at(&server.address.into(), zone, RecordType::NS, Recursion::Unwanted).await;
            match answer.map(|it| it.name_servers(zone)) {
                Ok(names) if !names.is_empty() => return Ok(names),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(names)
    }

    /// Itself, with less patience: for questions that have another way.
    pub(super) fn quick(&self) -> Self {
        self.clone().with_time_limit(self.limit.min(limits::DNS_QUICK_TIME))
    }
}

async fn look(resolver: &Resolver, server: &Server, zone: &DnsName, name: &DnsName) -> Result<Standing, Error> {
    let answer = resolver.ask_at(&server.address.into(), name, RecordType::CNAME, Recursion::Unwanted).await?;
    if let Some(cut) = answer.referral().filter(|cut| cut != zone && holds(zone, cut) && holds(cut, name)) {
        return Ok(Standing { alias: None, zone: Some(cut), presence: Presence::Unknown });
    }
    if !answer.authoritative {
        let what = format!("{} is no authority for {name}", server.name);
        return Err(Error::new(ErrorKind::Unreachable, what));
    }
    let alias = answer.alias_of(name).transpose()?;
    let zone = match alias {
        Some(_) => Some(zone.clone()),
        // The zone that says so: it may begin at this very name.
        None => answer.denier().map(|(it, _)| it).filter(|it| holds(zone, it) && holds(it, name)),
    };
    let presence = match (&alias, answer.found) {
        (Some(_), _) => Presence::Unknown,
        (None, true) => Presence::Seen(server.address),
        (None, false) => Presence::Absent,
    };
    Ok(Standing { alias, zone, presence })
}
