//! Killed before and after every write of every path; and the same with the answer lost.

use crate::kit::standins::ForeignAuthority;
use crate::kit::{Fault, Ledger, Operator, Space, eventually, judge};
use crate::paths::Path;

#[test]
fn a_certificate_of_a_ca_survives_a_kill_at_every_write() {
    survives(Path::Ca, &KILLS, MOST_AGAIN);
}

#[test]
fn a_self_signed_certificate_survives_a_kill_at_every_write() {
    survives(Path::SelfSigned, &KILLS, MOST_AGAIN);
}

#[test]
fn a_renewal_with_the_key_that_is_there_survives_a_kill_at_every_write() {
    survives(Path::Never, &KILLS, 1);
}

#[test]
fn a_certificate_that_somebody_else_approves_survives_a_kill_at_every_write() {
    survives(Path::Approved, &KILLS, 0);
}

#[test]
fn a_certificate_of_a_foreign_issuer_survives_a_kill_at_every_write() {
    survives(Path::External, &KILLS, 0);
}

#[test]
fn a_request_without_a_certificate_survives_a_kill_at_its_write() {
    survives(Path::Bare, &KILLS, 0);
}

#[test]
fn a_certificate_of_a_ca_costs_nothing_more_where_answers_are_lost() {
    survives(Path::Ca, &LOSSES, 0);
}

#[test]
fn a_self_signed_certificate_costs_nothing_more_where_answers_are_lost() {
    survives(Path::SelfSigned, &LOSSES, 0);
}

#[test]
fn a_certificate_that_somebody_else_approves_costs_nothing_more_where_answers_are_lost() {
    survives(Path::Approved, &LOSSES, 0);
}

#[test]
fn a_certificate_of_a_foreign_issuer_costs_nothing_more_where_answers_are_lost() {
    survives(Path::External, &LOSSES, 0);
}

#[test]
fn a_request_without_a_certificate_costs_nothing_more_where_its_answer_is_lost() {
    survives(Path::Bare, &LOSSES, 0);
}

/// Asks for a certificate for each write of the path and each fault, which strikes at that write; each must be there in the end, whole and with nothing left over,
/// at the cost of at most `again` successful writes more.
#[track_caller]
pub(crate) fn survives(path: Path, faults: &[Fault], again: usize) {
    let space = Space::new("crash");
    let proxy = space.proxy();
    let authority = ForeignAuthority::new();
    path.prepare(&space);
    let mut operator = Operator::start(&proxy, path.settings(&space));
    path.await_prepared(&space);
    for (number, fault) in faults.iter().enumerate() {
        for write in 1..=path.writes().len() {
            space.await_quiet(&proxy);
            proxy.forget();
            let strikes = *fault;
            let name = format!("web-{number}-{write}");
            let revision = path.begin(&space, &proxy, &name);
            proxy.fail(move |call| (call.write == Some(write)).then_some(strikes));
            path.ask_in(&space, &name, revision);
            let mut lives = 1;
            let mut ledger = Ledger::default();
            eventually(&format!("{name}, {fault:?} at write {write}"), || {
                if !operator.is_alive() && proxy.is_idle() {
                    ledger.0.extend(proxy.ledger().0);
                    proxy.forget();
                    proxy.heal();
                    operator = Operator::start(&proxy, path.settings(&space));
                    lives += 1;
                }
                path.help(&space, &authority);
                path.is_done(&space, &name, revision)
            });
            space.await_quiet(&proxy);
            // The last write may be the one that strikes: then its successor cleans up.
            if !operator.is_alive() {
                ledger.0.extend(proxy.ledger().0);
                proxy.forget();
                proxy.heal();
                operator = Operator::start(&proxy, path.settings(&space));
                lives += 1;
                space.await_quiet(&proxy);
            }
            proxy.heal();
            if path != Path::Bare {
                judge::assert_settled(&space, &name);
                space.await_quiet(&proxy);
            }
            ledger.0.extend(proxy.ledger().0);
            let dies = matches!(fault, Fault::KillBefore | Fault::KillAfter);
            assert_eq!(lives, if dies { 2 } else { 1 }, "{name}: {fault:?} never struck at write {write}:\n{ledger}");
            let made = ledger.objects().filter(|it| (200..300).contains(&it.code)).count();
            let most = path.writes().len() + again;
            assert!(
                made <= most,
                "{name}: {fault:?} at write {write} cost {made} writes, at most {most} are allowed:\n{ledger}"
            );
        }
    }
}

const KILLS: [Fault; 2] = [Fault::KillBefore, Fault::KillAfter];
const LOSSES: [Fault; 3] = [Fault::LoseRequest, Fault::LoseAnswer, Fault::TimeOut];
/// Where the key is in memory alone, the request of a dead process goes, and its like is made again: three writes, the first of them a deletion.
pub(crate) const MOST_AGAIN: usize = 3;
