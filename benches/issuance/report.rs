//! What a person reads: a table, and one line for each goal.

use std::fmt::Write as _;

use crate::pipeline::Entry;

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

/// The pipeline of this name.
pub(crate) fn of<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    entries.iter().find(|it| it.name == name)
}

/// How many times as long as `other` the pipeline `name` takes.
pub(crate) fn ratio(entries: &[Entry], name: &str, other: &str) -> Option<f64> {
    of(entries, name)?.ratio_to(of(entries, other)?)
}

/// The median time of the pipeline `name`, or why there is none.
pub(crate) fn time(entries: &[Entry], name: &str) -> String {
    match of(entries, name) {
        Some(entry) => match entry.microseconds() {
            Some(micros) => format!("{micros:.1} µs"),
            None => format!("not measured ({})", reason(entry)),
        },
        None => "not measured".to_owned(),
    }
}

/// A ratio as people read it.
pub(crate) fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "?".to_owned(), |it| format!("{it:.2} ×"))
}

fn reason(entry: &Entry) -> &str {
    entry.failure.as_deref().unwrap_or("it was not asked")
}
