//! Solvers that break their contract, one clause each.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::Identifier;
use acme_core::protocol::ChallengeType;
use async_trait::async_trait;
use certwright_testkit::conformance;
use solvers::http01::webroot::Webroot;
use solvers::{Answers, Error, ErrorKind, Http01, Presentation, Readiness, Solver};

#[tokio::test(start_paused = true)]
async fn what_keeps_the_contract_passes() {
    let answers = Answers::new();
    conformance::solver(|| Http01::new(answers.clone()), &name()).await.unwrap();
    assert!(answers.is_empty());
    let address = Identifier::parse("2001:db8::1").unwrap();
    conformance::solver(|| Http01::new(answers.clone()), &address).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    conformance::solver(|| Webroot::new(folder.path()), &name()).await.unwrap();

    let table = Table::default();
    conformance::solver(|| Broken::new(Fault::None, &table), &name()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_broken_clause_is_caught() {
    for (fault, clause) in [
        (Fault::CountsPresentations, 1),
        (Fault::KeepsOnePerName, 2),
        (Fault::CleansTheWholeName, 3),
        (Fault::FailsToCleanWhatIsAbsent, 3),
        (Fault::LeavesTheAnswer, 3),
        (Fault::RemembersWhatItPresented, 4),
        (Fault::AnswersInItsOwnMemory, 4),
        (Fault::FailsForWhatIsAbsent, 5),
        (Fault::SaysReadyAtOnce, 5),
        (Fault::WantsToBeAskedAgainAtOnce, 5),
        (Fault::PresentsNothing, 6),
        (Fault::ForgetsOnTheSecondLook, 6),
        (Fault::WaitsInPresent, 7),
        (Fault::WaitsInCheck, 7),
        (Fault::WaitsInCleanUp, 7),
        (Fault::LosesUpdates, 8),
        (Fault::TakesAnyType, 9),
    ] {
        let table = Table::default();
        let breach = conformance::solver(|| Broken::new(fault, &table), &name()).await;
        assert_eq!(breach.map_err(|it| it.clause), Err(clause), "{fault:?}");
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    CountsPresentations,
    KeepsOnePerName,
    CleansTheWholeName,
    FailsToCleanWhatIsAbsent,
    LeavesTheAnswer,
    RemembersWhatItPresented,
    AnswersInItsOwnMemory,
    FailsForWhatIsAbsent,
    SaysReadyAtOnce,
    WantsToBeAskedAgainAtOnce,
    PresentsNothing,
    ForgetsOnTheSecondLook,
    WaitsInPresent,
    WaitsInCheck,
    WaitsInCleanUp,
    LosesUpdates,
    TakesAnyType,
}

/// How often each answer was presented: what all processes share.
type Table = Arc<Mutex<BTreeMap<String, u32>>>;

/// A solver over a table, with one fault.
struct Broken {
    fault: Fault,
    table: Table,
    presented: Mutex<Vec<String>>,
    looks: Mutex<u32>,
}

impl Broken {
    fn new(fault: Fault, table: &Table) -> Self {
        let own = fault == Fault::AnswersInItsOwnMemory;
        Self {
            fault,
            table: if own { Table::default() } else { table.clone() },
            presented: Mutex::default(),
            looks: Mutex::default(),
        }
    }

    fn require(&self, it: &Presentation) -> Result<(), Error> {
        if self.fault == Fault::TakesAnyType { Ok(()) } else { it.require(&self.challenge()) }
    }

    fn knows(&self, it: &Presentation) -> bool {
        self.table.lock().unwrap().contains_key(token(it))
    }
}

#[async_trait]
impl Solver for Broken {
    fn challenge(&self) -> ChallengeType {
        ChallengeType::Http01
    }

    async fn present(&self, it: &Presentation) -> Result<(), Error> {
        self.require(it)?;
        if self.fault == Fault::WaitsInPresent {
            pending::<()>().await;
        }
        let mut table = self.table.lock().unwrap().clone();
        if self.fault == Fault::LosesUpdates {
            tokio::task::yield_now().await;
        } else {
            table = self.table.lock().unwrap().clone();
        }
        if self.fault == Fault::KeepsOnePerName {
            table.clear();
        }
        if self.fault != Fault::PresentsNothing {
            *table.entry(token(it).to_owned()).or_default() += 1;
        }
        *self.table.lock().unwrap() = table;
        self.presented.lock().unwrap().push(token(it).to_owned());
        Ok(())
    }

    async fn check(&self, it: &Presentation) -> Result<Readiness, Error> {
        self.require(it)?;
        let known = self.knows(it);
        if self.fault == Fault::WaitsInCheck && !known {
            pending::<()>().await;
        }
        *self.looks.lock().unwrap() += u32::from(known);
        let forgotten = self.fault == Fault::ForgetsOnTheSecondLook && *self.looks.lock().unwrap() > 1;
        if known && !forgotten || self.fault == Fault::SaysReadyAtOnce {
            return Ok(Readiness::Ready);
        }
        if self.fault == Fault::FailsForWhatIsAbsent {
            return Err(Error::new(ErrorKind::NotFound, "no such answer"));
        }
        let at_once = self.fault == Fault::WantsToBeAskedAgainAtOnce;
        Ok(Readiness::NotYet {
            again_after: Duration::from_secs(u64::from(!at_once)),
            missing: "the answer".to_owned(),
        })
    }

    async fn clean_up(&self, it: &Presentation) -> Result<(), Error> {
        self.require(it)?;
        if self.fault == Fault::WaitsInCleanUp {
            pending::<()>().await;
        }
        if self.fault == Fault::FailsToCleanWhatIsAbsent && !self.knows(it) {
            return Err(Error::new(ErrorKind::NotFound, "no such answer"));
        }
        let mine = self.presented.lock().unwrap().iter().any(|known| known == token(it));
        if self.fault == Fault::RemembersWhatItPresented && !mine {
            return Ok(());
        }
        let mut table = self.table.lock().unwrap();
        match self.fault {
            Fault::LeavesTheAnswer => {}
            Fault::CleansTheWholeName => table.clear(),
            Fault::CountsPresentations => {
                if let Some(count) = table.get_mut(token(it)) {
                    *count -= 1;
                }
                table.retain(|_, count| *count > 0);
            }
            _ => {
                table.remove(token(it));
            }
        }
        Ok(())
    }
}

fn token(it: &Presentation) -> &str {
    it.key_authorization().unwrap().token()
}

fn name() -> Identifier {
    Identifier::parse("www.example.org").unwrap()
}
