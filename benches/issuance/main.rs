//! CPU time of a certificate issued in the process: ours, beside the provider's bare cryptography, rcgen, and Go's crypto/x509 (goals P1 and P2).
//!
//! `cargo bench -p certwright-benches --bench issuance [-- --rounds 11]`. Contenders take turns, a batch of P-256 certificates
//! each; figures are medians of the CPU time of one certificate, and ratios are medians of the ratios of each round. Then one authority of each
//! kind of key certifies ten thousand prepared keys. Build the Go peer with `benches/peers/build.sh` first.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports to whoever started it")]

mod crowd;
mod floor;
mod ours;
mod pipeline;
mod report;
mod rivals;

use std::process::ExitCode;

use floor::Check;
use pipeline::{Entry, take_turns};
use rivals::Go;

fn main() -> ExitCode {
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
    measure(rounds);
    ExitCode::SUCCESS
}

fn measure(rounds: usize) {
    println!("{BATCH} P-256 certificates for two names at each turn, {rounds} rounds after a warm-up\n");
    let mut entries = vec![
        Entry::new(floor::CHECKED, floor::floor(Check::Yes)),
        Entry::new(floor::OWN_KEY, floor::floor(Check::No)),
        Entry::new(ours::CHECKED, ours::ours(Check::Yes, &NAMES)),
        Entry::new(ours::OWN_KEY, ours::ours(Check::No, &NAMES)),
        Entry::new(rivals::RCGEN, rivals::rcgen(&NAMES)),
        Entry::new(rivals::GO, Go::start()),
    ];
    take_turns(&mut entries, rounds, BATCH);
    println!("{}", report::table(&entries, floor::CHECKED));
    println!("{CROWD} certificates from one authority, keys prepared\n");
    match crowd::report(CROWD) {
        Ok(lines) => println!("{lines}"),
        Err(error) => println!("  not measured: {error}\n"),
    }
    println!("{}", report::p1(&entries));
    println!("{}", report::p2(&entries));
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo bench -p certwright-benches --bench issuance [-- --rounds N], N at least {FEWEST}");
    ExitCode::FAILURE
}

const NAMES: [&str; 2] = ["example.test", "www.example.test"];
const ROUNDS: usize = 11;
/// Fewer say nothing on a shared machine.
const FEWEST: usize = 5;
const CROWD: usize = 10_000;
/// Long enough for the clock of CPU time, short enough that neighbours disturb all alike.
const BATCH: usize = 200;
