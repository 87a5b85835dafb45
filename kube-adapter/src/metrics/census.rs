//! Sums over the rows of a census.

use std::collections::BTreeMap;

use acme_core::Timestamp;

use super::rows::{Census, IssuerOf, Ready};

/// What is summed up, by issuer.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) certificates: BTreeMap<(Issuer, Ready), u64>,
    /// The certificate that expires first.
    pub(super) earliest_expiry: BTreeMap<Issuer, Timestamp>,
    /// Those whose time for renewal has passed.
    pub(super) overdue: BTreeMap<Issuer, u64>,
    /// Those that wait after a failed attempt, and when the first of them goes on.
    pub(super) backing_off: BTreeMap<Issuer, (u64, Timestamp)>,
    pub(super) requests: BTreeMap<(Issuer, String), u64>,
    pub(super) orders: BTreeMap<(Issuer, String), u64>,
}

/// An issuer that is referred to, owned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Issuer {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) name: String,
}

impl From<IssuerOf<'_>> for Issuer {
    fn from(issuer: IssuerOf<'_>) -> Self {
        Self { group: issuer.group.to_owned(), kind: issuer.kind.to_owned(), name: issuer.name.to_owned() }
    }
}

impl Sums {
    pub(super) fn of(census: &dyn Census, now: Timestamp) -> Self {
        let mut sums = Self::default();
        census.certificates(&mut |row| {
            let issuer = Issuer::from(row.issuer);
            if let Some(end) = row.not_after {
                sums.earliest_expiry.entry(issuer.clone()).and_modify(|it| *it = end.min(*it)).or_insert(end);
            }
            if row.renewal.is_some_and(|it| it.is_due(now)) {
                *sums.overdue.entry(issuer.clone()).or_default() += 1;
            }
            if let Some(at) = row.next_attempt.filter(|it| !it.is_due(now)) {
                let (count, first) = sums.backing_off.entry(issuer.clone()).or_insert((0, at));
                *count += 1;
                *first = at.min(*first);
            }
            *sums.certificates.entry((issuer, row.ready)).or_default() += 1;
        });
        census.requests(&mut |row| {
            *sums.requests.entry((row.issuer.into(), row.reason.to_owned())).or_default() += 1;
        });
        census.orders(&mut |row| {
            *sums.orders.entry((row.issuer.into(), row.state.to_owned())).or_default() += 1;
        });
        sums
    }
}
