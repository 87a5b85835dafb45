//! Nonces to spend (RFC 8555 section 6.5): the newest first, all dropped when one turns out stale.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::limits;

/// Nonces are not bound to an account, so one pool serves every session of a directory.
#[derive(Default)]
pub(crate) struct Nonces {
    kept: Mutex<VecDeque<String>>,
}

impl Nonces {
    /// Keeps `nonce` for later, in place of the oldest where there are too many.
    pub(crate) fn put(&self, nonce: String) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == limits::NONCES {
            kept.pop_front();
        }
        kept.push_back(nonce);
    }

    /// The newest.
    pub(crate) fn take(&self) -> Option<String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pop_back()
    }

    /// Drops all: the server forgot them together.
    pub(crate) fn clear(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clear();
    }
}

/// RFC 8555 section 6.5.1: what is not base64url is ignored.
pub(crate) fn is_nonce(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= limits::NONCE
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_goes_first_and_the_oldest_makes_room() {
        let nonces = Nonces::default();
        for number in 0..=limits::NONCES {
            nonces.put(number.to_string());
        }
        assert_eq!(nonces.take(), Some(limits::NONCES.to_string()));
        let left: Vec<String> = std::iter::from_fn(|| nonces.take()).collect();
        assert_eq!(left.len(), limits::NONCES - 1);
        assert_eq!(left.last().map(String::as_str), Some("1"));
    }
}
