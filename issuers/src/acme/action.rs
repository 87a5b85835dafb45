//! One action of an issuance, carried out: a call to the certificate authority, or a solver at work.

use std::collections::BTreeMap;

use acme_core::client::{Answer, Call, Reply};
use acme_core::flow::{
    Assignment, ChallengeAction, ChallengeEvent, Choice, Fault, Issuance, IssuanceAction, IssuanceEvent, OrderAction,
    OrderEvent,
};
use acme_core::protocol::{Authorization, ChallengeStatus, ChallengeType, KeyAuthorization, Url};
use acme_core::{Client, Error, ErrorKind, Retry};
use solvers::{Presentation, Readiness, Solver, Solvers};

/// What actions are carried out with.
#[derive(Clone, Copy)]
pub(super) struct Hands<'a> {
    pub(super) client: &'a dyn Client,
    pub(super) solvers: &'a Solvers,
    pub(super) labels: &'a BTreeMap<String, String>,
    pub(super) csr: &'a [u8],
}

/// An action with everything it needs, so that it runs beside others while the flow goes on.
pub(super) struct Job {
    action: IssuanceAction,
    assignment: Option<Assignment>,
}

impl Job {
    pub(super) fn new(action: IssuanceAction, flow: &Issuance) -> Self {
        let assignment = match &action {
            IssuanceAction::Challenge(url, _) => flow.challenge(url).map(|it| it.assignment().clone()),
            IssuanceAction::Order(_) => None,
        };
        Self { action, assignment }
    }

    /// Carries it out, and answers it with what happened and the error, if there was one.
    pub(super) async fn run(self, hands: Hands<'_>) -> Done {
        let outcome = match (&self.action, &self.assignment) {
            (IssuanceAction::Order(action), _) => hands.order(action).await,
            (IssuanceAction::Challenge(url, action), Some(assignment)) => {
                let event = hands.challenge(*action, assignment).await;
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
        let call = match action {
            OrderAction::Find(order) => Call::FindOrder(order.clone()),
            OrderAction::Create(order) => Call::NewOrder(order.clone()),
            OrderAction::Read(url) => Call::ReadOrder(url.clone()),
            OrderAction::ReadAuthorization(url) => Call::ReadAuthorization(url.clone()),
            OrderAction::Finalize(url) => Call::Finalize { url: url.clone(), csr: self.csr.to_vec() },
            OrderAction::Download(url, alternates) => Call::Download { url: url.clone(), alternates: *alternates },
        };
        let Reply { answer, retry_after, .. } = self.client.call(&call).await?;
        let event = match (action, answer) {
            (OrderAction::Find(_) | OrderAction::Create(_), Answer::Order { url, order }) => {
                OrderEvent::Created { url, order, retry_after }
            }
            (OrderAction::Find(_), Answer::Nothing) => OrderEvent::NotFound,
            (OrderAction::Read(_), Answer::Order { order, .. }) => OrderEvent::Seen { order, retry_after },
            (OrderAction::Finalize(_), Answer::Order { order, .. }) => OrderEvent::Finalized { order, retry_after },
            (OrderAction::Download(..), Answer::Chains(chains)) => OrderEvent::Downloaded(chains),
            (OrderAction::ReadAuthorization(url), Answer::Authorization(authorization)) => {
                let choice = self.choose(&authorization).map_err(|error| Fault::from(&error));
                return Ok(IssuanceEvent::Authorization {
                    url: url.clone(),
                    authorization: Box::new(authorization),
                    choice,
                });
            }
            (_, answer) => return Err(unexpected(&answer)),
        };
        Ok(IssuanceEvent::Order(event))
    }

    async fn challenge(&self, action: ChallengeAction, assignment: &Assignment) -> Result<ChallengeEvent, Error> {
        match action {
            ChallengeAction::Present => {
                self.solver(assignment)?.present(&self.presentation(assignment)?).await?;
                Ok(ChallengeEvent::Presented)
            }
            ChallengeAction::Check => {
                let readiness = self.solver(assignment)?.check(&self.presentation(assignment)?).await?;
                Ok(match readiness {
                    Readiness::Ready => ChallengeEvent::Visible,
                    Readiness::NotYet { again_after, missing } => ChallengeEvent::NotVisible { again_after, missing },
                })
            }
            ChallengeAction::CleanUp => {
                self.solver(assignment)?.clean_up(&self.presentation(assignment)?).await?;
                Ok(ChallengeEvent::CleanedUp)
            }
            ChallengeAction::Accept => {
                let reply = self.client.call(&Call::Accept(assignment.challenge.clone())).await?;
                let retry_after = reply.retry_after;
                let Answer::Challenge(challenge) = reply.answer else {
                    return Err(unexpected(&reply.answer));
                };
                Ok(ChallengeEvent::Accepted { challenge, retry_after })
            }
            ChallengeAction::Look => {
                let call = Call::ReadAuthorization(assignment.authorization.clone());
                let reply = self.client.call(&call).await?;
                let retry_after = reply.retry_after;
                let Answer::Authorization(authorization) = reply.answer else {
                    return Err(unexpected(&reply.answer));
                };
                Ok(ChallengeEvent::Seen { authorization, retry_after })
            }
            ChallengeAction::Withdraw => {
                self.client.call(&Call::Deactivate(assignment.authorization.clone())).await?;
                Ok(ChallengeEvent::Withdrawn)
            }
        }
    }

    /// Who solves which challenge. What the server is checking already is gone on with, where there is somebody to clean up after it.
    fn choose(&self, authorization: &Authorization) -> Result<Choice, Error> {
        let choose = |offered: Vec<ChallengeType>| {
            self.solvers.choose(&authorization.identifier, authorization.wildcard, &offered, self.labels)
        };
        let usable = authorization.challenges.iter().filter(|it| it.token.is_some());
        let running = usable.clone().filter(|it| it.status == ChallengeStatus::Processing);
        let running: Vec<ChallengeType> = running.map(|it| it.kind.clone()).collect();
        let choice = match running.is_empty() {
            false => choose(running).or_else(|_| choose(usable.map(|it| it.kind.clone()).collect())),
            true => choose(usable.map(|it| it.kind.clone()).collect()),
        }?;
        Ok(Choice::new(choice.id, choice.challenge))
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

    fn presentation(&self, assignment: &Assignment) -> Result<Presentation, Error> {
        let key_authorization = KeyAuthorization::new(&assignment.token, self.client.thumbprint())?;
        let account: Url = self.client.account().clone();
        let presentation =
            Presentation::new(assignment.identifier.clone(), assignment.kind.clone(), key_authorization, account);
        Ok(presentation.with_wildcard(assignment.wildcard))
    }
}

fn unexpected(answer: &Answer) -> Error {
    let what = match answer {
        Answer::Order { .. } => "an order",
        Answer::Authorization(_) => "an authorization",
        Answer::Challenge(_) => "a challenge",
        Answer::Chains(_) => "a certificate",
        Answer::Nothing => "nothing",
    };
    Error::new(ErrorKind::Malformed, format!("the client answered with {what}, which was not asked for"))
}
