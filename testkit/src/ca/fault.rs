//! What may go wrong, where, and how often.

use std::time::Duration;

use acme_core::protocol::Problem;
use http::HeaderName;

use super::pki::LeafFlaw;
use super::random::Random;

/// What a request is about, as faults and counters name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "tests enumerate it")]
pub enum Endpoint {
    /// The directory.
    Directory,
    /// A new nonce.
    NewNonce,
    /// A new account, or the search for one.
    NewAccount,
    /// An account: look, update, deactivate.
    Account,
    /// An account's list of orders.
    Orders,
    /// A new order.
    NewOrder,
    /// An order.
    Order,
    /// An authorization: look, deactivate.
    Authorization,
    /// A challenge: accept, look.
    Challenge,
    /// The signing request of an order.
    Finalize,
    /// A certificate's chain.
    Certificate,
    /// Renewal information.
    RenewalInfo,
    /// Revocation.
    RevokeCert,
    /// A new key for an account.
    KeyChange,
    /// A URL that leads nowhere.
    Nowhere,
}

impl Endpoint {
    /// Every endpoint that is somewhere.
    pub const ALL: [Self; 14] = [
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
        Self::RenewalInfo,
        Self::RevokeCert,
        Self::KeyChange,
    ];

    /// Whether requests here are signed.
    pub fn is_signed(self) -> bool {
        match self {
            Self::Directory | Self::NewNonce | Self::RenewalInfo | Self::Nowhere => false,
            Self::NewAccount
            | Self::Account
            | Self::Orders
            | Self::NewOrder
            | Self::Order
            | Self::Authorization
            | Self::Challenge
            | Self::Finalize
            | Self::Certificate
            | Self::RevokeCert
            | Self::KeyChange => true,
        }
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The nonce is refused. The answer holds a good one; nothing else happened. At unsigned endpoints it does nothing.
    BadNonce,
    /// 429; until the time it names every further request here is refused too, and counted.
    RateLimited(Wait),
    /// 503; until the time it names every further request here is refused too, and counted.
    Unavailable(Wait),
    /// A failing status with a problem document; the server did nothing.
    ServerError(u16),
    /// A failing status with a page for humans, as a gateway sends it; the server did nothing.
    Html(u16),
    /// This problem, with its own status or 400; the server did nothing.
    Refuse(Box<Problem>),
    /// The connection drops before the server acted.
    DropBefore,
    /// The connection drops after the server acted.
    DropAfter,
    /// The server acts; half of the body arrives, and looks whole.
    CutOff,
    /// The server acts; the body is not JSON.
    Garbage,
    /// The server acts; the answer lacks this header.
    Without(HeaderName),
    /// The server acts; `status` in the answer is this word.
    StatusWord(String),
    /// The server acts; the answer takes so much longer.
    Slow(Duration),
    /// The server forgets what the URL names before it looks (account, order, authorization, certificate).
    Forget,
    /// The server forgets everything before it looks, as after a restart without storage.
    Amnesia,
    /// At `Order` and `Finalize`: the order is invalid from now on. At `Challenge`: the verdict is this problem.
    Invalidate(Box<Problem>),
    /// At `Challenge`: the verdict takes so long. At `Finalize`: the certificate takes so long.
    Processing(Duration),
    /// At `Finalize`: the certificate has a flaw.
    Leaf(LeafFlaw),
    /// At `Certificate`: lines end in CRLF, and text stands around the certificates.
    DecoratedPem,
}

/// The time that a 429 or 503 names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Wait {
    /// None.
    Unsaid,
    /// So long, in seconds.
    Seconds(Duration),
    /// The end of so long, as a date.
    Date(Duration),
}

impl Wait {
    pub(crate) fn span(self) -> Option<Duration> {
        match self {
            Self::Unsaid => None,
            Self::Seconds(span) | Self::Date(span) => Some(span),
        }
    }
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Times {
    /// At the next request.
    Once,
    /// At the next so many requests.
    Next(u32),
    /// At every request.
    Always,
    /// In so many of a hundred requests, by the seed.
    Percent(u8),
    /// Once, after so many requests were let through.
    OnceAfter(u32),
}

/// Names an injected fault; ask [`ModelCa::struck`](super::ModelCa::struck) how often it struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultId(usize);

/// The faults that were injected.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
}

struct Rule {
    endpoint: Option<Endpoint>,
    fault: Fault,
    times: Times,
    struck: usize,
    over: bool,
}

impl Faults {
    pub(crate) fn inject(&mut self, endpoint: Option<Endpoint>, fault: Fault, times: Times) -> FaultId {
        self.rules.push(Rule { endpoint, fault, times, struck: 0, over: false });
        FaultId(self.rules.len() - 1)
    }

    pub(crate) fn struck(&self, id: FaultId) -> usize {
        self.rules.get(id.0).map_or(0, |it| it.struck)
    }

    pub(crate) fn end_all(&mut self) {
        for rule in &mut self.rules {
            rule.over = true;
        }
    }

    /// The fault that strikes at this request, if one does: the first in the order of injection.
    pub(crate) fn strike(&mut self, endpoint: Endpoint, random: &mut Random) -> Option<Fault> {
        for rule in &mut self.rules {
            let here = rule.endpoint.is_none_or(|it| it == endpoint);
            let idle = rule.fault == Fault::BadNonce && !endpoint.is_signed();
            if !here || idle || rule.over {
                continue;
            }
            let strikes = match &mut rule.times {
                Times::Once => {
                    rule.over = true;
                    true
                }
                Times::Next(left) => {
                    let any = *left > 0;
                    *left = left.saturating_sub(1);
                    rule.over = *left == 0;
                    any
                }
                Times::Always => true,
                Times::Percent(percent) => random.chance(*percent),
                Times::OnceAfter(passes) => {
                    let now = *passes == 0;
                    *passes = passes.saturating_sub(1);
                    rule.over = now;
                    now
                }
            };
            if strikes {
                rule.struck += 1;
                return Some(rule.fault.clone());
            }
        }
        None
    }
}
