//! CPU time of a certificate issued in the process: the provider's bare cryptography, rcgen, and Go's crypto/x509.
//!
//! `cargo bench -p certwright-benches --bench issuance [-- --rounds 11]`. Contenders take turns, a batch of P-256 certificates
//! each; figures are medians of the CPU time of one certificate, and ratios are medians of the ratios of each round. Build the Go
//! peer with `benches/peers/build.sh` first.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports to whoever started it")]

mod floor;
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
        Entry::new(rivals::RCGEN, rivals::rcgen(&NAMES)),
        Entry::new(rivals::GO, Go::start()),
    ];
    take_turns(&mut entries, rounds, BATCH);
    println!("{}", report::table(&entries, floor::CHECKED));
    let line = |name| {
        let ratio = report::times(report::ratio(&entries, name, floor::CHECKED));
        format!("{name} {} = {ratio} the floor", report::time(&entries, name))
    };
    println!("beside us: {}, {}", line(rivals::RCGEN), line(rivals::GO));
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo bench -p certwright-benches --bench issuance [-- --rounds N], N at least {FEWEST}");
    ExitCode::FAILURE
}

const NAMES: [&str; 2] = ["example.test", "www.example.test"];
const ROUNDS: usize = 11;
/// Fewer say nothing on a shared machine.
const FEWEST: usize = 5;
/// Long enough for the clock of CPU time, short enough that neighbours disturb all alike.
const BATCH: usize = 200;
