//! Single steps of an issuance, carried out: for drivers of their own, which keep their flows elsewhere than in a record.
//!
//! Each takes one action of a flow of `acme_core::flow` and answers the event that the flow is told. A failure becomes the flow's `Failed` event.

use std::collections::BTreeMap;

use acme_core::client::{Answer, Call, Reply};
use acme_core::flow::{Assignment, ChallengeAction, ChallengeEvent, Choice, OrderAction, OrderEvent};
use acme_core::protocol::{Authorization, ChallengeStatus, ChallengeType};
use acme_core::{Client, Error, ErrorKind};
use solvers::{Presentation, Readiness, Solver, Solvers};

/// What an action of an order came to.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle both")]
pub enum Told {
    /// Something for the flow.
    Event(Box<OrderEvent>),
    /// An authorization that was read: choose who solves it ([`choose`]), and tell the flow both.
    Authorization(Box<Authorization>),
}

/// Makes the call that `action` asks for; `csr` is the signing request (DER).
///
/// # Errors
/// As the client answers; `Malformed` when it answers something else than what was asked for.
pub async fn order(client: &dyn Client, csr: &[u8], action: &OrderAction) -> Result<Told, Error> {
    let call = match action {
        OrderAction::Find(order) => Call::FindOrder(order.clone()),
        OrderAction::Create(order) => Call::NewOrder(order.clone()),
        OrderAction::Read(url) => Call::ReadOrder(url.clone()),
        OrderAction::ReadAuthorization(url) => Call::ReadAuthorization(url.clone()),
        OrderAction::Finalize(url) => Call::Finalize { url: url.clone(), csr: csr.to_vec() },
        OrderAction::Download(url, alternates) => Call::Download { url: url.clone(), alternates: *alternates },
    };
    let Reply { answer, retry_after, .. } = client.call(&call).await?;
    Ok(Told::Event(Box::new(match (action, answer) {
        (OrderAction::Find(_) | OrderAction::Create(_), Answer::Order { url, order }) => {
            OrderEvent::Created { url, order, retry_after }
        }
        (OrderAction::Find(_), Answer::Nothing) => OrderEvent::NotFound,
        (OrderAction::Read(_), Answer::Order { order, .. }) => OrderEvent::Seen { order, retry_after },
        (OrderAction::Finalize(_), Answer::Order { order, .. }) => OrderEvent::Finalized { order, retry_after },
        (OrderAction::Download(..), Answer::Chains(chains)) => OrderEvent::Downloaded(chains),
        (OrderAction::ReadAuthorization(_), Answer::Authorization(authorization)) => {
            return Ok(Told::Authorization(Box::new(authorization)));
        }
        (_, answer) => return Err(unexpected(&answer)),
    })))
}

/// Makes the call that `action` asks for: `Accept`, `Look` or `Withdraw`.
///
/// # Errors
/// As the client answers; `Malformed` when it answers something else than what was asked for; `Internal` for an action of a solver.
pub async fn ask(
    client: &dyn Client,
    action: ChallengeAction,
    assignment: &Assignment,
) -> Result<ChallengeEvent, Error> {
    let call = match action {
        ChallengeAction::Accept => Call::Accept(assignment.challenge.clone()),
        ChallengeAction::Look => Call::ReadAuthorization(assignment.authorization.clone()),
        ChallengeAction::Withdraw => Call::Deactivate(assignment.authorization.clone()),
        ChallengeAction::Present | ChallengeAction::Check | ChallengeAction::CleanUp => return Err(misplaced(action)),
    };
    let Reply { answer, retry_after, .. } = client.call(&call).await?;
    match (action, answer) {
        (ChallengeAction::Accept, Answer::Challenge(challenge)) => {
            Ok(ChallengeEvent::Accepted { challenge, retry_after })
        }
        (ChallengeAction::Look, Answer::Authorization(authorization)) => {
            Ok(ChallengeEvent::Seen { authorization, retry_after })
        }
        (ChallengeAction::Withdraw, _) => Ok(ChallengeEvent::Withdrawn),
        (_, answer) => Err(unexpected(&answer)),
    }
}

/// Lets `solver` do what `action` asks for: `Present`, `Check` or `CleanUp`.
///
/// # Errors
/// As the solver says; `Internal` for an action that is a call.
pub async fn solve(
    solver: &dyn Solver,
    action: ChallengeAction,
    presentation: &Presentation,
) -> Result<ChallengeEvent, Error> {
    match action {
        ChallengeAction::Present => {
            solver.present(presentation).await?;
            Ok(ChallengeEvent::Presented)
        }
        ChallengeAction::Check => Ok(match solver.check(presentation).await? {
            Readiness::Ready => ChallengeEvent::Visible,
            Readiness::NotYet { again_after, missing } => ChallengeEvent::NotVisible { again_after, missing },
        }),
        ChallengeAction::CleanUp => {
            solver.clean_up(presentation).await?;
            Ok(ChallengeEvent::CleanedUp)
        }
        ChallengeAction::Accept | ChallengeAction::Look | ChallengeAction::Withdraw => Err(misplaced(action)),
    }
}

/// Who solves which challenge. What the server is checking already is gone on with, where there is somebody to clean up after it.
///
/// # Errors
/// `Unsupported` when no solver fits, with what is missing and what to configure.
pub fn choose(
    solvers: &Solvers,
    authorization: &Authorization,
    labels: &BTreeMap<String, String>,
) -> Result<Choice, Error> {
    let choose = |offered: Vec<ChallengeType>| {
        solvers.choose(&authorization.identifier, authorization.wildcard, &offered, labels)
    };
    let usable = authorization.challenges.iter().filter(|it| it.basis().is_ok());
    let running = usable.clone().filter(|it| it.status == ChallengeStatus::Processing);
    let running: Vec<ChallengeType> = running.map(|it| it.kind.clone()).collect();
    let choice = match running.is_empty() {
        false => choose(running).or_else(|_| choose(usable.map(|it| it.kind.clone()).collect())),
        true => choose(usable.map(|it| it.kind.clone()).collect()),
    }?;
    Ok(Choice::new(choice.id, choice.challenge))
}

fn misplaced(action: ChallengeAction) -> Error {
    Error::new(ErrorKind::Internal, format!("{action} is not done here"))
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
