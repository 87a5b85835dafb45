//! The controller beside the API server's own limit: issuances per second, writes, memory, cold start, latency (goals P6 to P9 and P13).
//!
//! `cargo bench -p certwright-benches --bench controller [-- --pairs 5] [--crowd 10000]` starts control planes of its own and stops them. The floor is a
//! bare client that makes the four writes of the ledger and nothing else, from bodies that are ready, with as many in flight as serve it best. Floor and
//! controller take turns, the floor before and after; ratios are medians of the ratios of each pair. The controller is a process of its own: this program, started again. Build the servers
//! with `testkit/servers/build.sh` first. `CERTWRIGHT_CERT_MANAGER` may name cert-manager's controller (`benches/peers/build.sh cert-manager` makes one),
//! which then has as many to issue, for no longer than `--patience` seconds.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports to whoever started it")]

mod acme;
mod bare;
mod cluster;
mod course;
mod floor;
mod operator;
mod processor;
mod report;
mod rival;

use std::process::ExitCode;

/// As the operator's image has it.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut plan = course::Plan { pairs: PAIRS, crowd: CROWD, patience: PATIENCE };
    let mut asked = false;
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|it| it.parse().ok());
        match argument.as_str() {
            "--bench" => asked = true,
            operator::ROLE => return operator::main(arguments),
            "--pairs" => match number() {
                Some(pairs) => plan.pairs = pairs,
                None => return usage(),
            },
            "--crowd" => match number() {
                Some(crowd) => plan.crowd = crowd,
                None => return usage(),
            },
            "--patience" => match number() {
                Some(seconds) => plan.patience = seconds,
                None => return usage(),
            },
            _ => return usage(),
        }
    }
    if !asked {
        return usage();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(course::measure(plan)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("broke off: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: cargo bench -p certwright-benches --bench controller [-- --pairs N] [--crowd N] [--patience SECONDS]"
    );
    ExitCode::FAILURE
}

/// Fewer say nothing on a shared machine.
const PAIRS: usize = 5;
const CROWD: usize = 10_000;
/// cert-manager would take an hour for the crowd: its rate is taken from its first minutes, which are its best.
const PATIENCE: usize = 240;
