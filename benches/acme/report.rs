//! What a person reads: a table for each course, and one line for each goal.

use std::fmt::Write as _;

use crate::contender::{Sample, Series};
use crate::{floor, ours};

/// What came of a course.
pub(crate) struct Outcome {
    /// What was asked, in words.
    pub(crate) title: String,
    /// How many names a certificate had.
    pub(crate) names: usize,
    /// One for each contender.
    pub(crate) series: Vec<Series>,
}

impl Outcome {
    fn of(&self, name: &str) -> Option<&Series> {
        self.series.iter().find(|it| it.name == name)
    }

    fn requests(&self, name: &str) -> Option<f64> {
        self.of(name)?.requests()
    }

    /// Our time as a multiple of the floor's.
    fn over_floor(&self) -> Option<f64> {
        self.of(ours::IN_MEMORY)?.ratio_to(self.of(floor::NAME)?)
    }

    /// The course as a table.
    pub(crate) fn table(&self) -> String {
        let mut out = format!("{}\n", self.title);
        let _ = writeln!(
            out,
            "  {:<20} {:>9} {:>9} {:>9} {:>7} {:>9} {:>9}  requests of the median certificate",
            "", "median ms", "least", "most", "× floor", "requests", "newNonce"
        );
        for series in &self.series {
            let _ = match row(series, self.of(floor::NAME)) {
                Some(row) => writeln!(out, "{row}"),
                None => writeln!(out, "  {:<20} not measured: {}", series.name, reason(series)),
            };
        }
        out
    }
}

/// P3: requests for each certificate.
pub(crate) fn p3(fresh: &[&Outcome], reused: &Outcome) -> String {
    let mut line = "P3 requests:".to_owned();
    let mut met = true;
    for outcome in fresh {
        let goal = 2.0 * outcome.names as f64 + 5.0;
        let ours = outcome.requests(ours::IN_MEMORY);
        met &= ours.is_some_and(|it| it <= goal);
        let _ = write!(line, " {} at n = {},", count(ours), outcome.names);
    }
    let ours = reused.requests(ours::IN_MEMORY);
    met &= ours.is_some_and(|it| it <= 4.0);
    let _ = write!(line, " {} with valid authorizations,", count(ours));
    let nonces = fresh.iter().copied().chain([reused]).filter_map(|it| it.of(ours::IN_MEMORY)?.nonces());
    let nonces = nonces.fold(0.0, f64::max);
    met &= nonces < NEGLIGIBLE;
    let _ = write!(line, " newNonce {nonces:.2}; ");
    for rival in RIVALS {
        let all = fresh.iter().copied().chain([reused]);
        let counts: Vec<_> = all.filter_map(|it| it.of(rival)).map(|it| (it.requests(), it)).collect();
        let text: Vec<String> = counts.iter().map(|(requests, _)| count(*requests)).collect();
        let _ = write!(line, "{rival} {}", text.join(", "));
        if let Some((_, series)) = counts.iter().find(|(requests, _)| requests.is_none()) {
            let _ = write!(line, " (not measured: {})", reason(series));
        }
        line.push_str("; ");
    }
    let _ = write!(line, "goal ≤ 2n + 5, ≤ 4 with valid authorizations, newNonce ≈ 0: {}", verdict(met));
    line
}

/// P4: time for each certificate, beside the floor's.
pub(crate) fn p4(one: &Outcome, more: &[&Outcome]) -> String {
    let ms = |name| one.of(name).and_then(Series::milliseconds);
    let mut line = format!("P4 latency: {} ({} on disk)", time(ms(ours::IN_MEMORY)), time(ms(ours::ON_DISK)));
    for rival in RIVALS {
        let _ = write!(line, ", {rival} {}", time(ms(rival)));
        if let (None, Some(series)) = (ms(rival), one.of(rival)) {
            let _ = write!(line, " ({})", reason(series));
        }
    }
    let mut met = one.over_floor().is_some_and(|it| it <= OVER_FLOOR);
    let _ = write!(line, ", floor {} = {}", time(ms(floor::NAME)), times(one.over_floor()));
    for outcome in more {
        met &= outcome.over_floor().is_some_and(|it| it <= OVER_FLOOR);
        let ms = |name| outcome.of(name).and_then(Series::milliseconds);
        let (ours, floor) = (time(ms(ours::IN_MEMORY)), time(ms(floor::NAME)));
        let _ = write!(line, "; n = {}: {ours}, floor {floor} = {}", outcome.names, times(outcome.over_floor()));
    }
    let _ = write!(line, "; goal ≤ {OVER_FLOOR} × floor: {}", verdict(met));
    line
}

fn row(series: &Series, floor: Option<&Series>) -> Option<String> {
    let mut samples: Vec<&Sample> = series.samples.iter().collect();
    samples.sort_by_key(|it| it.time);
    let median = samples.get(samples.len() / 2)?;
    let (least, most) = (samples.first()?, samples.last()?);
    let ms = |sample: &Sample| sample.time.as_secs_f64() * 1000.0;
    let ratio = floor.and_then(|it| series.ratio_to(it)).map_or_else(String::new, |it| format!("{it:.2}"));
    let failure = series.failure.as_ref().map_or_else(String::new, |it| format!("; then {it}"));
    Some(format!(
        "  {:<20} {:>9.1} {:>9.1} {:>9.1} {ratio:>7} {:>9} {:>9.2}  {}{failure}",
        series.name,
        series.milliseconds()?,
        ms(least),
        ms(most),
        count(series.requests()),
        series.nonces()?,
        median.requests
    ))
}

fn reason(series: &Series) -> &str {
    series.failure.as_deref().unwrap_or("it was not asked")
}

fn count(count: Option<f64>) -> String {
    count.map_or_else(|| "?".to_owned(), |it| format!("{it}"))
}

fn time(ms: Option<f64>) -> String {
    ms.map_or_else(|| "not measured".to_owned(), |it| format!("{it:.1} ms"))
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "?".to_owned(), |it| format!("{it:.2} ×"))
}

fn verdict(met: bool) -> &'static str {
    if met { "ok" } else { "short" }
}

/// Those beside us, in the order of the report.
pub(crate) const RIVALS: [&str; 2] = ["lego", "certmagic"];
/// PERFORMANCE's goal for P4.
const OVER_FLOOR: f64 = 1.35;
/// "newNonce ≈ 0 amortised": one in a hundred certificates.
const NEGLIGIBLE: f64 = 0.01;
