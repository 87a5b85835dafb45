//! One action of the state machine as a call to the certificate authority, and its answer as an event.

use certwright::ErrorKind;
use certwright::acme_core::client::{Answer, Call, Client as _};
use certwright::acme_core::flow::{
    ChallengeAction, ChallengeEvent, Choice, Issuance, IssuanceAction, IssuanceEvent, OrderAction, OrderEvent,
};
use certwright::acme_core::protocol::ChallengeType;
use certwright::acme_core::{Error, Session};

/// Carries `action` out. Nothing is presented: the certificate authority of this example looks at no challenge.
pub(crate) async fn perform(
    session: &Session,
    flow: &Issuance,
    action: &IssuanceAction,
    csr: &[u8],
) -> Result<IssuanceEvent, Error> {
    let (call, authorization) = match action {
        IssuanceAction::Order(OrderAction::Find(order)) => (Call::FindOrder(order.clone()), None),
        IssuanceAction::Order(OrderAction::Create(order)) => (Call::NewOrder(order.clone()), None),
        IssuanceAction::Order(OrderAction::Read(url)) => (Call::ReadOrder(url.clone()), None),
        IssuanceAction::Order(OrderAction::ReadAuthorization(url)) => (Call::ReadAuthorization(url.clone()), Some(url)),
        IssuanceAction::Order(OrderAction::Finalize(url)) => {
            (Call::Finalize { url: url.clone(), csr: csr.to_vec() }, None)
        }
        IssuanceAction::Order(OrderAction::Download(url, alternates)) => {
            (Call::Download { url: url.clone(), alternates: *alternates }, None)
        }
        IssuanceAction::Challenge(url, action) => {
            let event = match action {
                ChallengeAction::Present => ChallengeEvent::Presented,
                ChallengeAction::Check => ChallengeEvent::Visible,
                ChallengeAction::CleanUp => ChallengeEvent::CleanedUp,
                ChallengeAction::Withdraw => ChallengeEvent::Withdrawn,
                ChallengeAction::Look => {
                    let reply = session.call(&Call::ReadAuthorization(url.clone())).await?;
                    let Answer::Authorization(authorization) = reply.answer else { return Err(unexpected()) };
                    ChallengeEvent::Seen { authorization, retry_after: reply.retry_after }
                }
                ChallengeAction::Accept => {
                    let challenge = flow.challenge(url).ok_or_else(unexpected)?.assignment().challenge.clone();
                    let reply = session.call(&Call::Accept(challenge)).await?;
                    let Answer::Challenge(challenge) = reply.answer else { return Err(unexpected()) };
                    ChallengeEvent::Accepted { challenge, retry_after: reply.retry_after }
                }
            };
            return Ok(IssuanceEvent::Challenge(url.clone(), event));
        }
    };
    let reply = session.call(&call).await?;
    let retry_after = reply.retry_after;
    Ok(match (reply.answer, call) {
        (Answer::Order { url, order }, Call::NewOrder(_) | Call::FindOrder(_)) => {
            IssuanceEvent::Order(OrderEvent::Created { url, order, retry_after })
        }
        (Answer::Order { order, .. }, Call::Finalize { .. }) => {
            IssuanceEvent::Order(OrderEvent::Finalized { order, retry_after })
        }
        (Answer::Order { order, .. }, _) => IssuanceEvent::Order(OrderEvent::Seen { order, retry_after }),
        (Answer::Authorization(it), _) => IssuanceEvent::Authorization {
            url: authorization.cloned().ok_or_else(unexpected)?,
            authorization: Box::new(it),
            choice: Ok(Choice::new("by hand".into(), ChallengeType::Http01)),
        },
        (Answer::Chains(chains), _) => IssuanceEvent::Order(OrderEvent::Downloaded(chains)),
        (Answer::Nothing, _) => IssuanceEvent::Order(OrderEvent::NotFound),
        (Answer::Challenge(_), _) => return Err(unexpected()),
    })
}

fn unexpected() -> Error {
    Error::new(ErrorKind::Malformed, "the answer is not the one that was asked for")
}
