//! One order: make it, see its authorizations through, hand in the signing request, fetch the certificate.

mod agenda;
mod transitions;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pacing::Looks;
use super::{Applied, FORMAT, Failures, Fault, Next, Obstacle, OrderPace};
use crate::client::{Alternates, Chain};
use crate::envelope;
use crate::protocol::{NewOrder, Order, Url};
use crate::{Error, ErrorKind, Identifier, Timestamp};

/// The state machine of one order. It knows authorizations by URL, identifier and standing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFlow {
    request: NewOrder,
    #[serde(with = "alternates_as_word")]
    alternates: Alternates,
    #[serde(default, skip_serializing_if = "super::pacing::is_usual")]
    pace: OrderPace,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Creating {
        deadline: Timestamp,
        doubt: Doubt,
        failures: Failures,
    },
    Authorizing {
        url: Url,
        deadline: Timestamp,
        known: Option<Known>,
        looks: Looks,
        failures: Failures,
    },
    Finalizing {
        url: Url,
        finalize: Url,
        deadline: Timestamp,
        doubt: Doubt,
        refusal: Option<Fault>,
        failures: Failures,
    },
    Issuing {
        url: Url,
        deadline: Timestamp,
        looks: Looks,
        failures: Failures,
    },
    Downloading {
        url: Url,
        certificate: Url,
        deadline: Timestamp,
        failures: Failures,
    },
    Issued {
        url: Url,
        chains: Vec<Chain>,
    },
    Failed {
        url: Option<Url>,
        fault: Fault,
    },
}

/// Whether the irreversible step of a state may have happened without our knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Doubt {
    None,
    MayHaveHappened,
}

/// What the server said of a pending order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    authorizations: BTreeMap<Url, Authorizing>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Authorizing {
    identifier: Option<Identifier>,
    standing: Standing,
    #[serde(default, skip_serializing_if = "is_fresh")]
    failures: Failures,
}

fn is_fresh(failures: &Failures) -> bool {
    *failures == Failures::default()
}

/// Where an authorization stands, as the order sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Standing {
    /// Not looked at yet.
    #[default]
    Unknown,
    /// Somebody works on it.
    Pending,
    /// The server was told to check; a look at the order will show how it went.
    Answered,
    /// Proven.
    Valid,
    /// It will not be proven, and why.
    Invalid(Fault),
}

/// How far an order is; later stages are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "who stores stages must know every one")]
pub enum OrderStage {
    /// It is to be made.
    Creating,
    /// Only its URL is known.
    Describing,
    /// Its authorizations are known, and not all are valid.
    Authorizing,
    /// The signing request is to be handed in.
    Finalizing,
    /// The server makes the certificate.
    Issuing,
    /// The certificate is to be fetched.
    Downloading,
    /// The certificate is here.
    Issued,
    /// There will be none.
    Failed,
}

/// What an order flow wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a driver must carry out every action")]
pub enum OrderAction {
    /// Look for an unfinished order like this: `Call::FindOrder`.
    Find(NewOrder),
    /// Make the order: `Call::NewOrder`. Irreversible.
    Create(NewOrder),
    /// Look at the order: `Call::ReadOrder`.
    Read(Url),
    /// Look at one of its authorizations: `Call::ReadAuthorization`.
    ReadAuthorization(Url),
    /// Hand in the signing request at this URL: `Call::Finalize`. Irreversible.
    Finalize(Url),
    /// Fetch the certificate: `Call::Download`.
    Download(Url, Alternates),
}

impl OrderAction {
    /// Whether it spends something that cannot be given back: the state of [`OrderFlow::before`] must be saved first.
    pub fn is_irreversible(&self) -> bool {
        match self {
            Self::Create(_) | Self::Finalize(_) => true,
            Self::Find(_) | Self::Read(_) | Self::ReadAuthorization(_) | Self::Download(..) => false,
        }
    }
}

impl fmt::Display for OrderAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Find(_) => "looking for the order",
            Self::Create(_) => "making the order",
            Self::Read(_) => "reading the order",
            Self::ReadAuthorization(_) => "reading an authorization",
            Self::Finalize(_) => "finalizing the order",
            Self::Download(..) => "downloading the certificate",
        })
    }
}

/// What happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum OrderEvent {
    /// There is an order: made, found, or known from a record.
    Created {
        /// Where it is.
        url: Url,
        /// How it stands.
        order: Order,
        /// How long the server wants us to wait.
        retry_after: Option<Duration>,
    },
    /// There is no unfinished order like this, or the server has no list.
    NotFound,
    /// The order was looked at.
    Seen {
        /// How it stands.
        order: Order,
        /// How long the server wants us to wait.
        retry_after: Option<Duration>,
    },
    /// The server took the signing request.
    Finalized {
        /// How the order stands.
        order: Order,
        /// How long the server wants us to wait.
        retry_after: Option<Duration>,
    },
    /// What is known of one of its authorizations.
    Authorization {
        /// Which.
        url: Url,
        /// What it is for, as ordered.
        identifier: Identifier,
        /// Where it stands.
        standing: Standing,
    },
    /// The certificate came, in all its chains, the server's default first.
    Downloaded(Vec<Chain>),
    /// An action failed.
    Failed {
        /// Which.
        action: OrderAction,
        /// How.
        fault: Fault,
    },
}

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle both")]
pub enum OrderOutcome {
    /// With a certificate.
    Issued {
        /// Where the order is.
        url: Url,
        /// The certificate's chains, the server's default first.
        chains: Vec<Chain>,
    },
    /// Without.
    Failed {
        /// Where the order is, if it was made.
        url: Option<Url>,
        /// Why.
        fault: Fault,
    },
}

impl OrderFlow {
    /// A flow that makes its order itself.
    pub fn new(request: NewOrder, alternates: Alternates, pace: OrderPace, now: Timestamp) -> Self {
        Self {
            request,
            alternates,
            pace,
            state: State::Creating { deadline: now + pace.create, doubt: Doubt::None, failures: Failures::default() },
        }
    }

    /// A flow for an order of which only the URL is known: it looks first.
    pub fn resume(request: NewOrder, url: Url, alternates: Alternates, pace: OrderPace, now: Timestamp) -> Self {
        let state = State::Authorizing {
            url,
            deadline: now + pace.authorize,
            known: None,
            looks: Looks::begin(now, pace.polling, None),
            failures: Failures::default(),
        };
        Self { request, alternates, pace, state }
    }

    /// What is ordered.
    pub fn request(&self) -> &NewOrder {
        &self.request
    }

    /// Where the order is, once it was made.
    pub fn url(&self) -> Option<&Url> {
        match &self.state {
            State::Creating { .. } => None,
            State::Failed { url, .. } => url.as_ref(),
            State::Authorizing { url, .. }
            | State::Finalizing { url, .. }
            | State::Issuing { url, .. }
            | State::Downloading { url, .. }
            | State::Issued { url, .. } => Some(url),
        }
    }

    /// Whether authorizations matter no more, because all of them were valid.
    pub fn is_authorized(&self) -> bool {
        match self.state {
            State::Finalizing { .. } | State::Issuing { .. } | State::Downloading { .. } | State::Issued { .. } => true,
            State::Creating { .. } | State::Authorizing { .. } | State::Failed { .. } => false,
        }
    }

    /// How far it is.
    pub fn stage(&self) -> OrderStage {
        match self.state {
            State::Creating { .. } => OrderStage::Creating,
            State::Authorizing { known: None, .. } => OrderStage::Describing,
            State::Authorizing { known: Some(_), .. } => OrderStage::Authorizing,
            State::Finalizing { .. } => OrderStage::Finalizing,
            State::Issuing { .. } => OrderStage::Issuing,
            State::Downloading { .. } => OrderStage::Downloading,
            State::Issued { .. } => OrderStage::Issued,
            State::Failed { .. } => OrderStage::Failed,
        }
    }

    /// How the last attempt failed, while another one is waited for. For a status that people read.
    pub fn obstacle(&self) -> Option<Obstacle<'_>> {
        let failures = match &self.state {
            State::Authorizing { known: Some(known), failures, .. } => {
                let reading = known.authorizations.values().map(|it| &it.failures).find(|it| it.last.is_some());
                reading.unwrap_or(failures)
            }
            State::Creating { failures, .. }
            | State::Authorizing { failures, .. }
            | State::Finalizing { failures, .. }
            | State::Issuing { failures, .. }
            | State::Downloading { failures, .. } => failures,
            State::Issued { .. } | State::Failed { .. } => return None,
        };
        failures.last.as_ref().map(|fault| Obstacle::Failed { fault, again: failures.not_before })
    }

    /// Takes it that a process before this one may have made the order: it is looked for before another one is made.
    #[must_use]
    pub fn perhaps_made(mut self) -> Self {
        if let State::Creating { doubt, .. } = &mut self.state {
            *doubt = Doubt::MayHaveHappened;
        }
        self
    }

    /// Why it failed, if it did.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.state {
            State::Failed { fault, .. } => Some(fault),
            State::Creating { .. }
            | State::Authorizing { .. }
            | State::Finalizing { .. }
            | State::Issuing { .. }
            | State::Downloading { .. }
            | State::Issued { .. } => None,
        }
    }

    /// What to do at `now`.
    pub fn next(&self, now: Timestamp) -> Next<OrderAction, OrderOutcome> {
        let mut current = self.clone();
        let _ = current.settle(now);
        current.agenda(now)
    }

    /// The state to save before `action` runs: that of a process which does not know whether it happened.
    #[must_use]
    pub fn before(&self, action: &OrderAction) -> Self {
        let mut flow = self.clone();
        match (&mut flow.state, action) {
            (State::Creating { doubt, .. }, OrderAction::Create(_))
            | (State::Finalizing { doubt, .. }, OrderAction::Finalize(_)) => *doubt = Doubt::MayHaveHappened,
            _ => {}
        }
        flow
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: OrderEvent, now: Timestamp) -> Applied {
        let before = self.clone();
        let _ = self.settle(now);
        self.take(event, now);
        let _ = self.settle(now);
        if *self == before { Applied::Ignored } else { Applied::Changed }
    }

    /// The state as bytes for a record.
    ///
    /// # Errors
    /// `Internal` when it cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        envelope::encode("order", FORMAT, self)
    }

    /// A state from the bytes of a record.
    ///
    /// # Errors
    /// `Unsupported` when a newer release wrote it, `Malformed` when it cannot be read.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        envelope::decode("order", FORMAT, bytes)
    }

    /// Hears from a challenge flow how its authorization stands, and how long the server wants us to wait before a look; answers whether that is news.
    pub(super) fn stand(&mut self, url: &Url, standing: Standing, look_at: Option<Timestamp>, now: Timestamp) -> bool {
        let begin = Looks::begin(now, self.pace.polling, None);
        let State::Authorizing { known: Some(known), looks, .. } = &mut self.state else {
            return false;
        };
        if known.authorizations.get(url).is_none_or(|it| it.standing == standing) {
            return false;
        }
        let waited = known.awaits_the_server();
        if let Some(authorization) = known.authorizations.get_mut(url) {
            authorization.standing = standing;
        }
        if !waited && known.awaits_the_server() {
            *looks = begin;
        }
        if let Some(at) = look_at {
            looks.at = looks.at.max(at);
        }
        true
    }

    /// The time that ends the state, if one does.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match &self.state {
            State::Creating { deadline, .. }
            | State::Authorizing { deadline, .. }
            | State::Finalizing { deadline, .. }
            | State::Issuing { deadline, .. }
            | State::Downloading { deadline, .. } => Some(*deadline),
            State::Issued { .. } | State::Failed { .. } => None,
        }
    }
}

impl Known {
    /// Whether the next news can only come from the server: nothing is unknown, nobody works on anything.
    fn awaits_the_server(&self) -> bool {
        self.authorizations.values().all(|it| matches!(it.standing, Standing::Answered | Standing::Valid))
    }
}

fn late(what: &str) -> Fault {
    Fault::new(ErrorKind::Unreachable, what)
}

mod alternates_as_word {
    //! `fetch` or `skip`.

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::client::Alternates;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    pub(super) fn serialize<S: Serializer>(alternates: &Alternates, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match alternates {
            Alternates::Fetch => "fetch",
            Alternates::Skip => "skip",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Alternates, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "fetch" => Alternates::Fetch,
            _ => Alternates::Skip,
        })
    }
}
