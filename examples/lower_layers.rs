//! acme-core alone: the state machine of an issuance, driven by thirty lines of your own.
//!
//! `cargo run --example lower_layers` asks a certificate authority inside the process, which looks at no challenge.

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::sync::Arc;

use certwright::acme_core::client::{Answer, Call, Client};
use certwright::acme_core::flow::{
    ChallengeAction, ChallengeEvent, Choice, Issuance, IssuanceAction, IssuanceEvent, IssuancePlan, Next, OrderAction,
    OrderEvent,
};
use certwright::acme_core::protocol::{ChallengeType, NewOrder, Registration};
use certwright::acme_core::transport::ReqwestTransport;
use certwright::acme_core::{Clock as _, Directory, Error as AcmeError, Session, key::PrivateKey};
use certwright::issuers::{Timer as _, TokioTimer, chain, csr};
use certwright::{Identifier, KeyType};
use testkit::ca::{AlwaysValid, ModelCa, Settings};
use testkit::https::HttpsFront;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let timer = Arc::new(TokioTimer);
    let front = HttpsFront::start(ModelCa::with_validator(Settings::default(), AlwaysValid), timer.clone()).await?;
    let transport = ReqwestTransport::builder().add_root_pem(front.root_pem().as_bytes())?.build()?;
    let directory = Directory::new(front.directory_url(), Arc::new(transport), timer.clone());
    let account_key = Arc::new(PrivateKey::generate(KeyType::EcdsaP256)?);
    let session = directory.register(account_key, &Registration::agreeing_to_terms()).await?;

    let key = PrivateKey::generate(KeyType::EcdsaP256)?;
    let names = [Identifier::parse("example.com")?];
    let csr = csr::create(&key, &names).await?;
    let mut flow = Issuance::new(IssuancePlan::new(NewOrder::new(names)), timer.now());
    let chains = loop {
        match flow.next(timer.now()) {
            Next::Done(outcome) => break outcome.result.map_err(|fault| fault.to_error())?,
            Next::Go(agenda) if agenda.ready.is_empty() => {
                let wake = agenda.wake.ok_or("an agenda is never empty")?;
                println!("{}", wake.waiting);
                timer.sleep_until(wake.at).await;
            }
            // A driver for real life starts all of them at once, saves the state before what is irreversible, and reports failures as events.
            Next::Go(agenda) => {
                println!("{}", agenda.ready[0]);
                let event = perform(&session, &flow, &agenda.ready[0], csr.as_ref()).await?;
                let _ = flow.apply(event, timer.now());
            }
        }
    };
    println!("{}", chain::to_pem(&chains[0]));
    Ok(())
}

async fn perform(
    session: &Session,
    flow: &Issuance,
    action: &IssuanceAction,
    csr: &[u8],
) -> Result<IssuanceEvent, AcmeError> {
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

fn unexpected() -> AcmeError {
    AcmeError::new(certwright::ErrorKind::Malformed, "the answer is not the one that was asked for")
}
