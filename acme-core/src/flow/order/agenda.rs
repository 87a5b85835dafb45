//! What an order flow wants, state by state.

use super::{Doubt, Known, OrderAction, OrderFlow, OrderOutcome, Standing, State};
use crate::Timestamp;
use crate::flow::pacing::Looks;
use crate::flow::{Agenda, Failures, Next, Waiting};
use crate::protocol::Url;

impl OrderFlow {
    pub(in crate::flow) fn agenda(&self, now: Timestamp) -> Next<OrderAction, OrderOutcome> {
        let (deadline, agenda) = match &self.state {
            State::Issued { url, chains } => {
                return Next::Done(OrderOutcome::Issued { url: url.clone(), chains: chains.clone() });
            }
            State::Failed { url, fault } => {
                return Next::Done(OrderOutcome::Failed { url: url.clone(), fault: fault.clone() });
            }
            State::Creating { deadline, doubt, failures } => {
                let action = match doubt {
                    Doubt::None => OrderAction::Create(self.request.clone()),
                    Doubt::MayHaveHappened => OrderAction::Find(self.request.clone()),
                };
                (deadline, unless_held(action, failures, now))
            }
            State::Authorizing { url, deadline, known: None, failures, .. } => {
                (deadline, unless_held(OrderAction::Read(url.clone()), failures, now))
            }
            State::Authorizing { url, deadline, known: Some(known), looks, failures } => {
                (deadline, authorizing(url, *deadline, known, *looks, failures, now))
            }
            State::Finalizing { url, finalize, deadline, doubt, failures, .. } => {
                let action = match doubt {
                    Doubt::None => OrderAction::Finalize(finalize.clone()),
                    Doubt::MayHaveHappened => OrderAction::Read(url.clone()),
                };
                (deadline, unless_held(action, failures, now))
            }
            State::Issuing { url, deadline, looks, failures } => {
                let agenda = if looks.at.is_due(now) || deadline.is_due(now) {
                    unless_held(OrderAction::Read(url.clone()), failures, now)
                } else {
                    Agenda::wait(looks.at, Waiting::Issuing)
                };
                (deadline, agenda)
            }
            State::Downloading { certificate, deadline, failures, .. } => {
                (deadline, unless_held(OrderAction::Download(certificate.clone(), self.alternates), failures, now))
            }
        };
        Next::Go(by(agenda, *deadline))
    }
}

fn authorizing(
    url: &Url,
    deadline: Timestamp,
    known: &Known,
    looks: Looks,
    failures: &Failures,
    now: Timestamp,
) -> Agenda<OrderAction> {
    let mut agenda = Agenda::empty();
    for (url, authorization) in &known.authorizations {
        if authorization.standing == Standing::Unknown {
            agenda
                .merge(unless_held(OrderAction::ReadAuthorization(url.clone()), &authorization.failures, now), |it| it);
        }
    }
    let identifiers = known
        .authorizations
        .values()
        .filter(|it| matches!(it.standing, Standing::Answered | Standing::Pending))
        .filter_map(|it| it.identifier.clone())
        .collect();
    let waiting = Waiting::Validation { identifiers };
    if deadline.is_due(now) {
        agenda.merge(unless_held(OrderAction::Read(url.clone()), failures, now), |it| it);
    } else if !known.awaits_the_server() {
        agenda.merge(Agenda::wait(deadline, waiting), |it: OrderAction| it);
    } else if looks.at.is_due(now) {
        agenda.merge(unless_held(OrderAction::Read(url.clone()), failures, now), |it| it);
    } else {
        agenda.merge(Agenda::wait(looks.at, waiting), |it: OrderAction| it);
    }
    agenda
}

fn unless_held(action: OrderAction, failures: &Failures, now: Timestamp) -> Agenda<OrderAction> {
    match failures.hold(now) {
        Some(at) => Agenda::wait(at, failures.waiting(&action.to_string())),
        None => Agenda::start(action),
    }
}

/// No wait goes on beyond `deadline`, unless it is past: then a hold after a failure is what is waited for.
fn by(mut agenda: Agenda<OrderAction>, deadline: Timestamp) -> Agenda<OrderAction> {
    if let Some(wake) = &mut agenda.wake {
        wake.at = wake.at.min(deadline);
    }
    agenda
}
