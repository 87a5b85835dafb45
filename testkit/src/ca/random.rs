//! Chance from a seed (SplitMix64): random-looking, and the same in every run.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend(self.number().to_be_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// `count` random bytes in base64url.
    pub(crate) fn word(&mut self, count: usize) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes(count))
    }

    /// Yes in `percent` of a hundred.
    pub(crate) fn chance(&mut self, percent: u8) -> bool {
        self.number() % 100 < u64::from(percent)
    }
}
