//! One account: find it or make it, keep it as wanted, change its key, give it up.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Agenda, Applied, FORMAT, Failures, Fault, Next, OrderPace};
use crate::envelope;
use crate::protocol::{ProblemType, Url};
use crate::{Error, ErrorKind, Retry, Timestamp};

/// What an account shall be like.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AccountPlan {
    /// Whom to tell: URLs such as `mailto:ops@example.com`.
    pub contact: Vec<String>,
    /// Whether it may be made where there is none; otherwise it is only looked for.
    pub create: Creation,
}

impl AccountPlan {
    /// An account with these contacts, made where there is none.
    pub fn new(contact: Vec<String>) -> Self {
        Self { contact, create: Creation::Allowed }
    }
}

/// Whether an account may be made where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Creation {
    /// It may.
    #[default]
    Allowed,
    /// It is only looked for.
    Forbidden,
}

/// The state machine of one account.
///
/// The key is durable before the flow begins, and a new key before [`AccountEvent::KeyWanted`]: the flow only says which key is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFlow {
    plan: AccountPlan,
    #[serde(default, skip_serializing_if = "super::pacing::is_usual")]
    pace: OrderPace,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Registering { deadline: Timestamp, failures: Failures },
    Updating { url: Url, deadline: Timestamp, failures: Failures },
    Ready { url: Url },
    ChangingKey { url: Url, deadline: Timestamp, sent: Sent, failures: Failures },
    Deactivating { url: Url, deadline: Timestamp, failures: Failures },
    Ended(AccountOutcome),
}

/// Whether the change of keys may have been sent without our knowing how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sent {
    No,
    Perhaps,
}

/// What an account flow wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a driver must carry out every action")]
pub enum AccountAction {
    /// Make the account, or find it by its key.
    Register,
    /// Find it by its key, and make none.
    Find,
    /// Set its contacts.
    Update(Url),
    /// Put the new key in place of the old one. Irreversible.
    ChangeKey(Url),
    /// Find the account by the new key: was the change done?
    ProbeNewKey,
    /// Give the account up.
    Deactivate(Url),
}

impl AccountAction {
    /// Whether it spends something that cannot be given back: the state of [`AccountFlow::before`] must be saved first.
    pub fn is_irreversible(&self) -> bool {
        match self {
            Self::ChangeKey(_) => true,
            Self::Register | Self::Find | Self::Update(_) | Self::ProbeNewKey | Self::Deactivate(_) => false,
        }
    }
}

impl fmt::Display for AccountAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Register => "registering the account",
            Self::Find => "looking for the account",
            Self::Update(_) => "updating the account",
            Self::ChangeKey(_) => "changing the account's key",
            Self::ProbeNewKey => "looking for the account by its new key",
            Self::Deactivate(_) => "deactivating the account",
        })
    }
}

/// What happened to an account, or is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum AccountEvent {
    /// It is there, with these contacts.
    Registered {
        /// Where it is.
        url: Url,
        /// Its contacts.
        contact: Vec<String>,
    },
    /// There is none with this key.
    Missing,
    /// Its contacts are set.
    Updated,
    /// Other contacts are wanted.
    Wanted(AccountPlan),
    /// The new key, durable by now, shall be put in force.
    KeyWanted,
    /// The new key is in force; the old one may be forgotten.
    KeyChanged,
    /// The account is not known by the new key.
    KeyUnchanged,
    /// The account shall be given up.
    EndWanted,
    /// It is given up.
    Deactivated,
    /// The server says that it does not know the account.
    Forgotten,
    /// An action failed.
    Failed {
        /// Which.
        action: AccountAction,
        /// How.
        fault: Fault,
    },
}

/// How an account flow stands when nothing is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle every variant")]
pub enum AccountOutcome {
    /// It is there and as wanted.
    Ready {
        /// Where it is.
        url: Url,
    },
    /// There is none, and none may be made.
    Missing,
    /// It was given up.
    Deactivated,
    /// It could not be brought to what is wanted.
    Failed(Fault),
}

impl AccountFlow {
    /// The beginning: an account by a key that is durable already.
    pub fn new(plan: AccountPlan, pace: OrderPace, now: Timestamp) -> Self {
        Self { plan, pace, state: State::Registering { deadline: now + pace.create, failures: Failures::default() } }
    }

    /// Where the account is, once that is known.
    pub fn url(&self) -> Option<&Url> {
        match &self.state {
            State::Updating { url, .. }
            | State::Ready { url }
            | State::ChangingKey { url, .. }
            | State::Deactivating { url, .. } => Some(url),
            State::Ended(AccountOutcome::Ready { url }) => Some(url),
            State::Registering { .. } | State::Ended(_) => None,
        }
    }

    /// What to do at `now`.
    pub fn next(&self, now: Timestamp) -> Next<AccountAction, AccountOutcome> {
        let mut current = self.clone();
        current.settle(now);
        let (action, deadline, failures) = match &current.state {
            State::Ready { url } => return Next::Done(AccountOutcome::Ready { url: url.clone() }),
            State::Ended(outcome) => return Next::Done(outcome.clone()),
            State::Registering { deadline, failures } => {
                let action = match self.plan.create {
                    Creation::Allowed => AccountAction::Register,
                    Creation::Forbidden => AccountAction::Find,
                };
                (action, deadline, failures)
            }
            State::Updating { url, deadline, failures } => (AccountAction::Update(url.clone()), deadline, failures),
            State::ChangingKey { deadline, sent: Sent::Perhaps, failures, .. } => {
                (AccountAction::ProbeNewKey, deadline, failures)
            }
            State::ChangingKey { url, deadline, sent: Sent::No, failures } => {
                (AccountAction::ChangeKey(url.clone()), deadline, failures)
            }
            State::Deactivating { url, deadline, failures } => {
                (AccountAction::Deactivate(url.clone()), deadline, failures)
            }
        };
        Next::Go(match failures.hold(now) {
            Some(at) => Agenda::wait(at.min(*deadline), failures.waiting(&action.to_string())),
            None => Agenda::start(action),
        })
    }

    /// The state to save before `action` runs: that of a process which does not know whether it happened.
    #[must_use]
    pub fn before(&self, action: &AccountAction) -> Self {
        let mut flow = self.clone();
        if let (State::ChangingKey { sent, .. }, AccountAction::ChangeKey(_)) = (&mut flow.state, action) {
            *sent = Sent::Perhaps;
        }
        flow
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: AccountEvent, now: Timestamp) -> Applied {
        let before = self.clone();
        self.settle(now);
        self.take(event, now);
        if *self == before { Applied::Ignored } else { Applied::Changed }
    }

    /// The state as bytes for a record.
    ///
    /// # Errors
    /// `Internal` when it cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        envelope::encode("account", FORMAT, self)
    }

    /// A state from the bytes of a record.
    ///
    /// # Errors
    /// `Unsupported` when a newer release wrote it, `Malformed` when it cannot be read.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        envelope::decode("account", FORMAT, bytes)
    }

    fn settle(&mut self, now: Timestamp) {
        if let State::Registering { deadline, failures }
        | State::Updating { deadline, failures, .. }
        | State::ChangingKey { deadline, failures, .. }
        | State::Deactivating { deadline, failures, .. } = &self.state
            && deadline.is_due(now)
        {
            let fault = failures.last.clone().unwrap_or_else(|| {
                Fault::new(ErrorKind::Unreachable, "the account could not be brought to what is wanted in time")
            });
            self.state = State::Ended(AccountOutcome::Failed(fault));
        }
    }

    fn take(&mut self, event: AccountEvent, now: Timestamp) {
        let deadline = now + self.pace.create;
        let fresh = Failures::default;
        match event {
            AccountEvent::Registered { url, contact } => {
                if let State::Registering { .. } = self.state {
                    let as_wanted = self.plan.contact.is_empty() || self.plan.contact == contact || contact.is_empty();
                    self.state = if as_wanted {
                        State::Ready { url }
                    } else {
                        State::Updating { url, deadline, failures: fresh() }
                    };
                }
            }
            AccountEvent::Missing => {
                if let State::Registering { .. } = self.state {
                    self.state = State::Ended(AccountOutcome::Missing);
                }
            }
            AccountEvent::Updated => {
                if let State::Updating { url, .. } = &self.state {
                    self.state = State::Ready { url: url.clone() };
                }
            }
            AccountEvent::Wanted(plan) => {
                let changed = plan.contact != self.plan.contact;
                self.plan = plan;
                match &self.state {
                    State::Ready { url } if changed => {
                        self.state = State::Updating { url: url.clone(), deadline, failures: fresh() }
                    }
                    State::Ended(AccountOutcome::Missing | AccountOutcome::Failed(_)) => {
                        self.state = State::Registering { deadline, failures: fresh() }
                    }
                    State::Ready { .. }
                    | State::Registering { .. }
                    | State::Updating { .. }
                    | State::ChangingKey { .. }
                    | State::Deactivating { .. }
                    | State::Ended(_) => {}
                }
            }
            AccountEvent::KeyWanted => {
                if let State::Ready { url } | State::Updating { url, .. } = &self.state {
                    self.state = State::ChangingKey { url: url.clone(), deadline, sent: Sent::No, failures: fresh() };
                }
            }
            AccountEvent::KeyChanged => {
                if let State::ChangingKey { url, .. } = &self.state {
                    self.state = State::Ready { url: url.clone() };
                }
            }
            AccountEvent::KeyUnchanged => {
                if let State::ChangingKey { sent, failures, .. } = &mut self.state {
                    *sent = Sent::No;
                    failures.not_before = None;
                }
            }
            AccountEvent::EndWanted => {
                if let Some(url) = self.url().cloned() {
                    self.state = State::Deactivating { url, deadline, failures: fresh() };
                }
            }
            AccountEvent::Deactivated => {
                if let State::Deactivating { .. } = self.state {
                    self.state = State::Ended(AccountOutcome::Deactivated);
                }
            }
            AccountEvent::Forgotten => match self.state {
                State::Updating { .. } | State::Ready { .. } => {
                    self.state = State::Registering { deadline, failures: fresh() }
                }
                State::Registering { .. }
                | State::ChangingKey { .. }
                | State::Deactivating { .. }
                | State::Ended(_) => {}
            },
            AccountEvent::Failed { action, fault } => self.failed(&action, fault, now),
        }
    }

    fn failed(&mut self, action: &AccountAction, fault: Fault, now: Timestamp) {
        let backoff = self.pace.backoff;
        let forgotten = matches!(fault.problem.as_ref().map(|it| &it.kind), Some(ProblemType::AccountDoesNotExist));
        let ended = match (&mut self.state, action) {
            (State::Registering { deadline, failures }, AccountAction::Register | AccountAction::Find) => {
                failures.note(fault, now, *deadline, backoff, "register")
            }
            (State::Updating { .. }, AccountAction::Update(_)) if forgotten => {
                self.state = State::Registering { deadline: now + self.pace.create, failures: Failures::default() };
                Ok(())
            }
            (State::Updating { deadline, failures, .. }, AccountAction::Update(_)) => {
                failures.note(fault, now, *deadline, backoff, "update")
            }
            (State::ChangingKey { deadline, sent, failures, .. }, AccountAction::ChangeKey(_)) => {
                // A refusal may be that of a repeat: the new key is in force already. Look.
                *sent = Sent::Perhaps;
                let retry = match fault.retry {
                    Retry::Never => Retry::Backoff,
                    Retry::Backoff | Retry::After(_) => fault.retry,
                };
                failures.note(fault.with_retry(retry), now, *deadline, backoff, "key")
            }
            (State::ChangingKey { deadline, failures, .. }, AccountAction::ProbeNewKey) => {
                failures.note(fault, now, *deadline, backoff, "key")
            }
            (State::Deactivating { .. }, AccountAction::Deactivate(_)) if forgotten => {
                self.state = State::Ended(AccountOutcome::Deactivated);
                Ok(())
            }
            (State::Deactivating { deadline, failures, .. }, AccountAction::Deactivate(_)) => {
                failures.note(fault, now, *deadline, backoff, "deactivate")
            }
            _ => Ok(()),
        };
        if let Err(fault) = ended {
            self.state = State::Ended(AccountOutcome::Failed(fault));
        }
    }
}
