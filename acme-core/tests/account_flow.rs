//! The account flow: found or made, kept as wanted, its key changed without a moment in which no key is known to be in force.

use certwright_acme_core as acme_core;

use acme_core::flow::{
    AccountAction, AccountEvent, AccountFlow, AccountOutcome, AccountPlan, Creation, Fault, Next, OrderPace,
};
use acme_core::protocol::{Problem, ProblemType, Url};
use acme_core::{ErrorKind, Retry, Timestamp};

fn begin() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000)
}

fn url() -> Url {
    Url::parse("https://ca.test/account/1").expect("a URL")
}

fn registered(contact: &[&str]) -> AccountEvent {
    AccountEvent::Registered { url: url(), contact: contact.iter().map(|it| (*it).to_owned()).collect() }
}

fn ready() -> AccountFlow {
    let mut flow = AccountFlow::new(AccountPlan::default(), OrderPace::default(), begin());
    let _ = flow.apply(registered(&[]), begin());
    flow
}

fn wants(flow: &AccountFlow, now: Timestamp) -> Vec<AccountAction> {
    match flow.next(now) {
        Next::Go(agenda) => agenda.ready,
        Next::Done(outcome) => panic!("it is done: {outcome:?}"),
    }
}

#[test]
fn an_account_is_made_and_its_contacts_are_set_when_they_differ() {
    let plan = AccountPlan::new(vec!["mailto:new@example.com".to_owned()]);
    let mut flow = AccountFlow::new(plan, OrderPace::default(), begin());
    assert_eq!(wants(&flow, begin()), [AccountAction::Register]);
    let _ = flow.apply(registered(&["mailto:old@example.com"]), begin());
    assert_eq!(wants(&flow, begin()), [AccountAction::Update(url())]);
    let _ = flow.apply(AccountEvent::Updated, begin());
    assert_eq!(flow.next(begin()), Next::Done(AccountOutcome::Ready { url: url() }));
}

#[test]
fn where_none_may_be_made_a_missing_account_is_the_answer() {
    let mut plan = AccountPlan::default();
    plan.create = Creation::Forbidden;
    let mut flow = AccountFlow::new(plan, OrderPace::default(), begin());
    assert_eq!(wants(&flow, begin()), [AccountAction::Find]);
    let _ = flow.apply(AccountEvent::Missing, begin());
    assert_eq!(flow.next(begin()), Next::Done(AccountOutcome::Missing));
}

#[test]
fn after_a_crash_around_the_key_change_the_new_key_is_probed_first() {
    let mut flow = ready();
    let _ = flow.apply(AccountEvent::KeyWanted, begin());
    let action = AccountAction::ChangeKey(url());
    assert_eq!(wants(&flow, begin()).as_slice(), std::slice::from_ref(&action));
    assert!(action.is_irreversible());
    let bytes = flow.before(&action).encode().expect("bytes");
    for changed in [true, false] {
        let mut flow = AccountFlow::decode(&bytes).expect("what was written is read");
        assert_eq!(wants(&flow, begin()), [AccountAction::ProbeNewKey]);
        if changed {
            let _ = flow.apply(AccountEvent::KeyChanged, begin());
            assert_eq!(flow.next(begin()), Next::Done(AccountOutcome::Ready { url: url() }));
        } else {
            let _ = flow.apply(AccountEvent::KeyUnchanged, begin());
            assert_eq!(wants(&flow, begin()).as_slice(), std::slice::from_ref(&action));
        }
    }
}

#[test]
fn a_refused_key_change_is_looked_into_and_never_offered_again_at_once() {
    let mut flow = ready();
    let _ = flow.apply(AccountEvent::KeyWanted, begin());
    let action = AccountAction::ChangeKey(url());
    let fault = Fault::new(ErrorKind::Refused, "the key is in use");
    let _ = flow.apply(AccountEvent::Failed { action: action.clone(), fault }, begin());
    let Next::Go(agenda) = flow.next(begin()) else { panic!("it gave up") };
    assert!(agenda.ready.is_empty(), "{agenda:?}");
    let later = agenda.wake.expect("a wake").at;
    assert_eq!(wants(&flow, later), [AccountAction::ProbeNewKey]);
}

#[test]
fn an_account_that_the_server_forgot_is_registered_again() {
    let mut flow = ready();
    let _ = flow.apply(AccountEvent::Forgotten, begin());
    assert_eq!(wants(&flow, begin()), [AccountAction::Register]);
}

#[test]
fn giving_up_an_account_that_is_gone_is_a_success() {
    let mut flow = ready();
    let _ = flow.apply(AccountEvent::EndWanted, begin());
    let action = AccountAction::Deactivate(url());
    let fault = Fault::new(ErrorKind::NotFound, "no such account")
        .with_problem(Problem::new(ProblemType::AccountDoesNotExist, "gone"));
    let _ = flow.apply(AccountEvent::Failed { action, fault }, begin());
    assert_eq!(flow.next(begin()), Next::Done(AccountOutcome::Deactivated));
}

#[test]
fn every_wait_of_an_account_ends() {
    let mut flow = AccountFlow::new(AccountPlan::default(), OrderPace::default(), begin());
    let mut now = begin();
    let outcome = loop {
        match flow.next(now) {
            Next::Done(outcome) => break outcome,
            Next::Go(agenda) if agenda.ready.is_empty() => now = agenda.wake.expect("a wake").at,
            Next::Go(agenda) => {
                let fault = Fault::new(ErrorKind::Unreachable, "no answer").with_retry(Retry::Backoff);
                let _ = flow.apply(AccountEvent::Failed { action: agenda.ready[0].clone(), fault }, now);
            }
        }
    };
    assert!(matches!(outcome, AccountOutcome::Failed(_)));
    assert!(now.since(begin()) <= OrderPace::default().create);
}
