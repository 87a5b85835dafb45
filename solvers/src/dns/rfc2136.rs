//! DNS UPDATE (RFC 2136) with transaction signatures (RFC 8945): BIND, Knot, PowerDNS and others.

mod key;
mod tsig;
mod update;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, text};
use async_trait::async_trait;
use hickory_proto::rr::RecordType;

pub use key::{TsigAlgorithm, TsigKey};

use self::tsig::{Reply, TsigFault};
use self::update::Change;
use crate::dns01::{DnsProvider, Recursion, Resolver, Transports, TxtRecord, exchange, numbered};
use crate::{Error, ErrorKind, limits};

/// Writes TXT records by DNS UPDATE to one primary name server.
///
/// Each change adds or removes exactly one value in one message; the server merges. The zone comes from the SOA walk of
/// [`Dns01`](crate::dns01::Dns01). Updates are unsigned until [`with_key`](Self::with_key); replies to signed ones must be signed too. After adding, the
/// server is asked whether an alias (CNAME) lies at the owner, because servers answer NOERROR there and ignore the record.
///
/// ```
/// # use std::sync::Arc;
/// # struct Wall;
/// # impl acme_core::Clock for Wall {
/// #     fn now(&self) -> acme_core::Timestamp { acme_core::Timestamp::EPOCH }
/// # }
/// use acme_core::{Clock, Secret};
/// use certwright_solvers::dns::rfc2136::{Rfc2136, TsigAlgorithm, TsigKey};
/// use certwright_solvers::dns01::{Dns01, Resolver};
///
/// let clock: Arc<dyn Clock> = Arc::new(Wall);
/// let secret = Secret::new("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned());
/// let key = TsigKey::from_base64("acme-key", TsigAlgorithm::HmacSha256, &secret)?;
/// let provider = Rfc2136::new("ns1.example.com", clock.clone())?.with_key(key);
/// let solver = Dns01::new(provider, Resolver::new(["192.0.2.53:53".parse().unwrap()], clock)?);
/// # Ok::<(), certwright_solvers::Error>(())
/// ```
#[derive(Clone)]
pub struct Rfc2136 {
    host: String,
    port: u16,
    key: Option<Arc<TsigKey>>,
    transports: Transports,
    limit: Duration,
    clock: Arc<dyn Clock>,
}

impl Rfc2136 {
    /// A provider that sends updates to `server`: a name or an address, with or without a port (`ns1.example.com`, `192.0.2.53:5353`,
    /// `[2001:db8::53]:53`). `clock` gives the time of signatures.
    ///
    /// # Errors
    /// `Malformed` when `server` is neither.
    pub fn new(server: &str, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let (host, port) = host_and_port(server).ok_or_else(|| {
            Error::new(
                ErrorKind::Malformed,
                format!(
                    "{:?} names no server for updates: write a host or an address, with a port if it is not 53 (ns1.example.com, 192.0.2.53:5353, [2001:db8::53]:53)",
                    text::printable(server, 260)
                ),
            )
        })?;
        Ok(Self { host, port, key: None, transports: Transports::UdpThenTcp, limit: limits::DNS_TIME, clock })
    }

    /// Signs updates with `key`.
    #[must_use]
    pub fn with_key(mut self, key: TsigKey) -> Self {
        self.key = Some(Arc::new(key));
        self
    }

    /// Sends over TCP alone, instead of UDP with TCP as its stand-in.
    #[must_use]
    pub fn over_tcp(mut self) -> Self {
        self.transports = Transports::Tcp;
        self
    }

    /// How long one exchange with one address of the server may take; ten seconds by default.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    async fn apply(&self, record: &TxtRecord, change: Change) -> Result<SocketAddr, Error> {
        let about =
            |error: Error| error.while_doing(format_args!("{} a TXT value at {}", change.doing(), record.owner));
        let zone = &record.needed_zone()?.name;
        let mut message = update::message(record, zone, change).map_err(about)?;
        numbered(&mut message)?;
        let mut failure = None;
        for server in self.addresses().await.map_err(about)? {
            match self.send(server, &message).await {
                Ok(reply) => {
                    return match refusal(&reply, self, record, server) {
                        None => Ok(server),
                        Some(error) => Err(about(error)),
                    };
                }
                Err(error) if error.kind() == ErrorKind::Unreachable => failure = Some(error),
                Err(error) => return Err(about(error)),
            }
        }
        Err(about(
            failure.unwrap_or_else(|| Error::new(ErrorKind::Unreachable, format!("{} has no address", self.host))),
        ))
    }

    async fn send(&self, server: SocketAddr, message: &[u8]) -> Result<Reply, Error> {
        match &self.key {
            None => {
                let reply = exchange(server, message, self.transports, self.limit).await?;
                tsig::read_unsigned(&reply)
            }
            Some(key) => {
                let signed = tsig::sign(message, key, self.clock.now());
                let reply = exchange(server, &signed.message, self.transports, self.limit).await?;
                tsig::verify(&reply, &signed.mac, key, self.clock.now())
            }
        }
    }

    /// Servers take an addition beside a CNAME with NOERROR and drop it (RFC 2136 section 3.4.2.2).
    async fn read_back(&self, server: SocketAddr, record: &TxtRecord) -> Result<(), Error> {
        let resolver = Resolver::new([server], self.clock.clone())?.with_time_limit(self.limit);
        let answer = resolver.ask_at(&server.into(), &record.owner, RecordType::TXT, Recursion::Unwanted).await;
        match answer {
            Ok(answer) => match answer.alias_of(&record.owner) {
                None => Ok(()),
                Some(target) => {
                    let target = target.map_or_else(|_| "another name".to_owned(), |it| it.to_string());
                    Err(Error::new(
                        ErrorKind::Refused,
                        format!(
                            "the server {server} ignored a TXT value at {}: the name is an alias of {target}; follow the delegation, or remove the CNAME record",
                            record.owner
                        ),
                    ))
                }
            },
            // A server that takes updates but no questions from here: the propagation check will tell.
            Err(error) => {
                tracing::debug!(%server, %error, "an update could not be read back");
                Ok(())
            }
        }
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, Error> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let mut addresses: Vec<SocketAddr> = found
            .map_err(|source| {
                Error::new(ErrorKind::Unreachable, format!("the update server {} was not found", self.host))
                    .with_source(source)
            })?
            .collect();
        addresses.truncate(limits::NAME_SERVER_ADDRESSES);
        Ok(addresses)
    }
}

#[async_trait]
impl DnsProvider for Rfc2136 {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let server = self.apply(record, Change::Add).await?;
        self.read_back(server, record).await
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.apply(record, Change::Remove).await.map(|_| ())
    }
}

impl fmt::Debug for Rfc2136 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rfc2136")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What a reply refuses, and what to do about it.
fn refusal(reply: &Reply, provider: &Rfc2136, record: &TxtRecord, server: SocketAddr) -> Option<Error> {
    let key = provider.key.as_deref();
    let zone = record.zone.as_ref().map_or("", |zone| zone.name.as_str());
    let owner = &record.owner;
    let named = key.map_or_else(String::new, ToString::to_string);
    let fault = |kind, what: String| Some(Error::new(kind, what));
    match (reply.fault, reply.code, key) {
        (Some(TsigFault::BadKey), ..) => fault(
            ErrorKind::Unauthorized,
            format!("BADKEY: the server {server} does not take {named}; check the key's name and algorithm there, and (Knot) that it may update TXT at {owner}"),
        ),
        (Some(TsigFault::BadSignature), ..) => fault(
            ErrorKind::Unauthorized,
            format!("BADSIG: the secret of {named} is not the one that the server {server} has"),
        ),
        (Some(TsigFault::BadTime), ..) => Some(
            Error::new(
                ErrorKind::Unauthorized,
                format!("BADTIME: this machine's clock and that of the server {server} are more than five minutes apart; correct them"),
            )
            .with_retry(crate::Retry::Backoff),
        ),
        (Some(TsigFault::Other(number)), ..) => fault(
            ErrorKind::Refused,
            format!("the server {server} refused the signature of {named} with TSIG error {number}"),
        ),
        (None, 0, _) => None,
        (None, REFUSED, None) => fault(
            ErrorKind::Unauthorized,
            format!("REFUSED: the server {server} takes no unsigned update of {zone}; configure a TSIG key, or allow this address there"),
        ),
        (None, REFUSED, Some(_)) => fault(
            ErrorKind::Unauthorized,
            format!("REFUSED: the server {server} does not let {named} change TXT records at {owner}; grant it (BIND: update-policy or allow-update of zone {zone})"),
        ),
        (None, NOTAUTH, None) => fault(
            ErrorKind::Unauthorized,
            format!("NOTAUTH: the server {server} does not hold {zone}, or takes no unsigned update of it; send updates to its primary server, with a TSIG key"),
        ),
        (None, NOTAUTH, Some(_)) => fault(
            ErrorKind::Refused,
            format!("NOTAUTH: the server {server} does not hold the zone {zone}; send updates to its primary server"),
        ),
        (None, NOTZONE, _) => fault(
            ErrorKind::Refused,
            format!("NOTZONE: {owner} does not lie in the zone {zone} of the server {server}"),
        ),
        (None, NOTIMP, _) => fault(
            ErrorKind::Unsupported,
            format!("NOTIMP: the server {server} takes no updates; switch them on for {zone}, or use another server"),
        ),
        (None, SERVFAIL, _) => fault(
            ErrorKind::Busy,
            format!("SERVFAIL: the server {server} could not apply the update of {zone}; its log says why (often: it may not write the zone's journal)"),
        ),
        (None, code, _) => fault(
            ErrorKind::Internal,
            format!("the server {server} answered the update of {zone} with response code {code}"),
        ),
    }
}

fn host_and_port(server: &str) -> Option<(String, u16)> {
    let server = server.trim();
    if let Ok(address) = server.parse::<SocketAddr>() {
        return Some((address.ip().to_string(), address.port()));
    }
    let bare = server.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(server);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some((address.to_string(), 53));
    }
    let (host, port) = match server.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (server, 53),
    };
    let name = acme_core::DnsName::parse(host).ok()?;
    (!name.is_wildcard()).then(|| (name.as_str().to_owned(), port))
}

const SERVFAIL: u8 = 2;
const NOTIMP: u8 = 4;
const REFUSED: u8 = 5;
const NOTAUTH: u8 = 9;
const NOTZONE: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_as_people_write_them() {
        for (written, host, port) in [
            ("ns1.example.com", "ns1.example.com", 53),
            ("ns1.example.com:5300", "ns1.example.com", 5300),
            ("192.0.2.53", "192.0.2.53", 53),
            ("192.0.2.53:5300", "192.0.2.53", 5300),
            ("[2001:db8::53]:5300", "2001:db8::53", 5300),
            ("[2001:db8::53]", "2001:db8::53", 53),
            ("2001:db8::53", "2001:db8::53", 53),
        ] {
            assert_eq!(host_and_port(written), Some((host.to_owned(), port)), "{written}");
        }
        for wrong in ["", "a b", "ns1:port", "https://ns1", ":53"] {
            assert_eq!(host_and_port(wrong), None, "{wrong}");
        }
    }
}
