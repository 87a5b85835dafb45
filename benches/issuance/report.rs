//! What a person reads: a table, and one line for each goal.

use std::fmt::Write as _;

use crate::pipeline::Entry;
use crate::{floor, ours, rivals};

/// Every pipeline as a table.
pub(crate) fn table(entries: &[Entry], floor: &str) -> String {
    let floor = of(entries, floor);
    let mut out = format!("  {:<22} {:>11} {:>9} {:>9} {:>9}\n", "", "median µs", "least", "most", "× floor");
    for entry in entries {
        let micros = |time: Option<&std::time::Duration>| time.map_or(0.0, |it| it.as_secs_f64() * 1e6);
        let _ = match entry.microseconds() {
            Some(median) => writeln!(
                out,
                "  {:<22} {median:>11.1} {:>9.1} {:>9.1} {:>9}",
                entry.name,
                micros(entry.samples.iter().min()),
                micros(entry.samples.iter().max()),
                times(floor.and_then(|it| entry.ratio_to(it)))
            ),
            None => writeln!(out, "  {:<22} not measured: {}", entry.name, reason(entry)),
        };
    }
    out
}

/// P1: a checked issuance, as a multiple of the cryptography that it cannot do without.
pub(crate) fn p1(entries: &[Entry]) -> String {
    let ours = ratio(entries, ours::CHECKED, floor::CHECKED);
    format!(
        "P1 checked issuance: {}, floor {} = {}; rcgen {} = {}; goal ≤ {OVER_FLOOR} × floor: {}",
        time(entries, ours::CHECKED),
        time(entries, floor::CHECKED),
        times(ours),
        time(entries, rivals::RCGEN),
        times(ratio(entries, rivals::RCGEN, floor::CHECKED)),
        verdict(ours.is_some_and(|it| it <= OVER_FLOOR))
    )
}

/// P2: how many times as fast as Go's pipeline.
pub(crate) fn p2(entries: &[Entry]) -> String {
    let own_key = ratio(entries, rivals::GO, ours::OWN_KEY);
    let checked = ratio(entries, rivals::GO, ours::CHECKED);
    let met = own_key.is_some_and(|it| it >= FASTER) && checked.is_some_and(|it| it >= FASTER_CHECKED);
    format!(
        "P2 beside Go's crypto/x509: own key {} = {} as fast, checked {} = {}; Go {}; goal ≥ {FASTER} ×, checked ≥ {FASTER_CHECKED} ×: {}",
        time(entries, ours::OWN_KEY),
        times(own_key),
        time(entries, ours::CHECKED),
        times(checked),
        time(entries, rivals::GO),
        verdict(met)
    )
}

/// The pipeline of this name.
fn of<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    entries.iter().find(|it| it.name == name)
}

/// How many times as long as `other` the pipeline `name` takes.
fn ratio(entries: &[Entry], name: &str, other: &str) -> Option<f64> {
    of(entries, name)?.ratio_to(of(entries, other)?)
}

/// The median time of the pipeline `name`, or why there is none.
fn time(entries: &[Entry], name: &str) -> String {
    match of(entries, name) {
        Some(entry) => match entry.microseconds() {
            Some(micros) => format!("{micros:.1} µs"),
            None => format!("not measured ({})", reason(entry)),
        },
        None => "not measured".to_owned(),
    }
}

/// A ratio as people read it.
fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "?".to_owned(), |it| format!("{it:.2} ×"))
}

fn reason(entry: &Entry) -> &str {
    entry.failure.as_deref().unwrap_or("it was not asked")
}

fn verdict(met: bool) -> &'static str {
    if met { "ok" } else { "short" }
}

/// PERFORMANCE's goal for P1.
const OVER_FLOOR: f64 = 1.08;
/// PERFORMANCE's goals for P2.
const FASTER: f64 = 8.0;
const FASTER_CHECKED: f64 = 2.5;
