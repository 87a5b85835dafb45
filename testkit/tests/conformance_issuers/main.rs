//! The suite of issuers, held against the ACME issuer and against one broken issuer for each clause.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod flaws;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::protocol::{ChallengeType, Registration};
use acme_core::{Client, Directory, Error, KeyType, PrivateKey, instant_acme_0_8};
use async_trait::async_trait;
use certwright_testkit::ca::{ModelCa, Settings};
use certwright_testkit::conformance::{Breach, IssuerWorld, issuer};
use certwright_testkit::{DurableStore, VirtualClock, run};
use issuers::Issuer;
use issuers::acme::{AccountSettings, AcmeIssuer};
use solvers::{Presentation, Readiness, Selector, Solver, Solvers};

use flaws::{Alone, Borrowing, Deaf, Endless, Hasty, Once, Reversed, Selfish, Silent, Sleepy, Stale, Wasteful, broken};

#[test]
fn the_acme_issuer_keeps_the_contract() {
    hold(|inner, _| inner).unwrap();
}

#[test]
fn the_acme_issuer_keeps_the_contract_through_instant_acme() {
    let mut world = World::new(|inner, _| inner);
    let clock = world.clock.clone();
    let key = Arc::new(PrivateKey::generate(KeyType::EcdsaP256).unwrap());
    let session = run(&clock, async {
        let directory = world.directory();
        let made = directory.register(key.clone(), &Registration::agreeing_to_terms()).await?;
        instant_acme_0_8::restore(&directory, made.account(), &key).await
    });
    world.client = Some(Arc::new(session.unwrap()));
    run(&clock, issuer(&world)).unwrap();
}

#[test]
fn the_suite_lends_the_key_of_every_signing_request() {
    hold(|inner, _| broken(Borrowing, inner)).unwrap();
}

#[test]
fn an_issuer_that_sleeps_is_caught() {
    assert_eq!(hold(|inner, clock| broken(Sleepy(clock.clone()), inner)).unwrap_err().clause, 1);
}

#[test]
fn a_state_that_only_its_own_process_understands_is_caught() {
    assert_eq!(hold(|inner, _| broken(Selfish::default(), inner)).unwrap_err().clause, 2);
}

#[test]
fn an_issuer_that_goes_on_without_the_record_is_caught() {
    assert_eq!(hold(|inner, _| broken(Deaf, inner)).unwrap_err().clause, 3);
}

#[test]
fn an_issuer_that_keeps_an_order_to_itself_is_caught() {
    assert_eq!(hold(|inner, _| broken(Silent::default(), inner)).unwrap_err().clause, 3);
}

#[test]
fn an_issuer_that_orders_before_it_saves_is_caught() {
    assert_eq!(hold(|inner, _| broken(Hasty, inner)).unwrap_err().clause, 3);
}

#[test]
fn an_issuer_that_refuses_a_repeat_is_caught() {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let clause = hold(move |inner, _| broken(Once(Arc::clone(&seen)), inner)).unwrap_err().clause;
    assert_eq!(clause, 4);
}

#[test]
fn an_issuer_that_orders_twice_for_one_certificate_is_caught() {
    assert_eq!(hold(|inner, _| broken(Wasteful, inner)).unwrap_err().clause, 4);
}

#[test]
fn an_issuer_that_never_ends_is_caught() {
    assert_eq!(hold(|inner, clock| broken(Endless(clock.clone()), inner)).unwrap_err().clause, 5);
}

#[test]
fn a_chain_in_the_wrong_order_is_caught() {
    assert_eq!(hold(|inner, _| broken(Reversed, inner)).unwrap_err().clause, 6);
}

#[test]
fn a_chain_for_another_request_is_caught() {
    let first = Arc::new(Mutex::new(None));
    assert_eq!(hold(move |inner, _| broken(Stale(Arc::clone(&first)), inner)).unwrap_err().clause, 6);
}

#[test]
fn an_issuer_for_one_at_a_time_is_caught() {
    assert_eq!(hold(|inner, _| broken(Alone::default(), inner)).unwrap_err().clause, 7);
}

fn hold(
    make: impl Fn(Box<dyn Issuer>, &VirtualClock) -> Box<dyn Issuer> + Send + Sync + 'static,
) -> Result<(), Breach> {
    let world = World::new(make);
    run(&world.clock, issuer(&world))
}

type Make = dyn Fn(Box<dyn Issuer>, &VirtualClock) -> Box<dyn Issuer> + Send + Sync;

struct World {
    clock: VirtualClock,
    ca: ModelCa,
    store: DurableStore,
    /// Who orders, where that is not an account of the issuer's own.
    client: Option<Arc<dyn Client>>,
    make: Box<Make>,
}

impl World {
    fn new(make: impl Fn(Box<dyn Issuer>, &VirtualClock) -> Box<dyn Issuer> + Send + Sync + 'static) -> Self {
        let settings = Settings {
            validation_delay: Duration::from_secs(2),
            issuance_delay: Duration::from_secs(2),
            ..Settings::default()
        };
        Self {
            clock: VirtualClock::new(),
            ca: ModelCa::new(settings),
            store: DurableStore::new(),
            client: None,
            make: Box::new(make),
        }
    }

    fn directory(&self) -> Directory {
        let transport = self.ca.transport(&self.clock).with_round_trip(Duration::from_millis(20));
        Directory::new(self.ca.directory_url(), Arc::new(transport), Arc::new(self.clock.clone()))
    }
}

impl IssuerWorld for World {
    fn issuer(&self) -> Box<dyn Issuer> {
        let solvers = Solvers::new().with("any", Nothing, Selector::any());
        let builder = AcmeIssuer::builder("acme", self.directory(), solvers, Arc::new(self.clock.clone()));
        let builder = match &self.client {
            Some(client) => builder.client(Arc::clone(client)),
            None => {
                let settings = AccountSettings::new(Registration::agreeing_to_terms());
                builder.account(Arc::new(self.store.clone()), settings)
            }
        };
        (self.make)(Box::new(builder.build().unwrap()), &self.clock)
    }

    fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    fn sent(&self) -> usize {
        self.ca.total()
    }

    fn spent(&self) -> usize {
        self.ca.orders()
    }
}

/// A solver for an authority that finds every challenge met.
struct Nothing;

#[async_trait]
impl Solver for Nothing {
    fn challenge(&self) -> ChallengeType {
        ChallengeType::Http01
    }

    async fn present(&self, _: &Presentation) -> Result<(), Error> {
        Ok(())
    }

    async fn check(&self, _: &Presentation) -> Result<Readiness, Error> {
        Ok(Readiness::Ready)
    }

    async fn clean_up(&self, _: &Presentation) -> Result<(), Error> {
        Ok(())
    }
}
