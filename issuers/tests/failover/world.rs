//! Certificate authorities side by side, what was presented for them, and a record that outlives processes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use acme_core::backoff::Backoff;
use acme_core::flow::Pace;
use acme_core::protocol::{ChallengeType, Registration};
use acme_core::{Directory, Error, Identifier, PrivateKey, Store};
use async_trait::async_trait;
use certwright_issuers::acme::{AccountSettings, AcmeIssuer};
use certwright_issuers::{
    CertificateRequest, Failover, InMemory, Issued, Issuer, Progress, ProgressError, Step, csr, drive,
};
use futures_util::FutureExt as _;
use rustls_pki_types::CertificateSigningRequestDer;
use solvers::{Presentation, Readiness, Selector, Solver, Solvers};
use testkit::ca::{Endpoint, ModelCa, Settings};
use testkit::crash::{Effects, MortalStore, MortalTransport};
use testkit::{DurableStore, VirtualClock, run};

pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) first: ModelCa,
    pub(crate) second: ModelCa,
    pub(crate) store: DurableStore,
    pub(crate) record: DurableProgress,
    pub(crate) presented: Presented,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            clock: VirtualClock::new(),
            first: authority("first", 1),
            second: authority("second", 2),
            store: DurableStore::new(),
            record: DurableProgress::default(),
            presented: Presented::default(),
        }
    }

    /// The two as one, as a process makes it; it remembers nothing that is not in memory.
    pub(crate) fn process(&self) -> Failover {
        self.process_with(&Effects::unharmed())
    }

    pub(crate) fn process_with(&self, effects: &Effects) -> Failover {
        self.of(["first", "second"], effects)
    }

    /// As [`process`](Self::process), with these in this order.
    pub(crate) fn of<const N: usize>(&self, names: [&str; N], effects: &Effects) -> Failover {
        let issuers = names.map(|name| Arc::new(self.issuer(name, effects)) as Arc<dyn Issuer>);
        Failover::new("both", issuers, Arc::new(self.clock.clone())).unwrap()
    }

    /// The two as one, which remember in the store.
    pub(crate) fn remembering(&self) -> Failover {
        self.process().remembering(Arc::new(self.store.clone()), "failover").unwrap()
    }

    pub(crate) fn issuer(&self, name: &str, effects: &Effects) -> AcmeIssuer {
        let ca = if name == "first" { &self.first } else { &self.second };
        let clock = Arc::new(self.clock.clone());
        let transport = MortalTransport::new(ca.transport(&self.clock), effects);
        let directory = Directory::new(ca.directory_url(), Arc::new(transport), clock.clone());
        let solver = Double { presented: self.presented.clone(), effects: effects.clone() };
        let solvers = Solvers::new().with("any", solver, Selector::any());
        let store: Arc<dyn Store> = Arc::new(MortalStore::new(self.store.clone(), effects));
        let settings = AccountSettings::new(Registration::agreeing_to_terms());
        let mut patience = Pace::default();
        patience.order.create = Duration::from_secs(60);
        patience.order.issue = Duration::from_secs(60);
        patience.order.backoff = Backoff::new(Duration::from_secs(20), Duration::from_secs(60));
        AcmeIssuer::builder(name, directory, solvers, clock)
            .account(store, settings)
            .patience(patience)
            .build()
            .unwrap()
    }

    /// One issuance from beginning to end.
    pub(crate) fn issue(&self, issuer: &dyn Issuer, name: &str) -> Result<Issued, Error> {
        let asked = Asked::new(name);
        run(&self.clock, drive(issuer, &asked.request(), &mut InMemory::new(), &self.clock))
    }

    /// Goes on with the record until something is under way.
    pub(crate) fn begin(&self, issuer: &dyn Issuer, asked: &Asked, progress: &mut dyn Progress) {
        let step = run(&self.clock, issuer.issue(&asked.request(), progress)).unwrap();
        assert!(matches!(step, Step::NotYet { .. }), "{step:?}");
        assert!(progress.state().is_some(), "nothing is under way");
    }

    pub(crate) fn orders(&self) -> (usize, usize) {
        (self.first.orders(), self.second.orders())
    }

    pub(crate) fn asked_for_orders(&self) -> (usize, usize) {
        (self.first.requests(Endpoint::NewOrder), self.second.requests(Endpoint::NewOrder))
    }
}

fn authority(name: &str, seed: u64) -> ModelCa {
    ModelCa::new(Settings {
        base_url: format!("https://{name}.test"),
        seed,
        order_lists: true,
        validation_delay: Duration::from_secs(1),
        issuance_delay: Duration::from_secs(1),
        ..Settings::default()
    })
}

/// A signing request for one name.
pub(crate) struct Asked {
    csr: CertificateSigningRequestDer<'static>,
    identifiers: Vec<Identifier>,
}

impl Asked {
    pub(crate) fn new(name: &str) -> Self {
        static KEY: OnceLock<Arc<PrivateKey>> = OnceLock::new();
        let key = KEY.get_or_init(|| Arc::new(PrivateKey::generate(Default::default()).unwrap()));
        let identifiers = vec![name.parse().unwrap()];
        let csr = csr::create(key.as_ref(), &identifiers).now_or_never().unwrap().unwrap();
        Self { csr, identifiers }
    }

    pub(crate) fn request(&self) -> CertificateRequest<'_> {
        CertificateRequest::new(&self.csr, &self.identifiers)
    }
}

/// A record whose bytes outlive the process. Copies are one record.
#[derive(Clone, Default)]
pub(crate) struct DurableProgress {
    kept: Arc<Mutex<Option<Vec<u8>>>>,
    read: Option<Vec<u8>>,
    effects: Option<Effects>,
}

impl DurableProgress {
    /// The record as a process opens it.
    pub(crate) fn open(&self, effects: &Effects) -> Self {
        let read = self.kept.lock().unwrap().clone();
        Self { kept: Arc::clone(&self.kept), read, effects: Some(effects.clone()) }
    }

    /// What a keeper does when an attempt ended in an error.
    pub(crate) fn clear(&mut self) {
        *self.kept.lock().unwrap() = None;
        self.read = None;
    }
}

#[async_trait]
impl Progress for DurableProgress {
    fn state(&self) -> Option<&[u8]> {
        self.read.as_deref()
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        let write = async {
            *self.kept.lock().unwrap() = Some(state.to_vec());
        };
        match &self.effects {
            Some(effects) => effects.perform("save progress", write).await,
            None => write.await,
        }
        self.read = Some(state.to_vec());
        Ok(())
    }
}

/// Which answers stand in the world.
#[derive(Clone, Default)]
pub(crate) struct Presented(Arc<Mutex<BTreeSet<String>>>);

impl Presented {
    pub(crate) fn left_behind(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

struct Double {
    presented: Presented,
    effects: Effects,
}

#[async_trait]
impl Solver for Double {
    fn challenge(&self) -> ChallengeType {
        ChallengeType::Http01
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        let answer = presentation.key_authorization().unwrap().as_str().to_owned();
        let present = async {
            self.presented.0.lock().unwrap().insert(answer);
        };
        self.effects.perform("present", present).await;
        Ok(())
    }

    async fn check(&self, _: &Presentation) -> Result<Readiness, Error> {
        Ok(Readiness::Ready)
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        let answer = presentation.key_authorization().unwrap().as_str();
        let clean = async {
            self.presented.0.lock().unwrap().remove(answer);
        };
        self.effects.perform("clean up", clean).await;
        Ok(())
    }
}
