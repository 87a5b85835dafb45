//! Questions to name servers: to the recursive ones that were given, and to any one by address.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, DnsName, Transport};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::RecordType;

use super::answer::{Answer, wire_name};
use super::authority::Server;
use super::name_server::{addresses, over_https};
use super::zone::ZoneCache;
use super::{NameServer, Transports, exchange, numbered};
use crate::{Error, ErrorKind, limits};

/// Asks name servers. Clones share one cache of zones.
///
/// The servers are recursive ones, tried in order until one answers. Name servers of zones are asked directly, on port 53, unless
/// [`with_authoritative_port`](Self::with_authoritative_port) or [`with_address_of`](Self::with_address_of) say otherwise.
#[derive(Clone)]
pub struct Resolver {
    servers: Arc<[NameServer]>,
    https: Option<Arc<dyn Transport>>,
    addresses: BTreeMap<DnsName, Vec<SocketAddr>>,
    port: u16,
    pub(super) limit: Duration,
    transports: Transports,
    clock: Arc<dyn Clock>,
    pub(super) zones: Arc<ZoneCache<DnsName>>,
    pub(super) name_servers: Arc<ZoneCache<Vec<Server>>>,
    /// Zones whose name servers could not be asked a moment ago.
    pub(super) silent: Arc<ZoneCache<()>>,
}

impl Resolver {
    /// A resolver over the recursive servers at these addresses.
    ///
    /// # Errors
    /// `Malformed` when there are none.
    pub fn new(servers: impl IntoIterator<Item = SocketAddr>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::over(servers.into_iter().map(NameServer::At), clock)
    }

    /// A resolver over these recursive servers. Those behind HTTPS want [`with_https`](Self::with_https), too.
    ///
    /// # Errors
    /// `Malformed` when there are none.
    pub fn over(servers: impl IntoIterator<Item = NameServer>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let servers: Arc<[NameServer]> = servers.into_iter().collect();
        if servers.is_empty() {
            return Err(Error::new(
                ErrorKind::Malformed,
                "no recursive name server is given: name at least one, as 192.0.2.53:53",
            ));
        }
        Ok(Self {
            servers,
            https: None,
            addresses: BTreeMap::new(),
            port: 53,
            limit: limits::DNS_TIME,
            transports: Transports::UdpThenTcp,
            clock,
            zones: Arc::default(),
            name_servers: Arc::default(),
            silent: Arc::default(),
        })
    }

    /// A resolver over the recursive servers that this machine uses (`/etc/resolv.conf`).
    ///
    /// # Errors
    /// `NotFound` when the file cannot be read or names no server.
    pub fn system(clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::from_resolv_conf("/etc/resolv.conf", clock)
    }

    /// A resolver over the `nameserver` lines of a file in the form of `resolv.conf(5)`.
    ///
    /// # Errors
    /// `NotFound` when the file cannot be read or names no server.
    pub fn from_resolv_conf(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let path = path.as_ref();
        let refuse = |why: &str| {
            Error::new(
                ErrorKind::NotFound,
                format!("{} {why}: give the recursive name servers explicitly", path.display()),
            )
        };
        let content = std::fs::read_to_string(path).map_err(|source| refuse("cannot be read").with_source(source))?;
        let servers = servers_in(&content);
        if servers.is_empty() {
            return Err(refuse("names no name server"));
        }
        Self::new(servers, clock)
    }

    /// Speaks HTTPS over `transport` with servers behind it; their own names are for it to find.
    #[must_use]
    pub fn with_https(mut self, transport: Arc<dyn Transport>) -> Self {
        self.https = Some(transport);
        self
    }

    /// The port on which name servers of zones are asked.
    #[must_use]
    pub fn with_authoritative_port(mut self, port: u16) -> Self {
        self.port = port;
        self.name_servers = Arc::default();
        self
    }

    /// Where the name server `name` is asked, instead of looking its addresses up. More than one may be given.
    #[must_use]
    pub fn with_address_of(mut self, name: DnsName, address: SocketAddr) -> Self {
        self.addresses.entry(name).or_default().push(address);
        self.name_servers = Arc::default();
        self
    }

    /// How long one question to one server may take; ten seconds by default.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Asks over TCP alone, for networks that keep UDP back.
    #[must_use]
    pub fn over_tcp(mut self) -> Self {
        self.transports = Transports::Tcp;
        self
    }

    /// The recursive servers, in the order in which they are asked.
    pub fn servers(&self) -> &[NameServer] {
        &self.servers
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Asks the recursive servers where things are: in order, until one answers with NOERROR or NXDOMAIN.
    pub(super) async fn ask(&self, name: &DnsName, kind: RecordType) -> Result<Answer, Error> {
        self.ask_for(name, kind, Recursion::Unproven).await
    }

    async fn ask_for(&self, name: &DnsName, kind: RecordType, recursion: Recursion) -> Result<Answer, Error> {
        let mut failure = None;
        for server in self.servers.iter() {
            match self.ask_at(server, name, kind, recursion).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    tracing::debug!(%server, %name, %kind, %error, "a recursive name server failed");
                    failure = Some(error);
                }
            }
        }
        Err(failure.unwrap_or_else(|| Error::new(ErrorKind::Internal, "no name server to ask")))
    }

    /// Asks one server; anything but NOERROR and NXDOMAIN is an error.
    #[expect(clippy::wildcard_enum_match_arm, reason = "of the codec's codes two are answers")]
    pub(crate) async fn ask_at(
        &self,
        server: &NameServer,
        name: &DnsName,
        kind: RecordType,
        recursion: Recursion,
    ) -> Result<Answer, Error> {
        let about = |error: Error| error.while_doing(format_args!("looking for {kind} of {name}"));
        let mut reply = self.ask_with(server, name, kind, recursion, true).await.map_err(about)?;
        if matches!(reply.metadata.response_code, ResponseCode::FormErr | ResponseCode::NotImp) {
            // Servers from before EDNS (RFC 6891 section 7).
            reply = self.ask_with(server, name, kind, recursion, false).await.map_err(about)?;
        }
        let found = match reply.metadata.response_code {
            ResponseCode::NoError => true,
            ResponseCode::NXDomain => false,
            code => {
                let is_lame =
                    recursion == Recursion::Unwanted && matches!(code, ResponseCode::Refused | ResponseCode::NotAuth);
                let why = if is_lame { format!("; {LAME}") } else { String::new() };
                return Err(about(Error::new(
                    ErrorKind::Unreachable,
                    format!("the name server {server} answered {}{why}", code_name(code)),
                )));
            }
        };
        let (mut records, mut authorities) = (reply.answers, reply.authorities);
        records.truncate(limits::DNS_RECORDS);
        authorities.truncate(limits::DNS_RECORDS);
        Ok(Answer { found, authoritative: reply.metadata.authoritative, records, authorities })
    }

    async fn ask_with(
        &self,
        server: &NameServer,
        name: &DnsName,
        kind: RecordType,
        recursion: Recursion,
        edns: bool,
    ) -> Result<Message, Error> {
        let mut message = Message::new(0, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = recursion != Recursion::Unwanted;
        message.metadata.checking_disabled = recursion == Recursion::Unproven;
        message.add_query(Query::query(wire_name(name)?, kind));
        if edns {
            let mut edns = Edns::new();
            edns.set_max_payload(limits::DNS_UDP_PAYLOAD);
            message.set_edns(edns);
        }
        let mut bytes = message.to_vec().map_err(|source| {
            Error::new(ErrorKind::Internal, "a DNS question could not be written").with_source(source)
        })?;
        numbered(&mut bytes)?;
        let reply = match (server, &self.https) {
            (NameServer::At(address), _) => exchange(*address, &bytes, self.transports, self.limit).await?,
            (NameServer::Named { host, port }, _) => {
                let mut reply = Err(Error::new(ErrorKind::Unreachable, format!("{server} has no address")));
                for address in addresses(host, *port).await? {
                    reply = exchange(address, &bytes, self.transports, self.limit).await;
                    if reply.is_ok() {
                        break;
                    }
                }
                reply?
            }
            (NameServer::Https(url), Some(transport)) => {
                // The same question is the same request: caches on the way know it again (RFC 8484 section 4.1).
                bytes[..2].fill(0);
                over_https(transport.as_ref(), url, &bytes, self.limit).await?
            }
            (NameServer::Https(_), None) => {
                let what = format!("{server} is behind HTTPS, and the resolver was given no transport for that");
                return Err(Error::new(ErrorKind::Unsupported, what));
            }
        };
        Message::from_vec(&reply).map_err(|source| {
            Error::new(ErrorKind::Malformed, format!("the answer of the name server {server} could not be read"))
                .with_source(source)
        })
    }

    /// Where the name server `name` is asked.
    pub(super) async fn addresses_of(&self, name: &DnsName) -> Result<Vec<SocketAddr>, Error> {
        if let Some(addresses) = self.addresses.get(name) {
            return Ok(addresses.clone());
        }
        let mut found = self.hosts_of(name, Recursion::Unproven).await?;
        found.truncate(limits::NAME_SERVER_ADDRESSES);
        Ok(found.into_iter().map(|address| SocketAddr::new(address, self.port)).collect())
    }

    /// The addresses of a name, IPv4 first; an error only where neither kind could be asked for.
    pub(super) async fn hosts_of(&self, name: &DnsName, recursion: Recursion) -> Result<Vec<IpAddr>, Error> {
        let ask = |kind| self.ask_for(name, kind, recursion);
        let (v4, v6) = futures_util::join!(ask(RecordType::A), ask(RecordType::AAAA));
        let mut found = Vec::new();
        let mut failure = None;
        for answer in [v4, v6] {
            match answer {
                Ok(answer) => found.extend(answer.addresses()),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("servers", &self.servers).field("port", &self.port).finish_non_exhaustive()
    }
}

/// Whether a server is asked to find the answer elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recursion {
    /// As clients do.
    Desired,
    /// And not to prove it (RFC 4035 section 3.2.2): from the proof that something is not there a server would deny, until it forgets, whatever comes to lie beside it
    /// (RFC 8198), the record of the challenge among others.
    Unproven,
    Unwanted,
}

/// The word of RFC 1035 and its successors, where there is one.
fn code_name(code: ResponseCode) -> String {
    match u16::from(code) {
        1 => "FORMERR".to_owned(),
        2 => "SERVFAIL".to_owned(),
        3 => "NXDOMAIN".to_owned(),
        4 => "NOTIMP".to_owned(),
        5 => "REFUSED".to_owned(),
        9 => "NOTAUTH".to_owned(),
        10 => "NOTZONE".to_owned(),
        number => format!("response code {number}"),
    }
}

/// What is wrong where a zone names a server that does not hold it.
pub(super) const LAME: &str = "it does not hold the zone, which names it all the same (a lame delegation): serve the zone there, or take the server out of its NS records";

fn servers_in(resolv_conf: &str) -> Vec<SocketAddr> {
    resolv_conf
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("nameserver"), Some(address)) => address.parse::<IpAddr>().ok(),
                _ => None,
            }
        })
        .map(|address| SocketAddr::new(address, 53))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolv_conf_names_its_servers() {
        let content =
            "# a comment\nsearch example.com\nnameserver 192.0.2.53\nnameserver 2001:db8::53 # second\noptions edns0\n";
        assert_eq!(servers_in(content), vec!["192.0.2.53:53".parse().unwrap(), "[2001:db8::53]:53".parse().unwrap()]);
    }
}
