//! What a person reads: a line for each measurement, and one for each goal.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use testkit::servers::AuditEvent;

use crate::acme::Acme;
use crate::processor::Usage;
use crate::rival::Rival;

/// Floor and controller, one after the other, and cert-manager after them where there is one.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) count: usize,
    pub(crate) floor: Run,
    pub(crate) ours: Run,
    pub(crate) writes: Writes,
    pub(crate) rival: Option<Rival>,
}

/// How long all of it took, and which processor time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) time: Duration,
    pub(crate) usage: Usage,
}

/// What was written, and how often single objects were read, by the audit log.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    kinds: BTreeMap<String, usize>,
    events: usize,
    reads: usize,
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

impl Run {
    /// Half of both.
    pub(crate) fn mean(self, other: Self) -> Self {
        Self { time: (self.time + other.time) / 2, usage: self.usage.mean(other.usage) }
    }
}

impl Pair {
    /// Which part of the floor's rate we reach.
    fn ratio(&self) -> f64 {
        self.floor.time.as_secs_f64() / self.ours.time.as_secs_f64()
    }

    /// Which part of our processor time, the API server's included, the floor needs: on a machine that is busy with it alone that is the ratio of the rates.
    fn ratio_of_usage(&self) -> f64 {
        self.floor.usage.all().as_secs_f64() / self.ours.usage.all().as_secs_f64()
    }

    /// How many times its rate we reach.
    fn times_rival(&self) -> Option<f64> {
        let rival = self.rival.as_ref()?;
        Some(rate(self.count, self.ours.time) / rate(rival.issued, rival.time))
    }
}

impl Writes {
    /// Sorts the audit log's writes.
    pub(crate) fn of(events: Vec<AuditEvent>) -> Self {
        let mut writes = Self::default();
        for event in events {
            if event.verb == "get" {
                writes.reads += 1;
                continue;
            }
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

    /// All of them, Events too.
    pub(crate) fn all(&self) -> usize {
        self.objects() + self.events
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
        write!(f, "Events {}, refused {}, read {}", self.events, self.refused, self.reads)
    }
}

pub(crate) fn pair(pair: &Pair) -> String {
    let Pair { count, floor, ours, writes, .. } = pair;
    format!(
        "{count}: floor {:.1}/s, controller {:.1}/s = {:.0} %; processor time for each: floor {}, controller {} = {:.0} %; {writes}",
        rate(*count, floor.time),
        rate(*count, ours.time),
        pair.ratio() * 100.0,
        usage(floor, *count),
        usage(ours, *count),
        pair.ratio_of_usage() * 100.0,
    )
}

pub(crate) fn watched(count: usize, run: &Run) -> String {
    format!(
        "{count}: floor beside a controller that looks on {:.1}/s; processor time for each: {}",
        rate(count, run.time),
        usage(run, count)
    )
}

/// Processor time for each of so many: who writes, the API server with its store, and who hears of it.
fn usage(run: &Run, count: usize) -> String {
    let each = |it: Duration| milliseconds(it) / count.max(1) as f64;
    let Usage { clients, servers, others } = run.usage;
    format!("{:.2} + {:.2} + {:.2} ms", each(clients), each(servers), each(others))
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
pub(crate) fn p6(pairs: &[Pair], crowd: Option<&Crowd>) -> String {
    let few = middle(pairs.iter().map(Pair::ratio));
    let many = crowd.map(|it| it.pair.ratio());
    let mut met = few.is_some_and(|it| it >= OF_FLOOR) && many.is_some_and(|it| it >= OF_FLOOR);
    let percent = |it: Option<f64>| it.map_or_else(|| "not measured".to_owned(), |it| format!("{:.0} %", it * 100.0));
    let ours: Vec<Duration> = pairs.iter().map(|it| it.ours.time).collect();
    let count = pairs.first().map_or(0, |it| it.count);
    let mut beside = Vec::new();
    let mut goal = String::new();
    let crowd_pair = crowd.map(|it| &it.pair);
    for (pairs, goal_times) in
        [pairs, crowd_pair.map(std::slice::from_ref).unwrap_or_default()].into_iter().zip(TIMES_RIVAL)
    {
        let Some(times) = middle(pairs.iter().filter_map(Pair::times_rival)) else { continue };
        let rivals = || pairs.iter().filter_map(|it| it.rival.as_ref());
        let rate = middle(rivals().map(|it| rate(it.issued, it.time))).unwrap_or_default();
        let count = pairs.first().map_or(0, |it| it.count);
        let limit = rivals().next_back().map(Rival::limit).unwrap_or_default();
        met &= times >= goal_times;
        beside.push(format!("{rate:.1}/s at {count} = {times:.1} ×{limit}"));
        goal += &format!(", ≥ {goal_times} × cert-manager at {count}");
    }
    let beside = if beside.is_empty() { "not measured".to_owned() } else { beside.join("; ") };
    format!(
        "P6 issuances: {count} at once {:.1}/s = {} of the floor; {} at once {} = {}; cert-manager {beside}; goal ≥ {:.0} % of the floor{goal}: {}",
        rate(count, median(&ours)),
        percent(few),
        crowd.map_or(0, |it| it.pair.count),
        crowd.map_or_else(|| "?".to_owned(), |it| format!("{:.1}/s", rate(it.pair.count, it.pair.ours.time))),
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

/// The one in the middle.
fn middle(ratios: impl Iterator<Item = f64>) -> Option<f64> {
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied()
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
