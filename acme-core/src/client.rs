//! What an order needs from a certificate authority, as one call with one answer.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::CertificateDer;

use crate::Error;
use crate::directory::Revoker;
use crate::protocol::{Authorization, Challenge, NewOrder, Order, Url};

/// Makes the calls of an order under one account.
///
/// `Session` is the implementation of this crate.
///
/// # Contract
/// 1. One `call` is one step of the protocol; `badNonce` is retried inside, nothing else is.
/// 2. An answer whose status is a failure is an error that carries the problem document; a 429 or 503 with a time carries `Retry::After`.
/// 3. An error of kind `Unreachable` or `Malformed` may hide that the server acted.
/// 4. Calls may be made at the same time by any number of callers.
#[async_trait]
pub trait Client: Send + Sync {
    /// Makes one call.
    async fn call(&self, call: &Call) -> Result<Reply, Error>;

    /// The account's URL, byte for byte as the server gave it.
    fn account(&self) -> &Url;

    /// The thumbprint of the account's key (RFC 7638), for key authorizations.
    fn thumbprint(&self) -> &str;

    /// Which of `needs` this client cannot express. Ask once, before the first order.
    fn lacks(&self, needs: Needs) -> Needs {
        let _ = needs;
        Needs::NONE
    }

    /// Who revokes what this client ordered, for [`Directory::revoke`](crate::Directory::revoke); `None` where it cannot.
    fn revoker(&self) -> Option<Revoker<'_>> {
        None
    }
}

/// One step of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client must know every call")]
pub enum Call {
    /// Make an order. Answer: [`Answer::Order`] with its URL.
    NewOrder(NewOrder),
    /// Look through the account's list of orders for an unfinished one like this. Answer: [`Answer::Order`], or [`Answer::Nothing`] where there is none or no list.
    FindOrder(NewOrder),
    /// Look at an order. Answer: [`Answer::Order`].
    ReadOrder(Url),
    /// Look at an authorization. Answer: [`Answer::Authorization`].
    ReadAuthorization(Url),
    /// Say that a challenge may be checked. Answer: [`Answer::Challenge`].
    Accept(Url),
    /// Hand in the signing request (DER). Answer: [`Answer::Order`]; its URL is the order's only where the server repeats it (Pebble
    /// does not), so keep to the one that new-order gave.
    Finalize {
        /// The order's `finalize` URL.
        url: Url,
        /// The signing request (DER).
        csr: Vec<u8>,
    },
    /// Fetch the certificate. Answer: [`Answer::Chains`].
    Download {
        /// The order's `certificate` URL.
        url: Url,
        /// Whether the other chains on offer are fetched too.
        alternates: Alternates,
    },
    /// Give an authorization up. Answer: [`Answer::Authorization`].
    Deactivate(Url),
}

/// Whether the other chains on offer are fetched too; each is one more request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Alternates {
    /// The default chain alone.
    #[default]
    Skip,
    /// Every chain.
    Fetch,
}

/// The answer to a [`Call`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply {
    /// What was answered.
    pub answer: Answer,
    /// How long the server wants us to wait before we look again.
    pub retry_after: Option<Duration>,
}

impl Reply {
    /// A reply, for implementers of [`Client`].
    pub fn new(answer: Answer, retry_after: Option<Duration>) -> Self {
        Self { answer, retry_after }
    }
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the answers of the calls above")]
pub enum Answer {
    /// An order and where it is.
    Order {
        /// Where it is.
        url: Url,
        /// How it stands.
        order: Order,
    },
    /// An authorization.
    Authorization(Authorization),
    /// A challenge.
    Challenge(Challenge),
    /// The certificate's chains, the server's default first.
    Chains(Vec<Chain>),
    /// There is no such thing.
    Nothing,
}

/// A certificate and what leads from it towards a root, the leaf first.
#[derive(Clone, PartialEq, Eq)]
pub struct Chain(Vec<CertificateDer<'static>>);

impl Chain {
    /// A chain from its certificates, leaf first. It may be empty; `issuers::chain` checks what an issuer returned.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Self {
        Self(certificates)
    }

    /// The certificates, leaf first.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0
    }

    /// The leaf.
    pub fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.0.first()
    }
}

impl serde::Serialize for Chain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|it| BASE64_STANDARD.encode(it)))
    }
}

impl<'de> serde::Deserialize<'de> for Chain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let decoded: Result<Vec<_>, _> =
            texts.iter().map(|it| BASE64_STANDARD.decode(it).map(CertificateDer::from)).collect();
        decoded.map(Self).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({} certificates)", self.0.len())
    }
}

/// What a request may need beyond the bare protocol, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Needs(u8);

impl Needs {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// `notBefore` and `notAfter` in an order.
    pub const NOT_AFTER: Self = Self(1);
    /// Alternate chains.
    pub const ALTERNATES: Self = Self(1 << 1);
    /// Orders and authorizations reached by their URL.
    pub const READ_BY_URL: Self = Self(1 << 2);
    /// `Retry-After` handed up.
    pub const RETRY_AFTER: Self = Self(1 << 3);
    /// Profiles.
    pub const PROFILE: Self = Self(1 << 4);
    /// `replaces` of RFC 9773.
    pub const REPLACES: Self = Self(1 << 5);

    const NAMES: [(Self, &'static str); 6] = [
        (Self::NOT_AFTER, "notBefore and notAfter"),
        (Self::ALTERNATES, "alternate chains"),
        (Self::READ_BY_URL, "reading by URL"),
        (Self::RETRY_AFTER, "Retry-After"),
        (Self::PROFILE, "profiles"),
        (Self::REPLACES, "replaces"),
    ];

    /// Everything in either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Is it empty?
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Is all of `other` in it?
    pub const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (need, name) in Self::NAMES {
            if self.holds(need) {
                write!(f, "{between}{name}")?;
                between = ", ";
            }
        }
        if between.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}
