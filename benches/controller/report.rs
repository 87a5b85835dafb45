//! What a person reads: a line for each measurement, and one for each goal.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use testkit::servers::AuditEvent;

use crate::acme::Acme;
use crate::rival::Rival;

/// Floor and controller, one after the other.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) count: usize,
    pub(crate) floor: Duration,
    pub(crate) ours: Duration,
    pub(crate) writes: Writes,
}

/// What was written, by the audit log.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    kinds: BTreeMap<String, usize>,
    events: usize,
    refused: usize,
}

/// One Certificate at a time.
#[derive(Debug)]
pub(crate) struct Idle {
    pub(crate) floor: Vec<Duration>,
    pub(crate) ours: Vec<Duration>,
}

/// The large pair, and what follows from it.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) pair: Pair,
    /// Memory before there was anything.
    pub(crate) empty: u64,
    /// Memory after all was issued.
    pub(crate) after_issuing: u64,
    pub(crate) starts: Vec<Cold>,
    /// A start where there are large Secrets of others, too.
    pub(crate) beside_foreign: Cold,
}

/// A start in front of everything that is ready.
#[derive(Debug)]
pub(crate) struct Cold {
    pub(crate) processor: Duration,
    pub(crate) resident: u64,
    pub(crate) writes: usize,
}

impl Pair {
    /// Which part of the floor's rate we reach.
    fn ratio(&self) -> f64 {
        self.floor.as_secs_f64() / self.ours.as_secs_f64()
    }
}

impl Writes {
    /// Sorts the audit log's writes.
    pub(crate) fn of(events: Vec<AuditEvent>) -> Self {
        let mut writes = Self::default();
        for event in events {
            if event.code >= 300 {
                writes.refused += 1;
            }
            match event.rbac_resource().as_deref() {
                Some("leases") => {}
                Some("events") => writes.events += 1,
                resource => {
                    let name = format!("{} {}", event.verb, resource.unwrap_or("?"));
                    *writes.kinds.entry(name).or_default() += 1;
                }
            }
        }
        writes
    }

    fn objects(&self) -> usize {
        self.kinds.values().sum()
    }
}

impl fmt::Display for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, count) in &self.kinds {
            write!(f, "{kind} {count}, ")?;
        }
        write!(f, "Events {}, refused {}", self.events, self.refused)
    }
}

pub(crate) fn pair(pair: &Pair) -> String {
    let Pair { count, floor, ours, writes } = pair;
    format!(
        "{count}: floor {:.1}/s, controller {:.1}/s = {:.0} %; {writes}",
        rate(*count, *floor),
        rate(*count, *ours),
        pair.ratio() * 100.0
    )
}

pub(crate) fn rival(rival: &Rival) -> String {
    let Rival { count, issued, time, writes, ready, resident } = rival;
    let each = |it: usize| it as f64 / (*count).max(1) as f64;
    // What it wrote for those that are not ready is for none.
    let written = if ready == count {
        let (objects, events) = (each(writes.objects()), each(writes.events));
        format!("; {objects:.1} writes for each, {events:.1} Events, {} refused", writes.refused)
    } else {
        String::new()
    };
    format!(
        "{count}: cert-manager {:.1}/s ({issued} in {:.0} s, {ready} ready in the end){written}; {:.0} MB",
        rate(*issued, *time),
        time.as_secs_f64(),
        megabytes(*resident)
    )
}

pub(crate) fn idle(idle: &Idle) -> String {
    format!(
        "idle: four writes {:.1} ms, create to ready {:.1} ms",
        milliseconds(median(&idle.floor)),
        milliseconds(median(&idle.ours))
    )
}

pub(crate) fn cold(cold: &Cold) -> String {
    format!(
        "cold start: {:.2} s of processor time, {} writes, {:.1} MB",
        cold.processor.as_secs_f64(),
        cold.writes,
        megabytes(cold.resident)
    )
}

/// P6: issuances per second, as a part of what the API server's writes alone allow, and beside cert-manager's.
pub(crate) fn p6(pairs: &[Pair], crowd: Option<&Crowd>, rivals: &[Rival]) -> String {
    let mut ratios: Vec<f64> = pairs.iter().map(Pair::ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let few = ratios.get(ratios.len() / 2).copied();
    let many = crowd.map(|it| it.pair.ratio());
    let mut met = few.is_some_and(|it| it >= OF_FLOOR) && many.is_some_and(|it| it >= OF_FLOOR);
    let percent = |it: Option<f64>| it.map_or_else(|| "not measured".to_owned(), |it| format!("{:.0} %", it * 100.0));
    let ours: Vec<Duration> = pairs.iter().map(|it| it.ours).collect();
    let count = pairs.first().map_or(0, |it| it.count);
    let ours = rate(count, median(&ours));
    let mut beside = "cert-manager not measured".to_owned();
    let mut goal = String::new();
    for (at, (rival, times)) in rivals.iter().zip(TIMES_RIVAL).enumerate() {
        let ours = if at == 0 { Some(ours) } else { crowd.map(|it| rate(it.pair.count, it.pair.ours)) };
        let ratio = ours.map_or(0.0, |it| it / rate(rival.issued, rival.time));
        met &= ratio >= times;
        let begin = if at == 0 { "cert-manager " } else { "; " };
        let told = format!(
            "{begin}{:.1}/s at {} = {ratio:.1} ×{}",
            rate(rival.issued, rival.time),
            rival.count,
            rival.limit()
        );
        beside = if at == 0 { told } else { beside + &told };
        goal += &format!(", ≥ {times} × cert-manager at {}", rival.count);
    }
    format!(
        "P6 issuances: {count} at once {ours:.1}/s = {} of the floor; {} at once {} = {}; {beside}; goal ≥ {:.0} % of the floor{goal}: {}",
        percent(few),
        crowd.map_or(0, |it| it.pair.count),
        crowd.map_or_else(|| "?".to_owned(), |it| format!("{:.1}/s", rate(it.pair.count, it.pair.ours))),
        percent(many),
        OF_FLOOR * 100.0,
        verdict(met)
    )
}

/// P7: writes of one issuance.
pub(crate) fn p7(pairs: &[Pair]) -> String {
    let count: usize = pairs.iter().map(|it| it.count).sum();
    let objects: usize = pairs.iter().map(|it| it.writes.objects()).sum();
    let events: usize = pairs.iter().map(|it| it.writes.events).sum();
    let refused: usize = pairs.iter().map(|it| it.writes.refused).sum();
    let each = objects as f64 / count.max(1) as f64;
    let met = objects == count * WRITES && events <= count && refused == 0;
    format!(
        "P7 writes: {each:.3} for each first issuance from a CA, {:.2} Events, {refused} refused; goal {WRITES}, ≤ 1 Event, none refused: {}",
        events as f64 / count.max(1) as f64,
        verdict(met)
    )
}

/// P8: memory.
pub(crate) fn p8(crowd: &Crowd) -> String {
    let count = crowd.pair.count as u64;
    let started = crowd.starts.iter().map(|it| it.resident).max().unwrap_or_default();
    let most = crowd.after_issuing.max(started);
    let each = started.saturating_sub(crowd.empty) / count.max(1);
    let foreign = crowd.beside_foreign.resident.saturating_sub(started);
    let met = most <= RESIDENT && each <= EACH && foreign <= NOISE;
    format!(
        "P8 memory: {:.1} MB after {count} were issued, {:.1} MB after a start, {:.1} MB with none, {each} B for each, {:.1} MB more for 300 MB of others' Secrets; goal ≤ {:.0} MB, ≤ {EACH} B for each, none for others': {}",
        megabytes(crowd.after_issuing),
        megabytes(started),
        megabytes(crowd.empty),
        megabytes(foreign),
        megabytes(RESIDENT),
        verdict(met)
    )
}

/// P9: a start in front of everything that is ready.
pub(crate) fn p9(crowd: &Crowd, spread: &[Cold]) -> String {
    let time = |starts: &[Cold]| median(&starts.iter().map(|it| it.processor).collect::<Vec<_>>());
    let writes: usize = crowd.starts.iter().chain(spread).map(|it| it.writes).sum();
    let (one, many) = (time(&crowd.starts), time(spread));
    let is_linear = one <= many.mul_f64(LINEAR);
    let met = one <= START && writes == 0 && is_linear;
    format!(
        "P9 cold start at {}: {:.2} s of processor time in one namespace, {:.2} s in 100, {writes} writes in {} starts; goal ≤ {:.1} s, no write, ≤ {LINEAR} × in one namespace: {}",
        crowd.pair.count,
        one.as_secs_f64(),
        many.as_secs_f64(),
        crowd.starts.len() + spread.len(),
        START.as_secs_f64(),
        verdict(met)
    )
}

/// P13: one Certificate on an idle cluster.
pub(crate) fn p13(idle: &Idle) -> String {
    let (floor, ours) = (median(&idle.floor), median(&idle.ours));
    let ratio = ours.as_secs_f64() / floor.as_secs_f64();
    format!(
        "P13 create to ready, CA: {:.1} ms, four writes {:.1} ms = {ratio:.2} ×; goal ≤ {LATENCY} ×: {}",
        milliseconds(ours),
        milliseconds(floor),
        verdict(ratio <= LATENCY)
    )
}

/// P13: one Certificate from an ACME server on an idle cluster.
pub(crate) fn p13_acme(acme: &Acme) -> String {
    let [one, wildcard, http] = [&acme.one, &acme.wildcard, &acme.http].map(|it| median(it));
    let met = one <= DNS && wildcard <= DNS && http <= HTTP;
    format!(
        "P13 create to ready, ACME: DNS-01 one name {:.0} ms, apex and wildcard {:.0} ms, HTTP-01 {:.0} ms; goal ≤ {} s, ≤ {} s, ≤ {} s: {}",
        milliseconds(one),
        milliseconds(wildcard),
        milliseconds(http),
        DNS.as_secs(),
        DNS.as_secs(),
        HTTP.as_secs(),
        verdict(met)
    )
}

pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn verdict(met: bool) -> &'static str {
    if met { "ok" } else { "short" }
}

/// PERFORMANCE's goals.
const OF_FLOOR: f64 = 0.9;
/// With few, and with a crowd.
const TIMES_RIVAL: [f64; 2] = [5.0, 25.0];
const WRITES: usize = 4;
const RESIDENT: u64 = 24_000_000;
const EACH: u64 = 1000;
const START: Duration = Duration::from_millis(500);
/// What one namespace may cost more than many; two starts differ by as much.
const LINEAR: f64 = 1.25;
/// Two starts differ by as much.
const NOISE: u64 = 1_000_000;
const LATENCY: f64 = 3.0;
const DNS: Duration = Duration::from_secs(2);
const HTTP: Duration = Duration::from_secs(3);
