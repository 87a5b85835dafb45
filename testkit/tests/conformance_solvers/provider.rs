//! DNS providers that break their contract, one clause each.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::DnsName;
use async_trait::async_trait;
use certwright_testkit::conformance::{self, MemoryDns};
use solvers::dns01::{DnsProvider, TxtRecord, Zones};
use solvers::{Error, ErrorKind, Readiness};

#[tokio::test(start_paused = true)]
async fn what_keeps_the_contract_passes() {
    let dns = MemoryDns::new();
    let lookup = async |owner: &DnsName| dns.values(owner);
    conformance::dns_provider(|| dns.clone(), lookup, &ground()).await.unwrap();

    let values = Values::default();
    let lookup = async |_: &DnsName| values.lock().unwrap().clone();
    conformance::dns_provider(|| Broken::new(Fault::None, &values), lookup, &ground()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_broken_clause_is_caught() {
    for (fault, clause) in [
        (Fault::ReplacesTheSet, 1),
        (Fault::KeepsTwoOfOne, 2),
        (Fault::RefusesWhatIsThere, 2),
        (Fault::RemovesTheSet, 3),
        (Fault::RemovesNothing, 3),
        (Fault::FailsForWhatIsAbsent, 4),
        (Fault::RemembersWhatItAdded, 5),
        (Fault::IgnoresWhatItTakes, 6),
        (Fault::WaitsInAdd, 7),
        (Fault::WaitsInRemove, 7),
        (Fault::LosesUpdates, 8),
        (Fault::ChangesItsMind, 9),
        (Fault::NeverSettles, 10),
    ] {
        let values = Values::default();
        let lookup = async |_: &DnsName| values.lock().unwrap().clone();
        let breach = conformance::dns_provider(|| Broken::new(fault, &values), lookup, &ground()).await;
        assert_eq!(breach.map_err(|it| it.clause), Err(clause), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_updates_blindly_loses_the_other_slot() {
    for (looks, clause) in [(true, None), (false, Some(2))] {
        let values = Values::default();
        let lookup = async |_: &DnsName| values.lock().unwrap().clone();
        let factory = || Slots { looks, values: values.clone() };
        let breach = conformance::two_slot_dns_provider(factory, lookup, &ground()).await;
        assert_eq!(breach.err().map(|it| it.clause), clause);
    }
}

/// Keeps the last two values; with `looks`, what is there is not written again.
struct Slots {
    looks: bool,
    values: Values,
}

#[async_trait]
impl DnsProvider for Slots {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let mut values = self.values.lock().unwrap();
        if !self.looks || !values.contains(&record.value) {
            values.push(record.value.clone());
            let surplus = values.len().saturating_sub(2);
            values.drain(..surplus);
        }
        Ok(())
    }

    async fn remove_txt(&self, _: &TxtRecord) -> Result<(), Error> {
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    ReplacesTheSet,
    KeepsTwoOfOne,
    RefusesWhatIsThere,
    RemovesTheSet,
    RemovesNothing,
    FailsForWhatIsAbsent,
    RemembersWhatItAdded,
    IgnoresWhatItTakes,
    WaitsInAdd,
    WaitsInRemove,
    LosesUpdates,
    ChangesItsMind,
    NeverSettles,
}

/// What is served at the one owner.
type Values = Arc<Mutex<Vec<String>>>;

/// A provider over a list, with one fault.
struct Broken {
    fault: Fault,
    values: Values,
    added: Mutex<Vec<String>>,
    asked: AtomicU32,
}

impl Broken {
    fn new(fault: Fault, values: &Values) -> Self {
        Self { fault, values: values.clone(), added: Mutex::default(), asked: AtomicU32::new(0) }
    }

    async fn read(&self) -> Vec<String> {
        let values = self.values.lock().unwrap().clone();
        if self.fault == Fault::LosesUpdates {
            tokio::task::yield_now().await;
        }
        values
    }
}

#[async_trait]
impl DnsProvider for Broken {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let mut values = self.read().await;
        let there = values.contains(&record.value);
        match self.fault {
            Fault::WaitsInAdd => pending().await,
            Fault::IgnoresWhatItTakes => return Ok(()),
            Fault::ReplacesTheSet => values.clear(),
            Fault::RefusesWhatIsThere if there => {
                return Err(Error::new(ErrorKind::Conflict, "the value is there"));
            }
            _ => {}
        }
        if !there || matches!(self.fault, Fault::KeepsTwoOfOne | Fault::ReplacesTheSet) {
            values.push(record.value.clone());
        }
        self.added.lock().unwrap().push(record.value.clone());
        *self.values.lock().unwrap() = values;
        Ok(())
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let mut values = self.read().await;
        let there = values.contains(&record.value);
        let mine = self.added.lock().unwrap().contains(&record.value);
        match self.fault {
            Fault::WaitsInRemove => pending().await,
            Fault::RemovesNothing => return Ok(()),
            Fault::RemovesTheSet if there => values.clear(),
            Fault::RemembersWhatItAdded if !mine => return Ok(()),
            Fault::FailsForWhatIsAbsent if !there => {
                return Err(Error::new(ErrorKind::NotFound, "no such value"));
            }
            _ => values.retain(|it| *it != record.value),
        }
        *self.values.lock().unwrap() = values;
        Ok(())
    }

    async fn settled(&self, value: &str) -> Result<Readiness, Error> {
        Ok(match self.fault {
            Fault::NeverSettles if value == "settling" => {
                Readiness::NotYet { again_after: Duration::from_secs(4), missing: "a change is pending".to_owned() }
            }
            _ => Readiness::Ready,
        })
    }

    fn zones(&self) -> Zones<'_> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if self.fault == Fault::ChangesItsMind && asked % 2 == 1 { Zones::BySoa } else { Zones::Unneeded }
    }
}

fn ground() -> TxtRecord {
    let name = |text| DnsName::parse(text).unwrap();
    TxtRecord::new(name("_acme-challenge.example.org"), "", name("example.org"))
}
