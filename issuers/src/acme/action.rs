//! One action of an issuance, carried out: a call to the certificate authority, or a solver at work.

use std::collections::BTreeMap;

use acme_core::flow::{
    Assignment, ChallengeAction, ChallengeEvent, Fault, Issuance, IssuanceAction, IssuanceEvent, OrderAction,
    OrderEvent,
};
use acme_core::protocol::{Basis, KeyAuthorization, PersistentAccount, PersistentOffer, PersistentProof, Url};
use acme_core::{Client, Directory, DnsName, Error, ErrorKind, Identifier, Retry};
use solvers::{Presentation, Proof, Solver, Solvers};

use super::step::{self, Told};

/// What actions are carried out with.
#[derive(Clone, Copy)]
pub(super) struct Hands<'a> {
    pub(super) client: &'a dyn Client,
    pub(super) directory: &'a Directory,
    pub(super) solvers: &'a Solvers,
    pub(super) labels: &'a BTreeMap<String, String>,
    pub(super) csr: &'a [u8],
}

/// An action with everything it needs, so that it runs beside others while the flow goes on.
pub(super) struct Job {
    action: IssuanceAction,
    challenge: Option<Challenge>,
}

/// The challenge that an action is about.
struct Challenge {
    assignment: Assignment,
    /// Whether nobody can have presented its answer yet.
    is_untouched: bool,
}

impl Job {
    pub(super) fn new(action: IssuanceAction, flow: &Issuance) -> Self {
        let challenge = match &action {
            IssuanceAction::Challenge(url, _) => flow
                .challenge(url)
                .map(|it| Challenge { assignment: it.assignment().clone(), is_untouched: it.is_untouched() }),
            IssuanceAction::Order(_) => None,
        };
        Self { action, challenge }
    }

    /// Carries it out, and answers it with what happened and the error, if there was one.
    pub(super) async fn run(self, hands: Hands<'_>) -> Done {
        let outcome = match (&self.action, &self.challenge) {
            (IssuanceAction::Order(action), _) => hands.order(action).await,
            (IssuanceAction::Challenge(url, action), Some(challenge)) => {
                let event = hands.challenge(*action, challenge).await;
                event.map(|event| IssuanceEvent::Challenge(url.clone(), event))
            }
            (IssuanceAction::Challenge(..), None) => Err(Error::new(ErrorKind::Internal, "a challenge without a flow")),
        };
        match outcome {
            Ok(event) => Done { action: self.action, event },
            Err(error) => {
                tracing::debug!(action = %self.action, %error, "an action failed");
                let event = failed(&self.action, Fault::from(&error));
                Done { action: self.action, event }
            }
        }
    }
}

/// A finished action, and what came of it.
pub(super) struct Done {
    pub(super) action: IssuanceAction,
    pub(super) event: IssuanceEvent,
}

fn failed(action: &IssuanceAction, fault: Fault) -> IssuanceEvent {
    match action {
        IssuanceAction::Order(action) => IssuanceEvent::Order(OrderEvent::Failed { action: action.clone(), fault }),
        IssuanceAction::Challenge(url, action) => {
            IssuanceEvent::Challenge(url.clone(), ChallengeEvent::Failed { action: *action, fault })
        }
    }
}

impl Hands<'_> {
    async fn order(&self, action: &OrderAction) -> Result<IssuanceEvent, Error> {
        let authorization = match step::order(self.client, self.csr, action).await? {
            Told::Event(event) => return Ok(IssuanceEvent::Order(*event)),
            Told::Authorization(authorization) => authorization,
        };
        let OrderAction::ReadAuthorization(url) = action else {
            return Err(Error::new(ErrorKind::Internal, "an authorization was read that nobody asked for"));
        };
        let choice = step::choose(self.solvers, &authorization, self.labels).map_err(|error| Fault::from(&error));
        Ok(IssuanceEvent::Authorization { url: url.clone(), authorization, choice })
    }

    async fn challenge(&self, action: ChallengeAction, challenge: &Challenge) -> Result<ChallengeEvent, Error> {
        let Challenge { assignment, is_untouched } = challenge;
        match action {
            ChallengeAction::Present | ChallengeAction::Check | ChallengeAction::CleanUp => {
                let presentation = self.presentation(assignment).await?.with_first(*is_untouched);
                step::solve(self.solver(assignment)?, action, &presentation).await
            }
            ChallengeAction::Accept | ChallengeAction::Look | ChallengeAction::Withdraw => {
                step::ask(self.client, action, assignment).await
            }
        }
    }

    fn solver(&self, assignment: &Assignment) -> Result<&dyn Solver, Error> {
        self.solvers.solver(&assignment.solver).map(AsRef::as_ref).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the solver `{}`, which was chosen for {}, is not configured any more",
                    assignment.solver, assignment.identifier
                ),
            )
            .with_retry(Retry::Never)
        })
    }

    async fn presentation(&self, assignment: &Assignment) -> Result<Presentation, Error> {
        let account: Url = self.client.account().clone();
        let proof: Proof = match &assignment.basis {
            Basis::Token(token) => KeyAuthorization::new(token, self.client.thumbprint())?.into(),
            Basis::Persistent(offer) => self.persistent(offer, &assignment.identifier).await?.into(),
        };
        let presentation = Presentation::new(assignment.identifier.clone(), assignment.kind.clone(), proof, account);
        Ok(presentation.with_wildcard(assignment.wildcard))
    }

    /// The directory says which revision the server speaks.
    async fn persistent(&self, offer: &PersistentOffer, identifier: &Identifier) -> Result<PersistentProof, Error> {
        let Some(name) = identifier.dns().map(DnsName::base) else {
            return Err(Error::new(ErrorKind::Malformed, format!("dns-persist-01 was offered for {identifier}")));
        };
        let (url, thumbprint) = (self.client.account(), self.client.thumbprint());
        let account = PersistentAccount { directory: self.directory.url(), url, thumbprint };
        let directory = self.directory.object().await?;
        PersistentProof::new(offer, &name, account, &directory)
            .map_err(|error| error.while_doing(format_args!("making the record that proves {name}")))
    }
}
