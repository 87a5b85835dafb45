//! DNS UPDATE (RFC 2136) with transaction signatures (RFC 8945): BIND, Knot, PowerDNS and others.

mod key;
mod primary;
mod refusal;
mod tsig;
mod update;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use acme_core::Clock;
use async_trait::async_trait;
use hickory_proto::rr::RecordType;

pub use key::{TsigAlgorithm, TsigKey};

use self::primary::Primary;
use self::refusal::refusal;
use self::tsig::Reply;
use self::update::Change;
use crate::credentials::{CredentialSource, Fixed};
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
    primary: Primary,
    keys: Option<Arc<dyn CredentialSource<TsigKey>>>,
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
        let primary = Primary::parse(server)?;
        Ok(Self { primary, keys: None, transports: Transports::UdpThenTcp, limit: limits::DNS_TIME, clock })
    }

    /// Signs updates with `key`.
    #[must_use]
    pub fn with_key(self, key: TsigKey) -> Self {
        self.with_keys(Arc::new(Fixed::new(key)))
    }

    /// Signs updates with the key that `keys` answers, and with another one when the server refused the first: a rotated secret is picked up without a restart.
    #[must_use]
    pub fn with_keys(mut self, keys: Arc<dyn CredentialSource<TsigKey>>) -> Self {
        self.keys = Some(keys);
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
        let mut has_second_try = true;
        loop {
            let key = self.key().await.map_err(about)?;
            let (server, reply) = self.send(&message, key.as_deref()).await.map_err(about)?;
            if let Some(keys) = self.keys.as_ref().filter(|_| reply.refuses_key()) {
                keys.rejected();
                if std::mem::take(&mut has_second_try) {
                    continue;
                }
            }
            return match refusal(&reply, key.as_deref(), record, server) {
                None => Ok(server),
                Some(error) => Err(about(error)),
            };
        }
    }

    async fn key(&self) -> Result<Option<Arc<TsigKey>>, Error> {
        match &self.keys {
            None => Ok(None),
            Some(keys) => keys.credential(self.clock.now()).await.map(Some),
        }
    }

    /// Asks the addresses of the server, in order, until one answers.
    async fn send(&self, message: &[u8], key: Option<&TsigKey>) -> Result<(SocketAddr, Reply), Error> {
        let mut failure = None;
        for server in self.primary.addresses().await? {
            match self.send_to(server, message, key).await {
                Ok(reply) => return Ok((server, reply)),
                Err(error) if error.kind() == ErrorKind::Unreachable => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or_else(|| Error::new(ErrorKind::Unreachable, format!("{} has no address", self.primary))))
    }

    async fn send_to(&self, server: SocketAddr, message: &[u8], key: Option<&TsigKey>) -> Result<Reply, Error> {
        let Some(key) = key else {
            let reply = exchange(server, message, self.transports, self.limit).await?;
            return tsig::read_unsigned(&reply);
        };
        let signed = tsig::sign(message, key, self.clock.now());
        let reply = exchange(server, &signed.message, self.transports, self.limit).await?;
        tsig::verify(&reply, &signed.mac, key, self.clock.now())
    }

    /// Servers take an addition beside a CNAME with NOERROR and drop it (RFC 2136 section 3.4.2.2).
    async fn read_back(&self, server: SocketAddr, record: &TxtRecord) -> Result<(), Error> {
        let resolver = Resolver::new([server], self.clock.clone())?.with_time_limit(self.limit);
        let resolver = if self.transports == Transports::Tcp { resolver.over_tcp() } else { resolver };
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
        f.debug_struct("Rfc2136").field("primary", &self.primary).finish_non_exhaustive()
    }
}
