//! What only this process remembers of an Order and its Challenges: their flows, and what came of asking. A crash loses it, and the status brings it back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::backoff::Backoff;
use acme_core::client::Chain;
use acme_core::flow::{ChallengeFlow, Fault, Issuance, OrderStage};
use acme_core::protocol::{Authorization, Url};
use solvers::Solver;

use crate::crd::acme::AcmeIssuer;
use crate::crd::challenge::Challenge;
use crate::http01::lead::Lead;
use crate::key::{Name, Uid};
use crate::order::Action;

/// The memory of one Order.
#[derive(Default)]
pub(crate) struct Run {
    /// The Order that this is about; `None` once it is gone, and only its Challenges are left.
    pub(crate) order: Option<Uid>,
    /// The order and its challenges, while they are under way.
    pub(crate) issuance: Option<Issuance>,
    /// Whether the order was over when the resources were read.
    pub(crate) was_over: bool,
    /// Challenges that are only taken away any more.
    pub(crate) left: BTreeMap<Name, ChallengeFlow>,
    /// Where the signing request goes.
    pub(crate) finalize: Option<Url>,
    /// The authorizations in the server's order.
    pub(crate) authorizations: Vec<Url>,
    /// Those that were read, as they were when they were read first.
    pub(crate) described: BTreeMap<Url, Authorization>,
    /// Whom was chosen to answer, for Challenges that are still to be made.
    pub(crate) chosen: BTreeMap<Url, crate::crd::acme::Solver>,
    /// Authorizations that nobody can answer for.
    pub(crate) stuck: BTreeMap<Url, Stuck>,
    /// When answers were made.
    pub(crate) presented: HashMap<Url, Timestamp>,
    /// Authorizations whose answer nobody could look at before the server was told.
    pub(crate) unseen: HashSet<Url>,
    /// The certificate, once it was fetched.
    pub(crate) certificate: Option<Chain>,
    /// How the order failed.
    pub(crate) failure: Option<Failure>,
    /// Authorizations whose solver is at work: it does one thing at a time.
    pub(crate) busy: HashSet<Url>,
    /// Solvers with their credentials.
    pub(crate) solvers: HashMap<Name, Arc<dyn Solver>>,
    /// The ways to answers of HTTP-01, by what they are for.
    pub(crate) leads: HashMap<String, Arc<Lead>>,
    /// Since when a status is not what people should see.
    pub(crate) owed: HashMap<Action, Timestamp>,
    /// Writes that failed, and when they are tried again.
    pub(crate) held: HashMap<Action, Held>,
}

/// An authorization that nobody can answer for.
pub(crate) struct Stuck {
    /// Why.
    pub(crate) why: String,
    /// What the issuer said when this was found: another word is another try.
    pub(crate) by: Arc<AcmeIssuer>,
}

/// How an order failed.
pub(crate) struct Failure {
    /// At which stage.
    pub(crate) stage: OrderStage,
    /// Why.
    pub(crate) fault: Fault,
    /// When.
    pub(crate) at: Timestamp,
}

/// A write that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) attempts: u32,
    pub(crate) until: Timestamp,
}

impl Run {
    /// The flow of a Challenge: while its order is under way, and while it is taken away.
    pub(crate) fn flow(&self, name: &Name, challenge: &Challenge) -> Option<&ChallengeFlow> {
        self.left.get(name).or_else(|| self.live(challenge))
    }

    /// The flow of a Challenge whose order is under way: that of its authorization, if it is for the same token.
    pub(crate) fn live(&self, challenge: &Challenge) -> Option<&ChallengeFlow> {
        let mut flows = self.issuance.as_ref()?.challenges();
        flows.find(|(_, flow)| is_for(challenge, flow)).map(|(_, flow)| flow)
    }

    /// Until when this is held back, if it is.
    pub(crate) fn hold(&self, action: &Action, now: Timestamp) -> Option<Timestamp> {
        self.held.get(action).map(|it| it.until).filter(|until| !until.is_due(now))
    }

    /// It failed: it is tried again after a pause that grows.
    pub(crate) fn failed(&mut self, action: &Action, pauses: Backoff, now: Timestamp) {
        let held = self.held.entry(action.clone()).or_insert(Held { attempts: 0, until: now });
        held.attempts = held.attempts.saturating_add(1);
        held.until = now + pauses.pause(held.attempts, "").max(SHORTEST);
    }

    /// It succeeded.
    pub(crate) fn succeeded(&mut self, action: &Action) {
        self.held.remove(action);
        self.owed.remove(action);
    }

    /// Notes that the order failed, when it just did.
    pub(crate) fn note_failure(&mut self, stage: OrderStage, now: Timestamp) {
        if self.failure.is_none()
            && let Some(fault) = self.issuance.as_ref().and_then(|it| it.order().fault())
        {
            self.failure = Some(Failure { stage, fault: fault.clone(), at: now });
        }
    }

    /// What keeps the order from going on that its flow does not know of.
    pub(crate) fn why_stuck(&self) -> Option<&str> {
        self.stuck.values().next().map(|it| it.why.as_str())
    }
}

/// Is this Challenge the resource of this flow? By authorization and token, never by name.
pub(crate) fn is_for(challenge: &Challenge, flow: &ChallengeFlow) -> bool {
    let assignment = flow.assignment();
    challenge.spec.authorization_url == assignment.authorization.as_str()
        && assignment.token() == Some(challenge.spec.token.as_str())
}

/// After a write that met somebody else's.
pub(crate) const CONFLICTS: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));
/// After a write that was refused.
pub(crate) const REFUSALS: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
const SHORTEST: Duration = Duration::from_millis(50);
