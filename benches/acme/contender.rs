//! Who takes part, and what is measured of each.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use testkit::servers::{Endpoint, Requests};

/// A client under measurement, ready to order: its account is there, and what it keeps between certificates is warm.
#[async_trait]
pub(crate) trait Contender: Send {
    /// Who it is, in the report.
    fn name(&self) -> &'static str;

    /// Obtains one certificate, and says how long that took from the first step to the chain in hand.
    async fn obtain(&mut self, lap: &Lap) -> Result<Duration, String>;
}

/// One certificate to obtain.
#[derive(Debug, Clone)]
pub(crate) struct Lap {
    /// How many names it is for.
    pub(crate) names: usize,
    /// Which one it is, the warm-up being 0.
    pub(crate) number: usize,
    /// Whether the names are those of every other lap.
    pub(crate) repeat: Repeat,
}

/// Whether a contender asks for the same names each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Fresh names: every authorization is new.
    Fresh,
    /// The same names: the authorizations of the warm-up are still valid.
    Same,
}

impl Lap {
    /// The names to ask for, no other contender's.
    pub(crate) fn names_for(&self, contender: &str) -> Vec<String> {
        let number = match self.repeat {
            Repeat::Fresh => self.number,
            Repeat::Same => 0,
        };
        let owner: String = contender.chars().filter(char::is_ascii_alphanumeric).collect();
        (0..self.names).map(|at| format!("n{at}.r{number}.s{}.{owner}.test", self.names)).collect()
    }
}

/// What one certificate cost.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// What the client's clock says.
    pub(crate) time: Duration,
    /// What the server's log says.
    pub(crate) requests: Requests,
}

impl Sample {
    /// Requests that belong to the certificate: all but those for a nonce.
    pub(crate) fn for_the_certificate(&self) -> usize {
        self.requests.len() - self.nonces()
    }

    /// Requests for a nonce.
    pub(crate) fn nonces(&self) -> usize {
        self.requests.count(Endpoint::NewNonce)
    }
}

/// What was measured of one contender.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Who it is.
    pub(crate) name: &'static str,
    /// One for each round.
    pub(crate) samples: Vec<Sample>,
    /// Why there are no more of them, if there should be.
    pub(crate) failure: Option<String>,
}

impl Series {
    /// Nothing measured yet.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, samples: Vec::new(), failure: None }
    }

    /// The median time in milliseconds.
    pub(crate) fn milliseconds(&self) -> Option<f64> {
        median(self.samples.iter().map(|it| it.time.as_secs_f64() * 1000.0))
    }

    /// The median count of requests that belong to a certificate.
    pub(crate) fn requests(&self) -> Option<f64> {
        median(self.samples.iter().map(|it| it.for_the_certificate() as f64))
    }

    /// Requests for a nonce, for each certificate.
    pub(crate) fn nonces(&self) -> Option<f64> {
        let count = self.samples.len();
        let sum: usize = self.samples.iter().map(Sample::nonces).sum();
        (count > 0).then(|| sum as f64 / count as f64)
    }

    /// The median of the ratios of times, round by round.
    pub(crate) fn ratio_to(&self, other: &Self) -> Option<f64> {
        let pairs = self.samples.iter().zip(&other.samples);
        median(pairs.map(|(ours, theirs)| ours.time.as_secs_f64() / theirs.time.as_secs_f64()))
    }
}

/// The clock of those who run in this process.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

/// The middle, or the mean of the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().saturating_sub(1) / 2)?;
    Some((lower + upper) / 2.0)
}
