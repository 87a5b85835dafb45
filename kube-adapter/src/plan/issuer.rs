//! What an issuer needs: to be set up, and to be told of in its status.

use acme_core::Timestamp;
use acme_core::flow::{Agenda, Next, Waiting, Wake};

use crate::crd::condition::{Condition, ConditionStatus, Conditions};
use crate::crd::issuer::IssuerStatus;
use crate::engine::{Found, Verdict};
use crate::issuer::Tried;

/// All that the plan looks at.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    /// Which spec it is.
    pub(crate) generation: i64,
    /// Whether the object is about to go.
    pub(crate) leaving: bool,
    /// What its status says.
    pub(crate) told: &'a IssuerStatus,
    /// How the last set-up of this process went, of whatever spec it was.
    pub(crate) tried: Option<&'a Tried>,
    /// Whether a Secret changed since it was read.
    pub(crate) outdated: bool,
    /// No write before this time: the last one was refused.
    pub(crate) quiet_until: Option<Timestamp>,
    /// Whether nobody knows yet if its requests may be approved: the first of them shall not have to wait for that.
    pub(crate) asks: bool,
    /// The process is about to end.
    pub(crate) closing: bool,
}

/// What an issuer may want done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Read what the spec of this generation refers to, and try the issuer.
    SetUp(i64),
    /// Ask whether its requests may be approved.
    AskRight,
    /// Write the account's key, which the ACME server has not heard of yet.
    KeepKey,
    /// Write the status.
    Tell,
}

/// What is to be done now. An issuer that is set up and told of rests until it or a Secret of its changes.
pub(crate) fn plan(observed: &Observed<'_>, now: Timestamp) -> Next<Action, ()> {
    if observed.leaving {
        return Next::Done(());
    }
    let tried = observed.tried.filter(|tried| tried.generation == observed.generation);
    let mut ready = Vec::new();
    let mut wakes = Vec::new();
    let mut at = |time: Option<Timestamp>, action: Action| match time {
        Some(time) if !time.is_due(now) => wakes.push(time),
        Some(_) | None => ready.push(action),
    };
    match tried {
        _ if observed.closing => {}
        None => at(None, Action::SetUp(observed.generation)),
        Some(_) if observed.outdated => at(None, Action::SetUp(observed.generation)),
        Some(tried) => match (&tried.found, tried.again) {
            (Found::NewKey(_), _) => at(observed.quiet_until, Action::KeepKey),
            (Found::Verdict(_), Some(again)) => at(Some(again), Action::SetUp(observed.generation)),
            (Found::Verdict(_), None) => {}
        },
    }
    if observed.asks && !observed.closing {
        at(None, Action::AskRight);
    }
    if let Some(Found::Verdict(verdict)) = tried.map(|tried| &tried.found)
        && !is_told(verdict, observed)
    {
        at(observed.quiet_until, Action::Tell);
    }
    let wake = wakes.into_iter().min();
    if ready.is_empty() && wake.is_none() {
        return Next::Done(());
    }
    Next::Go(Agenda::new(ready, wake.map(|at| Wake::new(at, Waiting::outside("the issuer to answer")))))
}

/// Does the status say what was found? What somebody else wrote there is left alone.
fn is_told(verdict: &Verdict, observed: &Observed<'_>) -> bool {
    let told = observed.told;
    let Some(condition) = told.conditions.get(READY) else { return false };
    let same = condition.status == verdict.status()
        && condition.reason == verdict.reason
        && condition.message == verdict.message
        && condition.observed_generation == observed.generation;
    same && verdict.account.as_ref().is_none_or(|account| told.acme.as_ref() == Some(account))
}

/// The conditions as they shall stand, with those of others as they are.
pub(crate) fn conditions(verdict: &Verdict, told: &Conditions, generation: i64, now: Timestamp) -> Conditions {
    let mut conditions = told.clone();
    let ready = Condition::new(READY, verdict.status(), verdict.reason, verdict.message.clone());
    conditions.set(ready.of_generation(generation).at(now, told));
    conditions
}

impl Verdict {
    /// Whether it can sign, as a condition says it.
    pub(crate) fn status(&self) -> ConditionStatus {
        if self.engine.is_some() { ConditionStatus::True } else { ConditionStatus::False }
    }
}

/// The one condition of an issuer.
const READY: &str = "Ready";

#[cfg(test)]
mod tests {
    use acme_core::Timestamp;
    use acme_core::flow::Next;

    use super::{Action, Observed, conditions, plan};
    use crate::crd::issuer::IssuerStatus;
    use crate::engine::{Found, Verdict};
    use crate::issuer::Tried;

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_800_000_000)
    }

    fn tried(again: Option<Timestamp>) -> Tried {
        let verdict = Verdict::unready("ErrGetKeyPair", "it is not there");
        Tried { generation: 1, found: Found::Verdict(verdict), read: Vec::new(), again, failures: 1 }
    }

    fn wants(told: &IssuerStatus, tried: Option<&Tried>, outdated: bool, at: Timestamp) -> Vec<Action> {
        let observed = Observed {
            generation: 1,
            leaving: false,
            told,
            tried,
            outdated,
            quiet_until: None,
            asks: false,
            closing: false,
        };
        match plan(&observed, at) {
            Next::Go(agenda) => agenda.ready,
            Next::Done(()) => Vec::new(),
        }
    }

    #[test]
    fn an_issuer_is_tried_told_of_once_and_tried_again_in_time() {
        let nothing = IssuerStatus::default();
        assert_eq!(wants(&nothing, None, false, now()), [Action::SetUp(1)]);
        let again = now() + std::time::Duration::from_secs(5);
        let tried = tried(Some(again));
        assert_eq!(wants(&nothing, Some(&tried), false, now()), [Action::Tell]);
        let Found::Verdict(verdict) = &tried.found else { panic!("it was told") };
        let told = IssuerStatus { conditions: conditions(verdict, &nothing.conditions, 1, now()), acme: None };
        assert_eq!(wants(&told, Some(&tried), false, now()), []);
        assert_eq!(wants(&told, Some(&tried), false, again), [Action::SetUp(1)]);
        assert_eq!(wants(&told, Some(&tried), true, now()), [Action::SetUp(1)], "a Secret changed");
    }

    #[test]
    fn another_spec_is_tried_and_what_the_last_one_came_to_says_nothing() {
        let mut old = tried(None);
        old.generation = 0;
        assert_eq!(wants(&IssuerStatus::default(), Some(&old), false, now()), [Action::SetUp(1)]);
    }
}
