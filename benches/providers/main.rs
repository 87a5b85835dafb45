//! Calls and time that DNS services cost for 1, 10 and 100 names of one zone: ours, beside lego's provider at the same double.
//!
//! `cargo bench -p certwright-benches --bench providers [-- --rounds 5] [NAME…]` serves the strict doubles of the test kit on loopback ports. Each name is added and
//! removed; calls are counted by the double, questions to name servers (both ask some) cost time alone. Ours is the provider inside `Dns01`, which presents the names of an
//! order at once, as its driver does; lego goes one after the other, as lego does. Both have served one name before: what a long-lived program learns once (a zone's id, a
//! token) is shown apart, and may not be more either. Build lego with `testkit/servers/build.sh` first.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports to whoever started it")]

mod stage;
mod subjects;

use std::process::ExitCode;

use stage::measure;
use subjects::SUBJECTS;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut rounds, mut asked, mut wanted) = (ROUNDS, false, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => asked = true,
            "--rounds" => match arguments.next().and_then(|it| it.parse().ok()) {
                Some(count) if count >= 1 => rounds = count,
                _ => return usage(),
            },
            name if SUBJECTS.iter().any(|it| it.name == name) => wanted.push(argument),
            _ => return usage(),
        }
    }
    if !asked {
        return usage();
    }
    println!("Doubles on loopback; the median of {rounds} rounds, with 1, 10 and 100 names of one zone\n");
    let (mut more, mut fewer, mut all) = (Vec::new(), 0, 0);
    for subject in SUBJECTS.iter().filter(|it| wanted.is_empty() || wanted.iter().any(|name| name == it.name)) {
        let measured = measure(subject, &NAMES, rounds).await;
        println!("{measured}");
        all += 1;
        fewer += usize::from(measured.has_fewer());
        if measured.has_more() {
            more.push(measured.name);
        }
    }
    println!("\nAgainst lego are not measured: acme-dns, webhook and exec (no service of names), rfc2136 (no API)");
    let verdict = if more.is_empty() { "ok".to_owned() } else { format!("short ({})", more.join(", ")) };
    println!(
        "providers: calls never more than lego's with {all} services, and fewer with {fewer}; goal never more: {verdict}"
    );
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    let names: Vec<&str> = SUBJECTS.iter().map(|it| it.name).collect();
    eprintln!(
        "usage: cargo bench -p certwright-benches --bench providers [-- --rounds N] [NAME…], of {}",
        names.join(", ")
    );
    ExitCode::FAILURE
}

const ROUNDS: usize = 5;
const NAMES: [usize; 3] = [1, 10, 100];
