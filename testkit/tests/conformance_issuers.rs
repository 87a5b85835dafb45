//! The suite of issuers, held against the ACME issuer and against one broken issuer for each clause.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::flow::Waiting;
use acme_core::protocol::{ChallengeType, Registration};
use acme_core::{Client, Clock as _, Directory, Error, ErrorKind, KeyType, PrivateKey, Retry, instant_acme_0_8};
use async_trait::async_trait;
use certwright_testkit::ca::{ModelCa, Settings};
use certwright_testkit::conformance::{Breach, IssuerWorld, issuer};
use certwright_testkit::{DurableStore, VirtualClock, run};
use issuers::acme::{AccountSettings, AcmeIssuer};
use issuers::{CertificateRequest, InMemory, Issuer, IssuerId, Progress, ProgressError, Step, csr};
use solvers::{Presentation, Readiness, Selector, Solver, Solvers};

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
fn an_issuer_that_refuses_a_repeat_is_caught() {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let clause = hold(move |inner, _| broken(Once(Arc::clone(&seen)), inner)).unwrap_err().clause;
    assert_eq!(clause, 4);
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

#[async_trait]
trait Flaw: Send + Sync {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error>;
}

struct Broken(Box<dyn Flaw>, Box<dyn Issuer>);

fn broken(flaw: impl Flaw + 'static, inner: Box<dyn Issuer>) -> Box<dyn Issuer> {
    Box::new(Broken(Box::new(flaw), inner))
}

#[async_trait]
impl Issuer for Broken {
    fn id(&self) -> &IssuerId {
        self.1.id()
    }

    async fn issue(&self, request: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Step, Error> {
        self.0.issue(self.1.as_ref(), request, progress).await
    }
}

/// Wants the key that the signing request was signed with.
struct Borrowing;

#[async_trait]
impl Flaw for Borrowing {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let key = request.signer.expect("a lent key").public_key();
        assert_eq!(*key, csr::read(request.csr)?.public_key);
        inner.issue(request, progress).await
    }
}

struct Sleepy(VirtualClock);

#[async_trait]
impl Flaw for Sleepy {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let at = self.0.now() + Duration::from_secs(600);
        self.0.sleep_until(at).await;
        inner.issue(request, progress).await
    }
}

/// Saves a ticket, and keeps what it stands for to itself.
#[derive(Default)]
struct Selfish(Mutex<Vec<Vec<u8>>>);

struct Ticketed<'a> {
    kept: &'a Mutex<Vec<Vec<u8>>>,
    state: Option<Vec<u8>>,
    outer: &'a mut dyn Progress,
}

#[async_trait]
impl Progress for Ticketed<'_> {
    fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        let ticket = {
            let mut kept = self.kept.lock().unwrap();
            kept.push(state.to_vec());
            vec![u8::try_from(kept.len() - 1).unwrap()]
        };
        self.state = Some(state.to_vec());
        self.outer.save(&ticket).await
    }
}

#[async_trait]
impl Flaw for Selfish {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let state = match progress.state() {
            None => None,
            Some(ticket) => match self.0.lock().unwrap().get(usize::from(ticket[0])) {
                Some(state) => Some(state.clone()),
                None => return Err(Error::new(ErrorKind::Malformed, "whose ticket is this?")),
            },
        };
        inner.issue(request, &mut Ticketed { kept: &self.0, state, outer: progress }).await
    }
}

/// Takes every save for a success.
struct Deaf;

struct Unheard<'a> {
    state: Option<Vec<u8>>,
    outer: &'a mut dyn Progress,
}

#[async_trait]
impl Progress for Unheard<'_> {
    fn state(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        self.state = Some(state.to_vec());
        let _ = self.outer.save(state).await;
        Ok(())
    }
}

#[async_trait]
impl Flaw for Deaf {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let state = progress.state().map(<[u8]>::to_vec);
        inner.issue(request, &mut Unheard { state, outer: progress }).await
    }
}

/// Remembers its orders, and saves nothing.
#[derive(Default)]
struct Silent(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);

#[async_trait]
impl Flaw for Silent {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        _: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let csr = request.csr.as_ref().to_vec();
        let mut own = InMemory::new();
        let state = self.0.lock().unwrap().get(&csr).cloned();
        if let Some(state) = state {
            own.save(&state).await.unwrap();
        }
        let step = inner.issue(request, &mut own).await;
        if let Some(state) = own.state() {
            self.0.lock().unwrap().insert(csr, state.to_vec());
        }
        step
    }
}

struct Once(Arc<Mutex<BTreeSet<Vec<u8>>>>);

#[async_trait]
impl Flaw for Once {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let csr = request.csr.as_ref().to_vec();
        if self.0.lock().unwrap().contains(&csr) {
            return Err(Error::new(ErrorKind::Conflict, "this was issued before"));
        }
        let step = inner.issue(request, progress).await?;
        if let Step::Issued(_) = step {
            self.0.lock().unwrap().insert(csr);
        }
        Ok(step)
    }
}

struct Endless(VirtualClock);

#[async_trait]
impl Flaw for Endless {
    async fn issue(&self, _: &dyn Issuer, _: &CertificateRequest<'_>, _: &mut dyn Progress) -> Result<Step, Error> {
        Ok(Step::NotYet { again: self.0.now(), waiting: Waiting::outside("somebody") })
    }
}

struct Reversed;

#[async_trait]
impl Flaw for Reversed {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        Ok(match inner.issue(request, progress).await? {
            Step::Issued(mut issued) => {
                let reversed = issued.chain.certificates().iter().rev().cloned().collect();
                issued.chain = acme_core::client::Chain::new(reversed);
                Step::Issued(issued)
            }
            not_yet => not_yet,
        })
    }
}

#[derive(Default)]
struct Alone(AtomicUsize);

#[async_trait]
impl Flaw for Alone {
    async fn issue(
        &self,
        inner: &dyn Issuer,
        request: &CertificateRequest<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        if self.0.fetch_add(1, Ordering::SeqCst) > 0 {
            self.0.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::Conflict, "one at a time").with_retry(Retry::Never));
        }
        let step = inner.issue(request, progress).await;
        self.0.fetch_sub(1, Ordering::SeqCst);
        step
    }
}
