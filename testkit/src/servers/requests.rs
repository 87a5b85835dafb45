//! What a CA was asked, as its own log tells it.

use std::fmt;

/// The requests that a CA received, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests(Vec<Request>);

impl Requests {
    /// Reads the lines of Pebble's log that announce a request; everything else in it is passed over.
    pub(super) fn from_pebble_log(log: &str) -> Self {
        Self(log.lines().filter_map(Request::from_pebble_line).collect())
    }

    /// How many requests went to one endpoint.
    #[must_use]
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.0.iter().filter(|request| request.endpoint == endpoint).count()
    }

    /// How many requests there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The requests that came after an earlier look at the same server.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self(self.0.get(earlier.len()..).unwrap_or_default().to_vec())
    }

    /// The requests one by one, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Request> {
        self.0.iter()
    }
}

impl fmt::Display for Requests {
    /// Prints the total and the count of each endpoint that was asked: `7: newOrder 1, authorization 1, …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.len())?;
        let mut separator = ": ";
        for endpoint in Endpoint::ALL {
            let count = self.count(endpoint);
            if count > 0 {
                write!(f, "{separator}{} {count}", endpoint.name())?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// The kind of resource that was asked for.
    pub endpoint: Endpoint,
}

impl Request {
    // Pebble 2026/01/02 03:04:05 POST /order-plz -> calling handler()
    fn from_pebble_line(line: &str) -> Option<Self> {
        let mut words = line.strip_suffix(" -> calling handler()")?.rsplit(' ');
        let endpoint = Endpoint::of_pebble(words.next()?)?;
        Some(Self { method: words.next()?.to_owned(), endpoint })
    }
}

/// A kind of resource of an ACME server (RFC 8555 section 7.1, RFC 9773).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// The directory.
    Directory,
    /// A fresh nonce.
    NewNonce,
    /// Account registration or lookup.
    NewAccount,
    /// An account: update or deactivation.
    Account,
    /// An account's list of orders.
    Orders,
    /// A new order.
    NewOrder,
    /// An order, read.
    Order,
    /// An authorization, read or deactivated.
    Authorization,
    /// A challenge, accepted or read.
    Challenge,
    /// The signing request of an order.
    Finalize,
    /// A certificate chain.
    Certificate,
    /// Revocation.
    RevokeCert,
    /// Account key change.
    KeyChange,
    /// Renewal information.
    RenewalInfo,
}

impl Endpoint {
    const ALL: [Self; 14] = [
        Self::Directory,
        Self::NewNonce,
        Self::NewAccount,
        Self::Account,
        Self::Orders,
        Self::NewOrder,
        Self::Order,
        Self::Authorization,
        Self::Challenge,
        Self::Finalize,
        Self::Certificate,
        Self::RevokeCert,
        Self::KeyChange,
        Self::RenewalInfo,
    ];

    /// The word RFC 8555 uses for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::NewNonce => "newNonce",
            Self::NewAccount => "newAccount",
            Self::Account => "account",
            Self::Orders => "orders",
            Self::NewOrder => "newOrder",
            Self::Order => "order",
            Self::Authorization => "authorization",
            Self::Challenge => "challenge",
            Self::Finalize => "finalize",
            Self::Certificate => "certificate",
            Self::RevokeCert => "revokeCert",
            Self::KeyChange => "keyChange",
            Self::RenewalInfo => "renewalInfo",
        }
    }

    // Pebble names its paths so that no client can guess them; its log has the pattern, not the whole path.
    fn of_pebble(pattern: &str) -> Option<Self> {
        Some(match pattern {
            "/dir" => Self::Directory,
            "/nonce-plz" => Self::NewNonce,
            "/sign-me-up" => Self::NewAccount,
            "/my-account/" => Self::Account,
            "/list-orderz/" => Self::Orders,
            "/order-plz" => Self::NewOrder,
            "/my-order/" => Self::Order,
            "/authZ/" => Self::Authorization,
            "/chalZ/" => Self::Challenge,
            "/finalize-order/" => Self::Finalize,
            "/certZ/" => Self::Certificate,
            "/revoke-cert" => Self::RevokeCert,
            "/rollover-account-key" => Self::KeyChange,
            path if path.ends_with("/renewalInfo/") => Self::RenewalInfo,
            _ => return None,
        })
    }
}
