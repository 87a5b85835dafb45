//! A course: contenders in turn, round after round, against one certificate authority.

use std::time::Duration;

use testkit::servers::Pebble;

use crate::contender::{Contender, Lap, Repeat, Sample, Series};

/// What is asked of every contender.
pub(crate) struct Course<'a> {
    pub(crate) pebble: &'a Pebble,
    pub(crate) names: usize,
    pub(crate) repeat: Repeat,
    pub(crate) rounds: usize,
}

/// A contender at the start, or why it is not there.
pub(crate) struct Entry {
    name: &'static str,
    contender: Result<Box<dyn Contender>, String>,
}

impl Entry {
    /// Takes what came of a contender's start.
    pub(crate) fn new<C: Contender + 'static>(name: &'static str, started: Result<C, String>) -> Self {
        Self { name, contender: started.map(|it| Box::new(it) as Box<dyn Contender>) }
    }
}

impl Course<'_> {
    /// The warm-up and every round.
    pub(crate) fn laps(&self) -> usize {
        self.rounds + 1
    }

    /// Lets all of them run. Every other round goes backwards, so that nobody always follows the same one.
    pub(crate) async fn run(&self, entries: Vec<Entry>) -> Vec<Series> {
        let mut field = Vec::new();
        for Entry { name, contender } in entries {
            let mut series = Series::new(name);
            let contender = contender.map_err(|why| series.failure = Some(why)).ok();
            field.push((series, contender));
        }
        for number in 0..self.laps() {
            let lap = Lap { names: self.names, number, repeat: self.repeat };
            for (series, place) in &mut field {
                if let Some(contender) = place {
                    match self.lap(contender.as_mut(), &lap).await {
                        // The warm-up fills pools and caches, and is not counted.
                        Ok(sample) if number > 0 => series.samples.push(sample),
                        Ok(_) => {}
                        Err(why) => {
                            series.failure = Some(why);
                            *place = None;
                        }
                    }
                }
            }
            field.reverse();
        }
        if self.laps() % 2 == 1 {
            field.reverse();
        }
        field.into_iter().map(|(series, _)| series).collect()
    }

    async fn lap(&self, contender: &mut dyn Contender, lap: &Lap) -> Result<Sample, String> {
        let before = self.pebble.requests();
        let time = tokio::time::timeout(LAP, contender.obtain(lap));
        let time = time.await.map_err(|_| format!("no certificate within {LAP:?}"))??;
        Ok(Sample { time, requests: self.pebble.requests().since(&before) })
    }
}

/// The slowest client known takes a second or two.
const LAP: Duration = Duration::from_secs(30);
