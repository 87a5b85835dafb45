//! Who takes part, and how their time is taken.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Issues whole certificates: key, signing request, certificate, and both as PEM.
pub(crate) trait Pipeline {
    /// Issues so many, and says how much CPU time that took.
    fn issue(&mut self, count: usize) -> Result<Duration, String>;
}

/// A pipeline in this process, one certificate at each call.
pub(crate) struct Local<F>(pub(crate) F);

impl<F: FnMut() -> Result<(), String>> Pipeline for Local<F> {
    fn issue(&mut self, count: usize) -> Result<Duration, String> {
        let begun = cpu();
        for _ in 0..count {
            (self.0)()?;
        }
        Ok(cpu().saturating_sub(begun))
    }
}

/// A pipeline that takes part, and what was measured of it.
pub(crate) struct Entry {
    /// Who it is, in the report.
    pub(crate) name: &'static str,
    /// CPU time of one certificate, in each round.
    pub(crate) samples: Vec<Duration>,
    /// Why there is nothing more to measure.
    pub(crate) failure: Option<String>,
    pipeline: Option<Box<dyn Pipeline>>,
}

impl Entry {
    /// Takes what came of a pipeline's start.
    pub(crate) fn new<P: Pipeline + 'static>(name: &'static str, started: Result<P, String>) -> Self {
        let (pipeline, failure) = match started {
            Ok(pipeline) => (Some(Box::new(pipeline) as Box<dyn Pipeline>), None),
            Err(why) => (None, Some(why)),
        };
        Self { name, samples: Vec::new(), failure, pipeline }
    }

    /// The median CPU time of one certificate, in microseconds.
    pub(crate) fn microseconds(&self) -> Option<f64> {
        median(self.samples.iter().map(|it| it.as_secs_f64() * 1e6))
    }

    /// The median of the ratios of times, round by round.
    pub(crate) fn ratio_to(&self, other: &Self) -> Option<f64> {
        let pairs = self.samples.iter().zip(&other.samples);
        median(pairs.map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64()))
    }
}

/// Lets all of them take turns: a warm-up, then `rounds` rounds of `batch` certificates. Every other round goes backwards, so that nobody always
/// follows the same one.
pub(crate) fn take_turns(entries: &mut [Entry], rounds: usize, batch: usize) {
    for round in 0..=rounds {
        let mut order: Vec<&mut Entry> = entries.iter_mut().collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for entry in order {
            let Some(pipeline) = &mut entry.pipeline else { continue };
            match pipeline.issue(batch) {
                // The warm-up fills caches, and is not counted.
                Ok(_) if round == 0 => {}
                Ok(time) => entry.samples.push(time / u32::try_from(batch).unwrap_or(u32::MAX)),
                Err(why) => {
                    entry.failure = Some(why);
                    entry.pipeline = None;
                }
            }
        }
    }
}

/// CPU time of this thread: what neighbours on the machine take is not in it.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The middle, or the mean of the two in the middle.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}
