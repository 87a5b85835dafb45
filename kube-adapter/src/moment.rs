//! A time, or none, in the room of one: records keep several of them.

use std::fmt;

use acme_core::Timestamp;

/// A time, or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(i64);

impl Moment {
    /// The time, if there is one.
    pub(crate) fn get(self) -> Option<Timestamp> {
        (self.0 != NONE).then(|| Timestamp::from_unix_millis(self.0))
    }
}

impl Default for Moment {
    fn default() -> Self {
        Self(NONE)
    }
}

impl From<Option<Timestamp>> for Moment {
    fn from(time: Option<Timestamp>) -> Self {
        Self(time.map_or(NONE, Timestamp::unix_millis))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// No calendar reaches back to it.
const NONE: i64 = i64::MIN;

#[cfg(test)]
mod tests {
    use acme_core::Timestamp;

    use super::Moment;

    #[test]
    fn what_was_put_in_comes_out() {
        for time in [None, Some(Timestamp::EPOCH), Some(Timestamp::from_unix_seconds(253_402_300_799))] {
            assert_eq!(Moment::from(time).get(), time);
        }
    }
}
