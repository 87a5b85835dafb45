//! What becomes of an order flow, event by event.

use std::time::Duration;

use super::{Authorizing, Doubt, Known, OrderAction, OrderEvent, OrderFlow, Standing, State, late};
use crate::flow::pacing::Looks;
use crate::flow::{Failures, Fault};
use crate::protocol::{Order, OrderStatus, ProblemType, Url};
use crate::{ErrorKind, Identifier, Retry, Timestamp};

impl OrderFlow {
    /// What time alone changes; says whether it changed anything.
    pub(in crate::flow) fn settle(&mut self, now: Timestamp) -> bool {
        let before = std::mem::discriminant(&self.state);
        self.let_time_pass(now);
        std::mem::discriminant(&self.state) != before
    }

    fn let_time_pass(&mut self, now: Timestamp) {
        match &self.state {
            State::Creating { deadline, failures, .. } if deadline.is_due(now) => {
                let fault = failures.last.clone().unwrap_or_else(|| late("the order could not be made in time"));
                self.fail(fault);
            }
            State::Authorizing { known: Some(known), .. } => {
                let invalid = known.authorizations.values().find_map(|it| match &it.standing {
                    Standing::Invalid(fault) => Some(fault.clone()),
                    Standing::Unknown | Standing::Pending | Standing::Answered | Standing::Valid => None,
                });
                if let Some(fault) = invalid {
                    self.fail(fault);
                }
            }
            State::Finalizing { deadline, doubt: Doubt::None, failures, .. } if deadline.is_due(now) => {
                let fault = failures.last.clone().unwrap_or_else(|| late("the order could not be finalized in time"));
                self.fail(fault);
            }
            State::Downloading { deadline, failures, .. } if deadline.is_due(now) => {
                let fault =
                    failures.last.clone().unwrap_or_else(|| late("the certificate could not be downloaded in time"));
                self.fail(fault);
            }
            State::Creating { .. }
            | State::Authorizing { .. }
            | State::Finalizing { .. }
            | State::Issuing { .. }
            | State::Downloading { .. }
            | State::Issued { .. }
            | State::Failed { .. } => {}
        }
    }

    pub(super) fn take(&mut self, event: OrderEvent, now: Timestamp) {
        match event {
            OrderEvent::Created { url, order, retry_after } => {
                if let State::Creating { .. } = self.state {
                    self.enter(url, order, retry_after, now);
                }
            }
            OrderEvent::NotFound => {
                // The attempts spent so far still count; only the doubt is over.
                if let State::Creating { doubt, .. } = &mut self.state {
                    *doubt = Doubt::None;
                }
            }
            OrderEvent::Seen { order, retry_after } => self.see(order, retry_after, now),
            OrderEvent::Finalized { order, retry_after } => self.finalized(order, retry_after, now),
            OrderEvent::Authorization { url, identifier, standing } => {
                let looks = Looks::begin(now, self.pace.polling, None);
                if let State::Authorizing { known: Some(known), looks: ahead, .. } = &mut self.state {
                    let was_waited_for = known.awaits_the_server();
                    let authorization = known.authorizations.entry(url).or_default();
                    authorization.identifier = Some(identifier);
                    authorization.standing = standing;
                    authorization.failures.clear();
                    if !was_waited_for && known.awaits_the_server() {
                        *ahead = looks;
                    }
                }
            }
            OrderEvent::Downloaded(chains) => {
                if let State::Downloading { url, .. } = &self.state {
                    self.state = State::Issued { url: url.clone(), chains };
                }
            }
            OrderEvent::Failed { action, fault } => self.failed(&action, fault, now),
        }
    }

    /// Goes to the state that the order's status asks for.
    fn enter(&mut self, url: Url, order: Order, retry_after: Option<Duration>, now: Timestamp) {
        let pace = self.pace;
        self.state = match (&order.status, order.certificate) {
            (OrderStatus::Invalid, _) => {
                let mut fault = Fault::new(ErrorKind::Refused, "the order failed").with_retry(Retry::Backoff);
                if let Some(problem) = order.error {
                    fault = fault.with_problem(problem);
                }
                State::Failed { url: Some(url), fault }
            }
            (OrderStatus::Ready, _) => State::Finalizing {
                url,
                finalize: order.finalize,
                deadline: now + pace.issue,
                doubt: Doubt::None,
                refusal: None,
                failures: Failures::default(),
            },
            (OrderStatus::Valid, Some(certificate)) => {
                State::Downloading { url, certificate, deadline: now + pace.issue, failures: Failures::default() }
            }
            (OrderStatus::Processing | OrderStatus::Valid, _) => State::Issuing {
                url,
                deadline: now + pace.issue,
                looks: Looks::begin(now, pace.polling, retry_after),
                failures: Failures::default(),
            },
            (OrderStatus::Pending | OrderStatus::Other(_), _) => {
                let authorizations = order.authorizations.into_iter().map(|it| (it, Authorizing::default())).collect();
                State::Authorizing {
                    url,
                    deadline: now + pace.authorize,
                    known: Some(Known { authorizations }),
                    looks: Looks::begin(now, pace.polling, retry_after),
                    failures: Failures::default(),
                }
            }
        };
    }

    fn see(&mut self, order: Order, retry_after: Option<Duration>, now: Timestamp) {
        let polling = self.pace.polling;
        match &mut self.state {
            State::Authorizing { url, known: None, .. } => {
                let url = url.clone();
                self.enter(url, order, retry_after, now);
            }
            State::Authorizing { url, deadline, known: Some(known), looks, failures } => match order.status {
                OrderStatus::Pending | OrderStatus::Other(_) => {
                    *looks = looks.again(now, polling, retry_after);
                    failures.clear();
                    for url in order.authorizations {
                        known.authorizations.entry(url).or_default();
                    }
                    if deadline.is_due(now) {
                        self.fail(late("the certificate authority did not finish validating in time"));
                    }
                }
                OrderStatus::Ready | OrderStatus::Processing | OrderStatus::Valid | OrderStatus::Invalid => {
                    let url = url.clone();
                    self.enter(url, order, retry_after, now);
                }
            },
            State::Finalizing { url, doubt, refusal, failures, deadline, .. } => match order.status {
                OrderStatus::Ready => {
                    if let Some(fault) = refusal.take() {
                        self.fail(fault);
                    } else if deadline.is_due(now) {
                        let fault =
                            failures.last.clone().unwrap_or_else(|| late("the order could not be finalized in time"));
                        self.fail(fault);
                    } else {
                        // The attempts spent so far still count; only the doubt is over.
                        *doubt = Doubt::None;
                    }
                }
                OrderStatus::Invalid => {
                    let (url, refusal) = (url.clone(), refusal.take());
                    self.enter(url, order, retry_after, now);
                    if let (State::Failed { fault, .. }, Some(refusal)) = (&mut self.state, refusal)
                        && fault.problem.is_none()
                    {
                        *fault = refusal;
                    }
                }
                OrderStatus::Pending | OrderStatus::Processing | OrderStatus::Valid | OrderStatus::Other(_) => {
                    let url = url.clone();
                    self.enter(url, order, retry_after, now);
                }
            },
            State::Issuing { url, deadline, looks, failures } => match (&order.status, &order.certificate) {
                (OrderStatus::Valid, Some(_)) | (OrderStatus::Invalid, _) => {
                    let url = url.clone();
                    self.enter(url, order, retry_after, now);
                }
                (OrderStatus::Ready, _) if looks.count > 0 => {
                    // The server forgot the signing request: hand it in once more, no sooner than it could be looked at again.
                    let (url, hold) = (url.clone(), looks.again(now, polling, retry_after).at);
                    self.enter(url, order, retry_after, now);
                    if let State::Finalizing { failures, .. } = &mut self.state {
                        failures.attempts = 1;
                        failures.not_before = Some(hold);
                    }
                }
                (
                    OrderStatus::Pending
                    | OrderStatus::Ready
                    | OrderStatus::Processing
                    | OrderStatus::Valid
                    | OrderStatus::Other(_),
                    _,
                ) => {
                    *looks = looks.again(now, polling, retry_after);
                    failures.clear();
                    if deadline.is_due(now) {
                        self.fail(late("the certificate authority did not issue in time"));
                    }
                }
            },
            State::Creating { .. } | State::Downloading { .. } | State::Issued { .. } | State::Failed { .. } => {}
        }
    }

    fn finalized(&mut self, order: Order, retry_after: Option<Duration>, now: Timestamp) {
        if let State::Finalizing { url, .. } = &self.state {
            let url = url.clone();
            match order.status {
                OrderStatus::Valid | OrderStatus::Invalid | OrderStatus::Processing => {
                    self.enter(url, order, retry_after, now)
                }
                OrderStatus::Pending | OrderStatus::Ready | OrderStatus::Other(_) => {
                    let pace = self.pace;
                    self.state = State::Issuing {
                        url,
                        deadline: now + pace.issue,
                        looks: Looks::begin(now, pace.polling, retry_after),
                        failures: Failures::default(),
                    };
                }
            }
        }
    }

    fn failed(&mut self, action: &OrderAction, fault: Fault, now: Timestamp) {
        if matches!(problem_of(&fault), Some(ProblemType::AccountDoesNotExist))
            && !matches!(self.state, State::Issued { .. } | State::Failed { .. })
        {
            return self.fail(fault);
        }
        let backoff = self.pace.backoff;
        let seed = self.request.identifiers.first().map(Identifier::to_string).unwrap_or_default();
        match (&mut self.state, action) {
            (State::Creating { doubt: Doubt::None, .. }, OrderAction::Create(sent))
                if sent.replaces.is_some() && blames_replaces(&fault) =>
            {
                if self.request.replaces.take().is_none() {
                    self.fail(fault);
                }
            }
            (State::Creating { deadline, doubt, failures }, OrderAction::Create(sent)) => {
                if may_have_happened(&fault) {
                    *doubt = Doubt::MayHaveHappened;
                }
                // Pebble calls it an error of its own when the certificate that is replaced has none of the names.
                if sent.replaces.is_some() && matches!(problem_of(&fault), Some(ProblemType::ServerInternal)) {
                    self.request.replaces = None;
                }
                if let Err(fault) = failures.note(fault, now, *deadline, backoff, &seed) {
                    self.fail(fault);
                }
            }
            (State::Creating { deadline, doubt, failures }, OrderAction::Find(_)) => match fault.retry {
                // No list to look through: a second order is the lesser evil.
                Retry::Never => *doubt = Doubt::None,
                Retry::Backoff | Retry::After(_) => {
                    if let Err(fault) = failures.note(fault, now, *deadline, backoff, &seed) {
                        self.fail(fault);
                    }
                }
            },
            (State::Authorizing { deadline, known: Some(known), .. }, OrderAction::ReadAuthorization(url)) => {
                if let Some(authorization) = known.authorizations.get_mut(url)
                    && let Err(fault) = authorization.failures.note(fault, now, *deadline, backoff, url.as_str())
                {
                    self.fail(fault);
                }
            }
            (
                State::Authorizing { deadline, failures, .. }
                | State::Finalizing { deadline, failures, .. }
                | State::Issuing { deadline, failures, .. },
                OrderAction::Read(_),
            ) => {
                let gone = fault.kind == ErrorKind::NotFound;
                match if gone { Err(fault) } else { failures.note(fault, now, *deadline, backoff, &seed) } {
                    Ok(()) => {}
                    Err(fault) if gone => self.fail(Fault {
                        what: "the certificate authority does not know the order any more".to_owned(),
                        retry: Retry::Backoff,
                        ..fault
                    }),
                    Err(fault) => self.fail(fault),
                }
            }
            (
                State::Finalizing { deadline, doubt: doubt @ Doubt::None, refusal, failures, .. },
                OrderAction::Finalize(_),
            ) => {
                if fault.retry == Retry::Never {
                    // Refused: look once more before concluding, for it may be a repeat that was refused.
                    *refusal = Some(fault);
                    *doubt = Doubt::MayHaveHappened;
                } else {
                    if may_have_happened(&fault) {
                        *doubt = Doubt::MayHaveHappened;
                    }
                    if let Err(fault) = failures.note(fault, now, *deadline, backoff, &seed) {
                        self.fail(fault);
                    }
                }
            }
            (State::Downloading { deadline, failures, .. }, OrderAction::Download(..)) => {
                if let Err(fault) = failures.note(fault, now, *deadline, backoff, &seed) {
                    self.fail(fault);
                }
            }
            _ => {}
        }
    }

    fn fail(&mut self, fault: Fault) {
        self.state = State::Failed { url: self.url().cloned(), fault };
    }
}

fn problem_of(fault: &Fault) -> Option<&ProblemType> {
    fault.problem.as_ref().map(|problem| &problem.kind)
}

/// Whether a failure leaves open if the server acted. Who named a time to come back, or refused, did not.
fn may_have_happened(fault: &Fault) -> bool {
    match fault.retry {
        Retry::Never | Retry::After(_) => false,
        Retry::Backoff => true,
    }
}

/// Whether an order may succeed without its `replaces` (RFC 9773 section 5): every refusal that names no other cause.
fn blames_replaces(fault: &Fault) -> bool {
    match problem_of(fault) {
        Some(ProblemType::AlreadyReplaced) => true,
        Some(ProblemType::Malformed | ProblemType::Unauthorized | ProblemType::Other(_)) => fault.retry == Retry::Never,
        _ => false,
    }
}
