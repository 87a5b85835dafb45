//! What instant-acme 0.8.5 cannot do, and what becomes of it here.

use crate::client::Needs;
use crate::{Error, ErrorKind};

/// One thing that instant-acme 0.8.5 cannot do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// What it cannot do, as the rest of "instant-acme 0.8.5 cannot".
    pub what: &'static str,
    /// What becomes of it in a session through it.
    pub here: Here,
}

/// What becomes of a gap in a session through instant-acme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Here {
    /// It works: the session does that part itself.
    Works,
    /// [`Client::lacks`](crate::Client::lacks) names it, so that an issuer which needs it is not built; a call by hand is refused.
    Lacks(Needs),
    /// The call is refused.
    Refused,
}

impl Gap {
    /// The error that a session says instead.
    pub fn refusal(&self) -> Error {
        Error::new(
            ErrorKind::Unsupported,
            format!("instant-acme 0.8 cannot {}: use its key without it (Directory::session)", self.what),
        )
    }
}

const fn gap(what: &'static str, here: Here) -> Gap {
    Gap { what, here }
}

pub(super) const DATES: Gap = gap("ask for notBefore and notAfter", Here::Lacks(Needs::NOT_AFTER));
pub(super) const KEY_CHANGE: Gap = gap("change its key so that a crash loses nothing", Here::Refused);
pub(super) const TERMS: Gap = gap("agree to the terms of service once more", Here::Refused);
pub(super) const OTHER_KEYS: Gap = gap("sign with a key that is not ECDSA P-256", Here::Refused);

/// Every gap of instant-acme 0.8.5 that an order or the care of an account can meet.
pub const GAPS: [Gap; 13] = [
    DATES,
    KEY_CHANGE,
    TERMS,
    OTHER_KEYS,
    gap("list and fetch alternate chains", Here::Works),
    gap("reach authorizations and challenges by URL", Here::Works),
    gap("hand up Retry-After", Here::Works),
    gap("hand up statuses, and problem documents whole", Here::Works),
    gap("go on after three answers of badNonce", Here::Works),
    gap("tell that giving the account up was refused", Here::Works),
    gap("read the account and the list of its orders", Here::Works),
    gap("revoke with the certificate's own key", Here::Works),
    gap("register a key of one's own with contacts or an external account binding", Here::Works),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_the_documentation_is_this_one() {
        let documented: Vec<(&str, &str)> = include_str!("../instant_acme_0_8.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |")?.split_once(" | "))
            .skip(1)
            .collect();
        let wanted = GAPS.map(|gap| {
            let here = match gap.here {
                Here::Works => "works",
                Here::Lacks(_) => "`lacks` names it: an issuer that needs it is not built",
                Here::Refused => "refused",
            };
            (gap.what, here)
        });
        assert_eq!(documented, wanted);
    }
}
