//! What a request needs next: an approval, a signature, a word to people. The same for requests of Certificates and for others.

use std::time::Duration;

use acme_core::Timestamp;
use acme_core::flow::{Agenda, Waiting, Wake};

use crate::codec::words;
use crate::crd::condition::{Condition, ConditionStatus, Conditions};
use crate::engine::Engine;
use crate::issuer::{self, View};
use crate::key::Name;
use crate::request::{Ended, Failure, KeyRead, Memory, Right, order};

/// All that the plan looks at.
pub(crate) struct Observed<'a> {
    /// What its status says.
    pub(crate) conditions: &'a Conditions,
    /// When it failed, as its status says.
    pub(crate) failed_at: Option<Timestamp>,
    /// How its issuer looks.
    pub(crate) issuer: View<'a>,
    /// Why it waits when its issuer is not there.
    pub(crate) missing: &'a dyn Fn() -> String,
    /// Whether we may approve it.
    pub(crate) right: Right,
    /// The Secret with its key, as its annotation says: for self-signed issuers.
    pub(crate) key_secret: Option<&'a str>,
    /// The name that its certificate is picked up by, as its annotation says.
    pub(crate) pickup: Option<&'a str>,
    /// What only this process remembers.
    pub(crate) memory: &'a Memory,
    /// How long it may wait before people are told.
    pub(crate) visible_after: Duration,
    /// How its Order stands, where its issuer is an ACME server.
    pub(crate) order: Option<order::View>,
    /// Whether all that cert-manager says is said as Events.
    pub(crate) says_all: bool,
    /// The process is about to end.
    pub(crate) closing: bool,
}

/// How a request stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Something is to be done for it, or waited for. Who owns it does it: the subject of the Certificate, or that of requests.
    Going(Agenda<Action>),
    /// Its certificate is in its status; in that of the record, too, when this process just wrote it.
    Issued,
    /// It will not be issued.
    Ended(Ended),
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// With a certificate.
    Issued,
    /// Without one.
    Ended(Box<Ended>),
}

impl From<Settled> for Standing {
    fn from(settled: Settled) -> Self {
        match settled {
            Settled::Issued => Self::Issued,
            Settled::Ended(ended) => Self::Ended(*ended),
        }
    }
}

/// What a request may want done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Ask the API server whether we may approve requests to this issuer.
    AskRight,
    /// Read the key that its annotation names.
    ReadKey,
    /// Sign in this process, and write approval and certificate at once.
    Sign,
    /// Ask somebody else to sign.
    Ask,
    /// Write down the name that its certificate is picked up by.
    NotePickup,
    /// Write the certificate that was signed.
    Keep,
    /// Approve, and leave the rest to another controller.
    Approve,
    /// Say as an Event that somebody else has to approve it.
    Announce,
    /// Say what is waited for; with the approval, where that is ours to give and not given yet.
    Show(String),
    /// Say that it was denied.
    Deny,
    /// Say why it failed.
    Fail(Failure),
    /// Make its Order.
    MakeOrder,
    /// Delete the Order that is in the way of its own.
    DropOrder(Name),
    /// Take the certificate from its Order.
    TakeOrder(Name),
}

/// What a request needs now.
pub(crate) fn plan(observed: &Observed<'_>, now: Timestamp) -> Standing {
    if let Some(settled) = settled(observed.conditions, observed.failed_at) {
        return settled.into();
    }
    if observed.conditions.is_true(DENIED) {
        return observed.write(Action::Deny, now);
    }
    if let Some(failure) = &observed.memory.failure {
        return observed.write(Action::Fail(failure.clone()), now);
    }
    if let View::Foreign = observed.issuer {
        return observed.foreign(now);
    }
    if let Some(standing) = observed.unapproved(now) {
        return standing;
    }
    match observed.issuer {
        View::Foreign | View::Missing => observed.blocked((observed.missing)(), now),
        View::Unready(kept) => observed.blocked(issuer::unready(kept), now),
        View::Ready(Engine::Authority(..)) => observed.sign(now),
        View::Ready(Engine::SelfSigned(_)) => observed.sign_with_own_key(now),
        View::Ready(Engine::Acme(_)) => observed.order(now),
        View::Ready(Engine::Remote(_)) => observed.ask_remote(now),
    }
}

/// How a request ended, as its status says; `None` while it goes on.
pub(crate) fn settled(conditions: &Conditions, failed_at: Option<Timestamp>) -> Option<Settled> {
    let ended = |condition: &Condition, reason: &str| {
        Settled::Ended(Box::new(Ended { reason: reason.to_owned(), message: condition.message.clone(), at: failed_at }))
    };
    if let Some(ready) = conditions.get(READY) {
        match (&ready.status, ready.reason.as_str()) {
            (ConditionStatus::True, _) => return Some(Settled::Issued),
            (_, reason @ (FAILED | DENIED)) => return Some(ended(ready, reason)),
            (_, _) => {}
        }
    }
    if let Some(invalid) = conditions.get(INVALID).filter(|it| it.status == ConditionStatus::True) {
        return Some(ended(invalid, INVALID));
    }
    // Whoever wrote the time and no condition meant a failure all the same.
    failed_at.map(|_| {
        let message = "the request has a failure time, and no condition that says why".to_owned();
        Settled::Ended(Box::new(Ended { reason: FAILED.to_owned(), message, at: failed_at }))
    })
}

impl Observed<'_> {
    /// An issuer of another controller: approved where that is ours to do, and left alone.
    fn foreign(&self, now: Timestamp) -> Standing {
        if self.conditions.is_true(APPROVED) {
            return wait(now + FAR, "the controller of the issuer");
        }
        match self.right {
            Right::Allowed => self.write(Action::Approve, now),
            Right::Unknown => self.ask(now),
            Right::Asked => wait(now + FAR, "the answer whether it may be approved"),
            // What the condition `Ready` says is up to that controller alone.
            Right::Refused(until) => wait(until, UNAPPROVED),
            Right::Off => wait(now + FAR, UNAPPROVED),
        }
    }

    /// What is done while nobody approved it, as long as we may not.
    fn unapproved(&self, now: Timestamp) -> Option<Standing> {
        if self.conditions.is_true(APPROVED) {
            return None;
        }
        match self.right {
            Right::Allowed => None,
            Right::Unknown => Some(self.ask(now)),
            Right::Asked => Some(wait(now + FAR, "the answer whether it may be approved")),
            Right::Off if self.says_all && !self.memory.wait_is_said && !self.closing => Some(go(Action::Announce)),
            Right::Off => Some(wait(now + FAR, UNAPPROVED)),
            Right::Refused(until) => {
                let text = format!("{UNAPPROVED} (built-in approver has no right on this signer: approveSignerNames)");
                Some(match self.blocked(text, now) {
                    Standing::Going(Agenda { ready, wake, .. }) if ready.is_empty() => {
                        let at = wake.map_or(until, |wake| wake.at.min(until));
                        wait(at, UNAPPROVED)
                    }
                    standing @ (Standing::Going(_) | Standing::Issued | Standing::Ended(_)) => standing,
                })
            }
        }
    }

    fn ask(&self, now: Timestamp) -> Standing {
        if self.closing { wait(now + FAR, UNAPPROVED) } else { go(Action::AskRight) }
    }

    fn sign(&self, now: Timestamp) -> Standing {
        match self.memory.tries.again {
            _ if self.closing => self.blocked(SIGNING.to_owned(), now),
            Some(again) if !again.is_due(now) => self.blocked_until(again, self.memory.tries.because(), now),
            Some(_) | None => self.write(Action::Sign, now),
        }
    }

    /// Somebody else signs, and remembers that it was asked: approved first, asked then, and the certificate written.
    fn ask_remote(&self, now: Timestamp) -> Standing {
        if self.memory.obtained.is_some() {
            return self.write(Action::Keep, now);
        }
        if !self.conditions.is_true(APPROVED) {
            return self.write(Action::Show(SIGNING.to_owned()), now);
        }
        // Whoever comes after us must not ask for the same once more.
        if self.memory.pickup.is_some() && self.memory.pickup.as_deref() != self.pickup {
            return self.write(Action::NotePickup, now);
        }
        match self.memory.tries.again {
            _ if self.closing => self.blocked(SIGNING.to_owned(), now),
            Some(again) if !again.is_due(now) => self.blocked_until(again, self.memory.tries.because(), now),
            Some(_) | None => go(Action::Ask),
        }
    }

    /// The certificate's own key signs: lent by whoever made it, or read from the Secret that the annotation names.
    fn sign_with_own_key(&self, now: Timestamp) -> Standing {
        if self.memory.signer.is_some() {
            return self.sign(now);
        }
        match (&self.memory.key, self.key_secret) {
            (KeyRead::Waiting { text, again }, Some(_)) => match again {
                Some(again) if again.is_due(now) && !self.closing => go(Action::ReadKey),
                Some(again) => self.blocked_until(*again, text.clone(), now),
                None => self.blocked(text.clone(), now),
            },
            // Without the annotation reading fails for good.
            (KeyRead::Unread, _) | (KeyRead::Waiting { .. }, None) if !self.closing => go(Action::ReadKey),
            (KeyRead::Unread | KeyRead::Waiting { .. }, _) => self.blocked(SIGNING.to_owned(), now),
        }
    }

    /// Somebody proves the names and asks the server: the subject of the Order.
    fn order(&self, now: Timestamp) -> Standing {
        let Some(order) = &self.order else { return self.blocked(SIGNING.to_owned(), now) };
        let told = |name: &Name| words::waiting_for_order(name);
        let approved = self.conditions.is_true(APPROVED);
        match order {
            // The approval tells what is waited for, so that nothing has to be told later.
            order::View::Unmade(name) | order::View::Pending(name) if !approved => {
                self.write(Action::Show(told(name)), now)
            }
            order::View::Pending(name) => self.blocked(told(name), now),
            order::View::Unmade(_) if self.closing => self.blocked(SIGNING.to_owned(), now),
            order::View::Unmade(_) => self.write(Action::MakeOrder, now),
            order::View::Unfit(name) => self.write(Action::DropOrder(name.clone()), now),
            order::View::Issued(name) => self.write(Action::TakeOrder(name.clone()), now),
            order::View::Failed(name, state, reason) => {
                let message = format!(
                    "Failed to wait for order resource \"{}\" to become ready: order is in \"{state}\" state: {reason}",
                    name.object()
                );
                self.write(Action::Fail(Failure::new("OrderFailed", message)), now)
            }
            order::View::Refused(failure) => self.write(Action::Fail(failure.clone()), now),
        }
    }

    /// Nothing can be done: people are told in time.
    fn blocked(&self, text: String, now: Timestamp) -> Standing {
        self.blocked_until(now + FAR, text, now)
    }

    fn blocked_until(&self, again: Timestamp, text: String, now: Timestamp) -> Standing {
        let approved = self.conditions.is_true(APPROVED) || self.right != Right::Allowed;
        let shown = self.conditions.get(READY);
        if approved && shown.is_some_and(|ready| ready.reason == PENDING && ready.message == text) {
            return wait(again, &text);
        }
        let due = self.memory.seen.unwrap_or(now) + self.visible_after;
        if due.is_due(now) || self.closing {
            return self.write(Action::Show(text), now);
        }
        wait(due.min(again), &text)
    }

    /// A write, unless the last one was refused a moment ago.
    fn write(&self, action: Action, now: Timestamp) -> Standing {
        match self.memory.quiet_until {
            Some(until) if !until.is_due(now) => wait(until, "what became of a write"),
            Some(_) | None => go(action),
        }
    }
}

fn go(action: Action) -> Standing {
    Standing::Going(Agenda::new(vec![action], None))
}

fn wait(at: Timestamp, what: &str) -> Standing {
    Standing::Going(Agenda::new(Vec::new(), Some(Wake::new(at, Waiting::outside(what)))))
}

/// The conditions with our approval in them, where nobody approved or denied.
pub(crate) fn approved(conditions: &Conditions, now: Timestamp) -> Conditions {
    let mut conditions = conditions.clone();
    if conditions.get(APPROVED).is_none() && conditions.get(DENIED).is_none() {
        let text = "Certificate request has been approved by cert-manager.io";
        let condition = Condition::new(APPROVED, ConditionStatus::True, "cert-manager.io", text);
        let condition = condition.at(now, &conditions);
        conditions.set(condition);
    }
    conditions
}

/// The conditions with this one of `Ready`.
pub(crate) fn with_ready(
    mut conditions: Conditions,
    status: ConditionStatus,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> Conditions {
    let condition = Condition::new(READY, status, reason, message).at(now, &conditions);
    conditions.set(condition);
    conditions
}

pub(crate) const READY: &str = "Ready";
pub(crate) const APPROVED: &str = "Approved";
pub(crate) const DENIED: &str = "Denied";
pub(crate) const INVALID: &str = "InvalidRequest";
pub(crate) const PENDING: &str = "Pending";
pub(crate) const FAILED: &str = "Failed";
pub(crate) const ISSUED: &str = "Issued";

pub(crate) const UNAPPROVED: &str = "Not signing CertificateRequest until it is Approved";
const SIGNING: &str = "Waiting for the issuer to sign";

/// When a wait that ends by an event is looked at all the same.
const FAR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests;
