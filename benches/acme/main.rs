//! Requests and latency for each certificate from an ACME CA: ours, beside lego, certmagic and a floor (goals P3 and P4).
//!
//! `cargo bench -p certwright-benches --bench acme [-- --rounds 11]` starts its own Pebble and stops it. Contenders take
//! turns, one certificate each; requests are counted in the server's log; figures are medians, and ratios are medians of the
//! ratios of each round. Build the servers with `testkit/servers/build.sh` and the rivals with `benches/peers/build.sh` first.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports to whoever started it")]

mod contender;
mod course;
mod floor;
mod ours;
mod report;
mod rival;

use std::process::ExitCode;
use std::time::Duration;

use testkit::servers::Pebble;

use contender::Repeat;
use course::{Course, Entry};
use floor::Floor;
use ours::Ours;
use report::{Outcome, RIVALS};
use rival::Rival;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut rounds = ROUNDS;
    let mut asked = false;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => asked = true,
            "--rounds" => match arguments.next().and_then(|it| it.parse().ok()) {
                Some(count) if count >= FEWEST => rounds = count,
                _ => return usage(),
            },
            _ => return usage(),
        }
    }
    if !asked {
        return usage();
    }
    match tokio::time::timeout(WHOLE, measure(rounds)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => {
            eprintln!("gave up: the bench took longer than {WHOLE:?}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(rounds: usize) {
    let builder = Pebble::builder().always_valid();
    let pebble = builder.start();
    println!("Pebble on loopback, always valid, no sleep, no nonce refused; {rounds} rounds after a warm-up\n");
    let one = run(&Course { pebble: &pebble, names: 1, repeat: Repeat::Fresh, rounds }, &RIVALS).await;
    let five = run(&Course { pebble: &pebble, names: 5, repeat: Repeat::Fresh, rounds }, &RIVALS).await;
    drop(pebble);

    let pebble = builder.clone().authz_reuse(100).start();
    let reused = run(&Course { pebble: &pebble, names: 1, repeat: Repeat::Same, rounds }, &RIVALS).await;
    drop(pebble);

    let pebble = builder.start();
    let fifty = run(&Course { pebble: &pebble, names: 50, repeat: Repeat::Fresh, rounds }, &[]).await;

    println!("{}", report::p3(&[&one, &five, &fifty], &reused));
    println!("{}", report::p4(&one, &[&five, &fifty]));
}

async fn run(course: &Course<'_>, rivals: &[&'static str]) -> Outcome {
    let &Course { pebble, names, repeat, .. } = course;
    let mut entries = vec![Entry::new(floor::NAME, Floor::start(pebble, names).await)];
    entries.push(Entry::new(ours::IN_MEMORY, Ours::in_memory(pebble)));
    entries.push(Entry::new(ours::ON_DISK, Ours::on_disk(pebble).await));
    for rival in rivals {
        let start = tokio::time::timeout(START, Rival::start(rival, pebble, names, course.laps(), repeat));
        entries.push(Entry::new(rival, start.await.unwrap_or_else(|_| Err(format!("no account within {START:?}")))));
    }
    let series = course.run(entries).await;
    let names_in_words = if names == 1 { "one name".to_owned() } else { format!("{names} names") };
    let authorizations = match repeat {
        Repeat::Fresh => "fresh authorizations",
        Repeat::Same => "authorizations still valid",
    };
    let outcome = Outcome { title: format!("{names_in_words}, {authorizations}"), names, series };
    println!("{}", outcome.table());
    outcome
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo bench -p certwright-benches --bench acme [-- --rounds N], N at least {FEWEST}");
    ExitCode::FAILURE
}

const ROUNDS: usize = 11;
/// Fewer say nothing on a shared machine.
const FEWEST: usize = 5;
const START: Duration = Duration::from_secs(30);
const WHOLE: Duration = Duration::from_secs(900);
