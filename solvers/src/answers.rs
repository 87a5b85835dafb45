//! What validators ask, and the answers that are ready for them.

mod shared;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use acme_core::protocol::KeyAuthorization;
use acme_core::{Identifier, Store};

use self::shared::Shared;
use crate::{Error, ErrorKind, limits};

/// The table between the solvers that fill it and the listeners that answer validators from it.
///
/// Clones share one table. Give one to [`Http01`](crate::Http01) or `TlsAlpn01`, and the same to the HTTP-01 listener, the
/// tower layer, or whatever accepts TLS connections. Answers are put with [`publish`](Self::publish) and taken away with
/// [`withdraw`](Self::withdraw).
///
/// A table of this process ([`new`](Self::new)) waits for nothing; lookups touch one of many locks, for reading. Where a fleet stands behind one name, a validator may
/// ask a node that presented nothing: a table [in a store](Self::shared) is one for all nodes. Listener, layer and solvers take both; whatever accepts TLS connections asks its
/// `Responder` for the configuration of one validator (`server_config_for`).
#[derive(Clone, Default)]
pub struct Answers(Arc<Table>);

/// One answer to one validator's question.
#[derive(Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two ways in which a connection is asked")]
pub enum Answer {
    /// The body that HTTP-01 serves under the token's path, for requests whose host is `identifier`.
    Http {
        /// The name or address that is validated.
        identifier: Identifier,
        /// The token, and the body.
        key_authorization: KeyAuthorization,
    },
    /// The digest in the certificate that TLS-ALPN-01 shows for `identifier`.
    TlsAlpn {
        /// The name or address that is validated.
        identifier: Identifier,
        /// SHA-256 of the key authorization.
        digest: [u8; 32],
    },
}

impl Answers {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The table in `folder` of `store`, with every process that names the same one.
    ///
    /// Each lookup reads the store, and so does each request for a token that nobody knows: listener, layer and responder look at most
    /// [`limits::ANSWER_LOOKUPS`] times at once. [`http`](Self::http), [`tls_alpn`](Self::tls_alpn), [`holds`](Self::holds) and [`len`](Self::len) know nothing of it: use
    /// [`find_http`](Self::find_http), [`find_tls_alpn`](Self::find_tls_alpn) and [`has`](Self::has), which know both kinds.
    ///
    /// # Errors
    /// `Malformed` when `folder` is no key.
    pub fn shared(store: Arc<dyn Store>, folder: &str) -> Result<Self, Error> {
        Ok(Self(Arc::new(Table { shared: Some(Shared::new(store, folder)?), ..Table::default() })))
    }

    /// Adds an answer beside those that are there. Adding the same one again changes nothing.
    ///
    /// # Errors
    /// `Busy` when the table holds [`limits::ANSWERS`] answers, or a shared one [`limits::ANSWERS_SHARED`] to this question; what the store says.
    pub async fn publish(&self, answer: Answer) -> Result<(), Error> {
        if let Some(shared) = &self.0.shared {
            let (question, text) = written(&answer);
            return shared.add(&question.each_ref().map(String::as_str), &text).await;
        }
        match answer {
            Answer::Http { identifier, key_authorization } => {
                let key = (host_of(&identifier), key_authorization.token().to_owned());
                self.0.http.add(key, key_authorization)?;
                #[cfg(feature = "http-01-listener")]
                self.0.published.notify_waiters();
                Ok(())
            }
            Answer::TlsAlpn { identifier, digest } => self.0.tls_alpn.add(host_of(&identifier), digest),
        }
    }

    /// Removes exactly this answer; nothing happens when it is not there.
    ///
    /// # Errors
    /// What the store says, where there is one.
    pub async fn withdraw(&self, answer: &Answer) -> Result<(), Error> {
        if let Some(shared) = &self.0.shared {
            let (question, text) = written(answer);
            return shared.remove(&question.each_ref().map(String::as_str), &text).await;
        }
        match answer {
            Answer::Http { identifier, key_authorization } => {
                let key = (host_of(identifier), key_authorization.token().to_owned());
                self.0.http.remove(&key, key_authorization);
            }
            Answer::TlsAlpn { identifier, digest } => {
                self.0.tls_alpn.remove(&host_of(identifier), digest);
            }
        }
        Ok(())
    }

    /// Whether exactly this answer is in the table.
    pub fn holds(&self, answer: &Answer) -> bool {
        match answer {
            Answer::Http { identifier, key_authorization } => {
                let key = (host_of(identifier), key_authorization.token().to_owned());
                self.0.http.holds(&key, key_authorization)
            }
            Answer::TlsAlpn { identifier, digest } => self.0.tls_alpn.holds(&host_of(identifier), digest),
        }
    }

    /// Whether exactly this answer is in the table, wherever that lies.
    ///
    /// # Errors
    /// What the store says, where there is one.
    pub async fn has(&self, answer: &Answer) -> Result<bool, Error> {
        let Some(shared) = &self.0.shared else { return Ok(self.holds(answer)) };
        let (question, text) = written(answer);
        let texts = shared.texts(&question.each_ref().map(String::as_str)).await?;
        Ok(texts.contains(&text))
    }

    /// As [`http`](Self::http), wherever the table lies.
    ///
    /// # Errors
    /// What the store says, where there is one.
    pub async fn find_http(&self, host: &str, token: &str) -> Result<Option<KeyAuthorization>, Error> {
        let Some(shared) = &self.0.shared else { return Ok(self.http(host, token)) };
        // What no authority makes a token of is not looked for.
        let (Some(host), true) = (bare_host(host), KeyAuthorization::new(token, "").is_ok()) else { return Ok(None) };
        let texts = shared.texts(&[HTTP, &host, token]).await?;
        let read = |text: &String| KeyAuthorization::new(token, text.strip_prefix(token)?.strip_prefix('.')?).ok();
        Ok(texts.iter().rev().find_map(read))
    }

    /// As [`tls_alpn`](Self::tls_alpn), wherever the table lies.
    ///
    /// # Errors
    /// What the store says, where there is one.
    pub async fn find_tls_alpn(&self, server_name: &str) -> Result<Option<TlsAlpnAnswer>, Error> {
        let Some(shared) = &self.0.shared else { return Ok(self.tls_alpn(server_name)) };
        let Some(identifier) = identifier_of(server_name) else { return Ok(None) };
        let texts = shared.texts(&[TLS_ALPN, &host_of(&identifier), DIGESTS]).await?;
        let digest = texts.iter().rev().find_map(|it| bytes_of(it));
        Ok(digest.map(|digest| TlsAlpnAnswer { identifier, digest }))
    }

    /// As [`find_http`](Self::find_http), for a stranger: at most [`limits::ANSWER_LOOKUPS`] look at once, and what fails is logged.
    pub async fn seek_http(&self, host: &str, token: &str) -> Option<KeyAuthorization> {
        match &self.0.shared {
            Some(shared) => shared.seek(self.find_http(host, token)).await,
            None => self.http(host, token),
        }
    }

    /// As [`find_tls_alpn`](Self::find_tls_alpn), for a stranger: at most [`limits::ANSWER_LOOKUPS`] look at once, and what fails is logged.
    pub async fn seek_tls_alpn(&self, server_name: &str) -> Option<TlsAlpnAnswer> {
        match &self.0.shared {
            Some(shared) => shared.seek(self.find_tls_alpn(server_name)).await,
            None => self.tls_alpn(server_name),
        }
    }

    /// Whether the table lies in a store.
    pub fn is_shared(&self) -> bool {
        self.0.shared.is_some()
    }

    /// What to serve for `token` to a request for `host`: a `Host` field or an authority, in any case, with or without
    /// port, final dot and brackets. Of several answers the newest.
    pub fn http(&self, host: &str, token: &str) -> Option<KeyAuthorization> {
        let host = bare_host(host)?;
        self.0.http.newest(&(host, token.to_owned()))
    }

    /// The same, of an answer that may be published a moment after it is asked for: by another process whose news is still under way.
    #[cfg(feature = "http-01-listener")]
    pub(crate) async fn http_soon(
        &self,
        host: &str,
        token: &str,
        patience: std::time::Duration,
    ) -> Option<KeyAuthorization> {
        let answered = async {
            loop {
                let mut published = std::pin::pin!(self.0.published.notified());
                published.as_mut().enable();
                if let Some(answer) = self.http(host, token) {
                    return answer;
                }
                published.await;
            }
        };
        tokio::time::timeout(patience, answered).await.ok()
    }

    /// The digest to show to a TLS-ALPN-01 validator whose server name is `server_name`: a DNS name, or the reverse-mapping
    /// name of an address (RFC 8738 section 6). Of several answers the newest; an older one shows again when that is withdrawn.
    pub fn tls_alpn(&self, server_name: &str) -> Option<TlsAlpnAnswer> {
        let identifier = identifier_of(server_name)?;
        let digest = self.0.tls_alpn.newest(&host_of(&identifier))?;
        Some(TlsAlpnAnswer { identifier, digest })
    }

    /// How many answers the table holds.
    pub fn len(&self) -> usize {
        self.0.http.len() + self.0.tls_alpn.len()
    }

    /// Whether the table holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("http", &self.0.http.len()).field("tls_alpn", &self.0.tls_alpn.len()).finish()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, identifier) = match self {
            Self::Http { identifier, .. } => ("Http", identifier),
            Self::TlsAlpn { identifier, .. } => ("TlsAlpn", identifier),
        };
        f.debug_struct(kind).field("identifier", identifier).finish_non_exhaustive()
    }
}

/// What the certificate for a TLS-ALPN-01 validator must carry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TlsAlpnAnswer {
    /// The one subject alternative name.
    pub identifier: Identifier,
    /// The digest in the `acmeIdentifier` extension.
    pub digest: [u8; 32],
}

#[derive(Default)]
struct Table {
    /// Then the rest is empty.
    shared: Option<Shared>,
    http: Shards<(String, String), KeyAuthorization>,
    tls_alpn: Shards<String, [u8; 32]>,
    /// Told of every answer to HTTP-01 that is published.
    #[cfg(feature = "http-01-listener")]
    published: tokio::sync::Notify,
}

/// A map from keys to lists of values, newest last, behind as many locks as keep writers out of readers' way.
struct Shards<K, V> {
    hasher: RandomState,
    shards: [RwLock<Shard<K, V>>; 16],
}

struct Shard<K, V> {
    values: HashMap<K, Vec<V>>,
    count: usize,
}

impl<K: Hash + Eq, V: Clone + PartialEq> Shards<K, V> {
    fn add(&self, key: K, value: V) -> Result<(), Error> {
        let mut shard = self.shard(&key).write().unwrap_or_else(PoisonError::into_inner);
        let known = shard.values.get(&key).is_some_and(|it| it.contains(&value));
        if known {
            return Ok(());
        }
        if shard.count >= limits::ANSWERS / 16 {
            return Err(Error::new(
                ErrorKind::Busy,
                "the table of challenge answers is full: too many challenges at once, or answers that were never cleaned up",
            ));
        }
        shard.count += 1;
        shard.values.entry(key).or_default().push(value);
        Ok(())
    }

    fn remove(&self, key: &K, value: &V) {
        let mut shard = self.shard(key).write().unwrap_or_else(PoisonError::into_inner);
        let Some(values) = shard.values.get_mut(key) else {
            return;
        };
        let before = values.len();
        values.retain(|it| it != value);
        let left = values.len();
        if left == 0 {
            shard.values.remove(key);
        }
        shard.count -= before - left;
    }

    fn newest(&self, key: &K) -> Option<V> {
        let shard = self.shard(key).read().unwrap_or_else(PoisonError::into_inner);
        shard.values.get(key)?.last().cloned()
    }

    fn holds(&self, key: &K, value: &V) -> bool {
        let shard = self.shard(key).read().unwrap_or_else(PoisonError::into_inner);
        shard.values.get(key).is_some_and(|values| values.contains(value))
    }

    fn len(&self) -> usize {
        let count = |shard: &RwLock<Shard<K, V>>| shard.read().unwrap_or_else(PoisonError::into_inner).count;
        self.shards.iter().map(count).sum()
    }

    fn shard(&self, key: &K) -> &RwLock<Shard<K, V>> {
        let at = self.hasher.hash_one(key) % 16;
        &self.shards[usize::try_from(at).unwrap_or(0)]
    }
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| RwLock::default()) }
    }
}

impl<K, V> Default for Shard<K, V> {
    fn default() -> Self {
        Self { values: HashMap::new(), count: 0 }
    }
}

/// The question of an answer, and the answer, as a shared table keeps them.
fn written(answer: &Answer) -> ([String; 3], String) {
    match answer {
        Answer::Http { identifier, key_authorization } => {
            let question = [HTTP.to_owned(), host_of(identifier), key_authorization.token().to_owned()];
            (question, key_authorization.as_str().to_owned())
        }
        Answer::TlsAlpn { identifier, digest } => {
            let digits = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            ([TLS_ALPN.to_owned(), host_of(identifier), DIGESTS.to_owned()], digits)
        }
    }
}

/// A digest from its hex digits.
fn bytes_of(digits: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}

/// The name or address as the tables spell it.
fn host_of(identifier: &Identifier) -> String {
    identifier.to_string()
}

/// A `Host` field or an authority as the tables spell it.
fn bare_host(host: &str) -> Option<String> {
    let host = host.trim();
    if let Some(rest) = host.strip_prefix('[') {
        let (address, _port) = rest.split_once(']')?;
        return address.parse::<IpAddr>().ok().map(|it| it.to_string());
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let name = host.split_once(':').map_or(host, |(name, _port)| name);
    let name = name.strip_suffix('.').unwrap_or(name);
    if let Ok(address) = name.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

/// What a TLS server name stands for: itself, or the address that it maps back to.
fn identifier_of(server_name: &str) -> Option<Identifier> {
    let name = server_name.strip_suffix('.').unwrap_or(server_name);
    let lower = name.to_ascii_lowercase();
    let address = if let Some(rest) = lower.strip_suffix(".in-addr.arpa") {
        reversed_v4(rest)
    } else if let Some(rest) = lower.strip_suffix(".ip6.arpa") {
        reversed_v6(rest)
    } else {
        None
    };
    match address {
        Some(address) => Some(Identifier::Ip(address)),
        None => Identifier::parse(&lower).ok(),
    }
}

fn reversed_v4(labels: &str) -> Option<IpAddr> {
    let mut parts: Vec<&str> = labels.split('.').collect();
    parts.reverse();
    parts.join(".").parse::<std::net::Ipv4Addr>().ok().map(IpAddr::V4)
}

fn reversed_v6(labels: &str) -> Option<IpAddr> {
    let mut bits: u128 = 0;
    let mut count = 0_u32;
    for label in labels.split('.').rev() {
        let mut chars = label.chars();
        let nibble = match (chars.next(), chars.next()) {
            (Some(char), None) => char.to_digit(16)?,
            _ => return None,
        };
        bits = (bits << 4) | u128::from(nibble);
        count += 1;
    }
    (count == 32).then(|| IpAddr::V6(bits.into()))
}

/// The folders of a shared table.
const HTTP: &str = "http-01";
const TLS_ALPN: &str = "tls-alpn-01";
const DIGESTS: &str = "digests";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverse_names_map_back_to_addresses() {
        for (name, address) in [
            ("1.0.0.127.in-addr.arpa", "127.0.0.1"),
            ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.IP6.ARPA", "2001:db8::1"),
        ] {
            assert_eq!(identifier_of(name), Some(Identifier::Ip(address.parse().unwrap())), "{name}");
        }
        assert_eq!(identifier_of("1.0.ip6.arpa").unwrap().to_string(), "1.0.ip6.arpa");
    }

    #[test]
    fn hosts_are_read_as_clients_write_them() {
        for (written, meant) in [
            ("Example.COM:80", "example.com"),
            ("example.com.", "example.com"),
            ("[2001:DB8::1]:80", "2001:db8::1"),
            ("[::1]", "::1"),
            ("192.0.2.1:5002", "192.0.2.1"),
        ] {
            assert_eq!(bare_host(written).as_deref(), Some(meant), "{written}");
        }
        assert_eq!(bare_host(""), None);
    }
}
