//! The suite of `DnsProvider`.

use std::time::Duration;

use acme_core::DnsName;
use futures_util::future::join_all;
use solvers::dns01::{DnsProvider, TxtRecord, Zones};
use solvers::{Error, Readiness, Retry};

use super::{Breach, CROWD, SOON, bounded, pause};

/// Holds a [`DnsProvider`] against its contract.
///
/// `factory` makes values of one configuration, each as a process of its own would; `lookup` answers the TXT values that are served at an owner, in
/// any order. `ground` says where: its owner must be free, and its zone is set where the provider wants one. Its value is not used. At the end the owner
/// is free again.
///
/// # Errors
/// The first clause that is not kept.
pub async fn dns_provider<P: DnsProvider>(
    factory: impl Fn() -> P,
    lookup: impl AsyncFn(&DnsName) -> Vec<String>,
    ground: &TxtRecord,
) -> Result<(), Breach> {
    let suite = Suite { lookup, ground };
    let provider = factory();
    suite.values_come_and_go(&provider).await?;
    suite.repeats_are_harmless(&provider).await?;
    suite.values_stand_side_by_side(&provider).await?;
    suite.nothing_is_remembered(&factory(), &factory()).await?;
    suite.many_come_at_once(&provider).await?;
    suite.values_settle(&provider).await?;
    suite.zones_stay(&provider)
}

/// Holds a [`DnsProvider`] against its contract as far as a service can keep it that holds the last two values of an owner and removes none (acme-dns).
///
/// Values are 43 characters long, as challenges have them. At the end two values stay.
///
/// # Errors
/// The first clause that is not kept.
pub async fn two_slot_dns_provider<P: DnsProvider>(
    factory: impl Fn() -> P,
    lookup: impl AsyncFn(&DnsName) -> Vec<String>,
    ground: &TxtRecord,
) -> Result<(), Breach> {
    let suite = Suite { lookup, ground };
    let [one, two, three] = ["one", "two", "three"].map(|it| format!("{it:_<43}"));
    let provider = factory();
    suite.remove(&provider, &one, 4).await?;
    suite.add(&provider, &one, 6).await?;
    suite.add(&provider, &two, 1).await?;
    suite.shows(&[&one, &two], 1, "a second value was added").await?;
    for repeats in [&provider, &factory()] {
        suite.add(repeats, &two, 2).await?;
        suite.shows(&[&one, &two], 2, "the second value was added again").await?;
        suite.add(repeats, &one, 2).await?;
        suite.shows(&[&one, &two], 2, "the first value was added again").await?;
    }
    suite.remove(&factory(), &one, 5).await?;
    suite.add(&provider, &three, 1).await?;
    suite.shows(&[&three, &two], 1, "a third value was added").await?;
    suite.settles(&provider, &three).await?;
    suite.zones_stay(&provider)
}

struct Suite<'a, L> {
    lookup: L,
    ground: &'a TxtRecord,
}

impl<L: AsyncFn(&DnsName) -> Vec<String>> Suite<'_, L> {
    async fn values_come_and_go<P: DnsProvider>(&self, provider: &P) -> Result<(), Breach> {
        self.remove(provider, "absent", 4).await?;
        self.add(provider, "first", 6).await?;
        self.shows(&["first"], 6, "a value was added").await?;
        self.remove(provider, "absent", 4).await?;
        self.shows(&["first"], 3, "another, absent value was removed").await?;
        self.remove(provider, "first", 3).await?;
        self.shows(&[], 3, "the only value was removed").await
    }

    async fn repeats_are_harmless<P: DnsProvider>(&self, provider: &P) -> Result<(), Breach> {
        for _ in 0..2 {
            self.add(provider, "again", 2).await?;
            self.shows(&["again"], 2, "a value was added, maybe again").await?;
        }
        for _ in 0..2 {
            self.remove(provider, "again", 4).await?;
            self.shows(&[], 2, "a value that was added twice was removed").await?;
        }
        Ok(())
    }

    async fn values_stand_side_by_side<P: DnsProvider>(&self, provider: &P) -> Result<(), Breach> {
        self.add(provider, "apex", 1).await?;
        self.add(provider, "wildcard", 1).await?;
        self.shows(&["apex", "wildcard"], 1, "a second value was added").await?;
        self.remove(provider, "apex", 3).await?;
        self.shows(&["wildcard"], 3, "one of two values was removed").await?;
        self.remove(provider, "wildcard", 3).await?;
        self.shows(&[], 3, "both values were removed").await
    }

    async fn nothing_is_remembered<P: DnsProvider>(&self, one: &P, other: &P) -> Result<(), Breach> {
        self.add(one, "left-behind", 5).await?;
        self.add(other, "other", 1).await?;
        self.shows(&["left-behind", "other"], 1, "two processes added a value each").await?;
        self.remove(other, "left-behind", 5).await?;
        self.shows(&["other"], 5, "another process removed the first value").await?;
        self.remove(one, "other", 5).await?;
        self.shows(&[], 5, "the processes removed each other's value").await
    }

    async fn many_come_at_once<P: DnsProvider>(&self, provider: &P) -> Result<(), Breach> {
        let values: Vec<String> = (10..10 + CROWD).map(|number| format!("crowd-{number}")).collect();
        let expected: Vec<&str> = values.iter().map(String::as_str).collect();
        let adding = values.iter().map(|value| self.add(provider, value, 8));
        join_all(adding).await.into_iter().collect::<Result<(), _>>()?;
        self.shows(&expected, 8, "values were added at once").await?;
        let removing = values.iter().map(|value| self.remove(provider, value, 8));
        join_all(removing).await.into_iter().collect::<Result<(), _>>()?;
        self.shows(&[], 8, "values were removed at once").await
    }

    async fn values_settle<P: DnsProvider>(&self, provider: &P) -> Result<(), Breach> {
        self.settles(provider, "unknown").await?;
        self.add(provider, "settling", 6).await?;
        self.settles(provider, "settling").await?;
        self.settles(provider, "settling").await?;
        self.remove(provider, "settling", 3).await?;
        self.shows(&[], 3, "a value that had settled was removed").await
    }

    /// Waits as a driver does until the service calls `value` settled.
    async fn settles<P: DnsProvider>(&self, provider: &P, value: &str) -> Result<(), Breach> {
        let mut waited = Duration::ZERO;
        loop {
            let looked = bounded("settled", provider.settled(value)).await?;
            match looked
                .map_err(|error| Breach::new(10, format!("looking whether {value:?} settled failed: {error}")))?
            {
                Readiness::Ready => return Ok(()),
                Readiness::NotYet { missing, .. } if waited >= SOON => {
                    return Err(Breach::new(10, format!("{value:?} does not settle: {missing}")));
                }
                Readiness::NotYet { again_after, .. } => {
                    let wait = again_after.max(LOOK_AGAIN);
                    pause(wait).await;
                    waited += wait;
                }
            }
        }
    }

    fn zones_stay<P: DnsProvider>(&self, provider: &P) -> Result<(), Breach> {
        let kind = || match provider.zones() {
            Zones::BySoa => "by SOA",
            Zones::Unneeded => "not at all",
            Zones::Listed(_) => "by a list",
        };
        let first = kind();
        match (0..8).map(|_| kind()).find(|it| *it != first) {
            None => Ok(()),
            Some(later) => Err(Breach::new(9, format!("zones were to be found {first}, then {later}"))),
        }
    }

    async fn add<P: DnsProvider>(&self, provider: &P, value: &str, clause: u8) -> Result<(), Breach> {
        let record = self.record(value);
        patiently("add_txt", || provider.add_txt(&record))
            .await?
            .map_err(|error| Breach::new(clause, format!("adding {value:?} failed: {error}")))
    }

    async fn remove<P: DnsProvider>(&self, provider: &P, value: &str, clause: u8) -> Result<(), Breach> {
        let record = self.record(value);
        patiently("remove_txt", || provider.remove_txt(&record))
            .await?
            .map_err(|error| Breach::new(clause, format!("removing {value:?} failed: {error}")))
    }

    fn record(&self, value: &str) -> TxtRecord {
        let mut record = self.ground.clone();
        value.clone_into(&mut record.value);
        record
    }

    /// Waits until exactly these values are served.
    async fn shows(&self, expected: &[&str], clause: u8, after: &str) -> Result<(), Breach> {
        let mut waited = Duration::ZERO;
        loop {
            let mut seen = (self.lookup)(&self.ground.owner).await;
            seen.sort();
            if seen == expected {
                return Ok(());
            }
            if waited >= SOON {
                return Err(Breach::new(clause, format!("after {after}, {seen:?} are served instead of {expected:?}")));
            }
            pause(LOOK_AGAIN).await;
            waited += LOOK_AGAIN;
        }
    }
}

/// Calls again when a provider names the time after which it can: no attempt is spent by that, and a driver waits so, too.
async fn patiently<F: Future<Output = Result<(), Error>>>(
    doing: &str,
    call: impl Fn() -> F,
) -> Result<Result<(), Error>, Breach> {
    let mut waited = Duration::ZERO;
    loop {
        let outcome = bounded(doing, call()).await?;
        match outcome.as_ref().map_err(Error::retry) {
            Err(Retry::After(wait)) if waited < SOON => {
                pause(wait).await;
                waited += wait;
            }
            Ok(()) | Err(Retry::After(_) | Retry::Backoff | Retry::Never) => return Ok(outcome),
        }
    }
}

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
