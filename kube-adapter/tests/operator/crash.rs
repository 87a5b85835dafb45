//! Killed before and after every write of every path; and the same with the answer lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::kit::history::Moment;
use crate::kit::{Call, Fault, Ledger, Verb, eventually, judge};
use crate::paths::Path;
use crate::stage::{Body, Servers, Stage};

#[test]
fn a_certificate_of_a_ca_survives_a_kill_at_every_write() {
    survives(Path::Ca, &KILLS);
}

#[test]
fn a_self_signed_certificate_survives_a_kill_at_every_write() {
    survives(Path::SelfSigned, &KILLS);
}

#[test]
fn a_renewal_with_the_key_that_is_there_survives_a_kill_at_every_write() {
    survives(Path::Never, &KILLS);
    survives(Path::ApprovedNever, &KILLS);
}

#[test]
fn a_certificate_that_somebody_else_approves_survives_a_kill_at_every_write() {
    survives(Path::Approved, &KILLS);
}

#[test]
fn a_certificate_with_a_temporary_one_before_survives_a_kill_at_every_write() {
    survives(Path::Temporary, &KILLS);
}

#[test]
fn a_certificate_of_a_foreign_issuer_survives_a_kill_at_every_write() {
    survives(Path::External, &KILLS);
}

#[test]
fn a_certificate_of_a_vault_survives_a_kill_at_every_write() {
    survives(Path::Vault, &KILLS);
}

#[test]
fn a_certificate_by_dns_survives_a_kill_at_every_write() {
    survives(Path::Dns01(1), &KILLS);
}

#[test]
fn a_certificate_whose_names_are_proven_already_survives_a_kill_at_every_write() {
    survives(Path::Authorized, &KILLS);
}

#[test]
fn a_request_without_a_certificate_survives_a_kill_at_its_write() {
    survives(Path::Bare, &KILLS);
}

#[test]
fn a_certificate_of_a_ca_costs_nothing_more_where_answers_are_lost() {
    survives(Path::Ca, &LOSSES);
}

#[test]
fn a_self_signed_certificate_costs_nothing_more_where_answers_are_lost() {
    survives(Path::SelfSigned, &LOSSES);
}

#[test]
fn a_certificate_that_somebody_else_approves_costs_nothing_more_where_answers_are_lost() {
    survives(Path::Approved, &LOSSES);
}

#[test]
fn a_certificate_with_a_temporary_one_before_costs_nothing_more_where_answers_are_lost() {
    survives(Path::Temporary, &LOSSES);
}

#[test]
fn a_certificate_of_a_foreign_issuer_costs_nothing_more_where_answers_are_lost() {
    survives(Path::External, &LOSSES);
}

#[test]
fn a_certificate_by_dns_costs_nothing_more_where_answers_are_lost() {
    survives(Path::Dns01(1), &LOSSES[1..2]);
}

#[test]
fn a_request_without_a_certificate_costs_nothing_more_where_its_answer_is_lost() {
    survives(Path::Bare, &LOSSES);
}

#[test]
fn a_first_write_of_each_kind_may_be_refused_in_any_way() {
    for path in [Path::Ca, Path::Vault, Path::Dns01(1)] {
        let writes = path.writes();
        // In the order of the table, which is not quite that of their arrival: each kind is met all the same.
        let strikes = (1..=writes.len()).flat_map(|write| {
            REFUSALS
                .iter()
                .enumerate()
                .filter(move |(at, _)| (at + write) % 2 == 0)
                .map(move |(_, fault)| Strike { fault: *fault, write })
        });
        strike_all(path, Body::Runtime, &strikes.collect::<Vec<_>>());
    }
}

#[test]
fn a_process_that_gets_sigkill_at_a_write_is_succeeded_by_another() {
    for path in [Path::Ca, Path::Dns01(1)] {
        // Before and after in turn; `.ci/test --long` strikes both ways at each.
        let strikes = (1..=path.writes().len()).step_by(3);
        let strikes = strikes.map(|write| Strike { fault: KILLS[write % KILLS.len()], write }).collect::<Vec<_>>();
        strike_all(path, Body::Process, &strikes);
    }
}

/// Something that happens at a write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    pub(crate) write: usize,
}

/// Asks for a certificate for each write of the path and each fault, which strikes at that write: see [`strike_all`].
#[track_caller]
pub(crate) fn survives(path: Path, faults: &[Fault]) {
    strike_all(path, Body::Runtime, &every_strike(path, faults));
}

/// Each fault at each write.
pub(crate) fn every_strike(path: Path, faults: &[Fault]) -> Vec<Strike> {
    let writes = 1..=path.writes().len();
    writes.flat_map(|write| faults.iter().map(move |fault| Strike { fault: *fault, write })).collect()
}

/// Asks for a certificate for each strike. Each must be there in the end, whole and with nothing left over, at the cost of no more than the plan allows.
pub(crate) fn strike_all(path: Path, body: Body, strikes: &[Strike]) {
    let next = AtomicUsize::new(0);
    // Most of it is waiting.
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(strikes.len()) {
            scope.spawn(|| {
                let mut stage = Stage::new(path, body);
                while let Some(strike) = strikes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    stage.survive(*strike);
                }
            });
        }
    });
}

impl Stage {
    fn survive(&mut self, strike: Strike) {
        let Strike { fault, write } = strike;
        let name = format!("web-{write}-{}", word(fault));
        let told = format!("{:?}: {fault:?} at write {write}", self.path);
        let revision = self.begin(&name);
        let before = self.servers.made();
        let history = Moment::now(&self.space, "certificaterequests");
        self.proxy.fail(move |call| (call.write == Some(write)).then_some(fault));
        self.ask(&name, revision);
        let mut lives = 1;
        let mut ledger = Ledger::default();
        eventually(&told, || {
            self.succeed(&mut lives, &mut ledger);
            self.help();
            self.is_done(&name, revision).map_err(|why| format!("{why}\n{ledger}then\n{}", self.proxy.ledger()))
        });
        self.space.await_quiet(&self.proxy);
        // The last write may be the one that strikes: then its successor cleans up.
        self.succeed(&mut lives, &mut ledger);
        self.proxy.heal();
        if self.path != Path::Bare {
            judge::assert_settled(&self.space, &name);
        }
        if let Servers::Acme(acme) = &self.servers {
            eventually(&format!("{told}: nothing left over"), || {
                let left = [self.names_of("challenges"), acme.answers()].concat();
                if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
            });
        }
        self.space.await_quiet(&self.proxy);
        judge::assert_one_request_at_a_time(&history.changes(&self.space), &told);
        ledger.0.extend(self.proxy.ledger().0);

        let dies = matches!(fault, Fault::KillBefore | Fault::KillAfter);
        assert_eq!(lives, if dies { 2 } else { 1 }, "{told} never struck:\n{ledger}");
        let struck = self.proxy.struck().expect("a request");
        let made = ledger.objects().filter(|it| (200..300).contains(&it.code)).count();
        let most = self.path.writes().len() + self.path.again(fault);
        assert!(made <= most, "{told} ({struck}) cost {made} writes, at most {most} are allowed:\n{ledger}");
        let after = self.servers.made();
        let orders = after.orders - before.orders;
        assert!(orders <= 1, "{told} ({struck}): {orders} orders were made:\n{ledger}");
        let certificates = after.certificates - before.certificates;
        let most = 1 + usize::from(self.path == Path::Vault && is_signature(&struck));
        assert!(certificates <= most, "{told} ({struck}): {certificates} certificates were issued:\n{ledger}");
    }

    /// Starts another controller where the last one died.
    fn succeed(&mut self, lives: &mut usize, ledger: &mut Ledger) {
        if !self.is_alive() {
            ledger.0.extend(self.proxy.ledger().0);
            self.proxy.forget();
            self.proxy.heal();
            self.start();
            *lives += 1;
        }
    }

    fn names_of(&self, resource: &str) -> Vec<String> {
        self.space.list(resource).iter().map(|it| it["metadata"]["name"].to_string()).collect()
    }
}

impl Path {
    /// How many writes more a crash may cost. Where the key is in memory alone, the request of a dead process goes, and its like is made again: three
    /// writes, the first of them a deletion. What an ACME server says of renewal is told by a write of its own where the one for both was lost.
    fn again(self, fault: Fault) -> usize {
        match (self, fault) {
            (Self::Ca | Self::SelfSigned, Fault::KillBefore | Fault::KillAfter) => 3,
            (Self::Dns01(_) | Self::SlowDns01(_) | Self::Authorized, _) => 1,
            (_, _) => 0,
        }
    }
}

/// Is it the write of what somebody signed? Vault gives no handle to look for, so it is asked again.
fn is_signature(call: &Call) -> bool {
    call.verb == Verb::Patch && call.resource == "certificaterequests/status"
}

/// The fault, as part of a name.
fn word(fault: Fault) -> String {
    let told = format!("{fault:?}").to_lowercase();
    told.split(|it: char| !it.is_alphanumeric()).take(2).filter(|it| !it.is_empty()).collect::<Vec<_>>().join("-")
}

pub(crate) const KILLS: [Fault; 2] = [Fault::KillBefore, Fault::KillAfter];
const LOSSES: [Fault; 3] = [Fault::LoseRequest, Fault::LoseAnswer, Fault::TimeOut];
/// What an API server says that has done nothing.
pub(crate) const REFUSALS: [Fault; 4] =
    [Fault::Refuse(409, None), Fault::Refuse(429, Some(1)), Fault::Refuse(500, None), Fault::LoseRequest];
const AT_ONCE: usize = 4;
