//! What takes minutes: `.ci/test --long` runs it, and its last result stands in `docs/testing.md`.

use std::time::Duration;

use crate::chaos::{Weather, weather};
use crate::crash::{KILLS, every_strike, strike_all, survives};
use crate::frost::{FROSTS, freeze_all};
use crate::kit::Fault;
use crate::paths::Path;
use crate::soak::soak;
use crate::stage::Body;

#[test]
#[ignore = "minutes long: .ci/test --long"]
fn every_path_survives_every_fault_at_every_write() {
    for path in PATHS {
        survives(path, &ALL);
        // Who reads it wants to know how far it came.
        eprintln!("{path:?} survives {ALL:?}");
    }
}

#[test]
#[ignore = "minutes long: .ci/test --long"]
fn a_process_that_gets_sigkill_at_any_write_is_succeeded_by_another() {
    for path in [Path::Ca, Path::Vault, Path::Dns01(1)] {
        strike_all(path, Body::Process, &every_strike(path, &KILLS));
        eprintln!("{path:?} survives SIGKILL at every write");
    }
}

#[test]
#[ignore = "minutes long: .ci/test --long"]
fn a_leader_that_freezes_at_any_write_is_not_heard_when_it_thaws() {
    for path in [Path::Ca, Path::Dns01(1)] {
        freeze_all(path, &every_strike(path, &FROSTS));
        eprintln!("{path:?} survives a frost at every write");
    }
}

#[test]
#[ignore = "minutes long: .ci/test --long"]
fn two_controllers_in_ten_minutes_of_chaos_end_with_one_certificate_each() {
    weather(Weather { crowd: 200, lasts: Duration::from_secs(600), edits_every: Duration::from_millis(250) });
}

#[test]
#[ignore = "minutes long: .ci/test --long"]
fn days_of_renewals_leave_nothing_to_do() {
    let hours = [Duration::from_secs(3600); 24];
    let long = [Duration::from_secs(36_000); 5];
    soak(20, &[&hours[..], &long].concat());
}

const PATHS: [Path; 11] = [
    Path::Ca,
    Path::SelfSigned,
    Path::Never,
    Path::Approved,
    Path::ApprovedNever,
    Path::Temporary,
    Path::External,
    Path::Vault,
    Path::Dns01(1),
    Path::Authorized,
    Path::Bare,
];
const ALL: [Fault; 8] = [
    Fault::KillBefore,
    Fault::KillAfter,
    Fault::LoseRequest,
    Fault::LoseAnswer,
    Fault::TimeOut,
    Fault::Refuse(409, None),
    Fault::Refuse(429, Some(1)),
    Fault::Refuse(500, None),
];
