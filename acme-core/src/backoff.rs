//! Growing pauses, spread by a hash instead of by chance: the same question has the same answer.

use std::time::Duration;

use crate::hash::sha256;

/// Pauses that double from `first` to `most`, each shortened by up to a quarter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// The longest pause.
    pub most: Duration,
}

impl Backoff {
    /// Pauses from `first`, doubling, up to `most`.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most }
    }

    /// The pause after failure number `attempt` (from 1). `seed` spreads those who failed together; the same seed and attempt give the same pause.
    pub fn pause(&self, attempt: u32, seed: &str) -> Duration {
        let doubled =
            self.first.saturating_mul(1u32.checked_shl(attempt.saturating_sub(1).min(31)).unwrap_or(u32::MAX));
        let whole = doubled.min(self.most);
        let mut material = attempt.to_be_bytes().to_vec();
        material.extend_from_slice(seed.as_bytes());
        whole - (whole / 4).mul_f64(fraction(&material))
    }
}

/// A number in `0.0..1.0` made of a hash of `material`.
pub fn fraction(material: &[u8]) -> f64 {
    let hash = sha256(material);
    let high = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_stop_growing() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        for (attempt, whole) in [(1, 1), (2, 2), (3, 4), (7, 60), (40, 60), (u32::MAX, 60)] {
            let pause = backoff.pause(attempt, "example.com");
            assert!(
                pause <= Duration::from_secs(whole) && pause >= Duration::from_secs(whole) * 3 / 4,
                "{attempt}: {pause:?}"
            );
        }
    }
}
