//! A certificate authority, a store, a network of answers and a clock; and processes that come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use acme_core::protocol::{ChallengeType, Registration};
use acme_core::{Clock as _, Directory, Error, ErrorKind, Identifier, PrivateKey, Signer as _, Store};
use async_trait::async_trait;
use certwright_issuers::acme::{AccountSettings, AcmeIssuer, Builder};
use certwright_issuers::{CertificateRequest, Issued, Issuer as _, Progress, ProgressError, Step, chain, csr, drive};
use futures_util::FutureExt as _;
use rustls_pki_types::CertificateSigningRequestDer;
use solvers::{Presentation, Readiness, Selector, Solver, Solvers};
use testkit::ca::{Endpoint, ModelCa, Settings, ValidationJob, Validator, Verdict};
use testkit::crash::{Effects, MortalStore, MortalTransport};
use testkit::{DurableStore, VirtualClock, run};

pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) ca: ModelCa,
    pub(crate) store: DurableStore,
    pub(crate) record: DurableProgress,
    pub(crate) network: Network,
    pub(crate) round_trip: Duration,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        let network = Network::default();
        Self {
            clock: VirtualClock::new(),
            ca: ModelCa::with_validator(settings, network.clone()),
            store: DurableStore::new(),
            record: DurableProgress::default(),
            network,
            round_trip: Duration::ZERO,
        }
    }

    pub(crate) fn process(&self) -> AcmeIssuer {
        self.process_with(&Effects::unharmed(), |builder| builder)
    }

    pub(crate) fn process_with(&self, effects: &Effects, change: impl FnOnce(Builder) -> Builder) -> AcmeIssuer {
        let transport = self.ca.transport(&self.clock).with_round_trip(self.round_trip);
        let clock = Arc::new(self.clock.clone());
        let transport = Arc::new(MortalTransport::new(transport, effects));
        let directory = Directory::new(self.ca.directory_url(), transport, clock.clone());
        let solver = self.network.solver(ChallengeType::Http01, effects);
        let dns = self.network.solver(ChallengeType::Dns01, effects);
        let solvers = Solvers::new().with("http", solver, Selector::any()).with("dns", dns, Selector::any());
        let store: Arc<dyn Store> = Arc::new(MortalStore::new(self.store.clone(), effects));
        let registration = Registration::agreeing_to_terms().with_email("ops@example.com");
        let builder = AcmeIssuer::builder("acme", directory, solvers, clock);
        change(builder.account(store, AccountSettings::new(registration))).build().unwrap()
    }

    /// One issuance from beginning to end, in one process, with a record of its own; nothing but the issuer looks at the chain.
    pub(crate) fn issue(&self, issuer: &AcmeIssuer, names: &[&str]) -> Result<Issued, Error> {
        let asked = Asked::new(names);
        let mut progress = DurableProgress::default();
        run(&self.clock, async {
            loop {
                match issuer.issue(&asked.request(), &mut progress).await? {
                    Step::Issued(issued) => return Ok(issued),
                    Step::NotYet { again, .. } => self.clock.sleep_until(again).await,
                }
            }
        })
    }

    pub(crate) fn count(&self, endpoint: Endpoint) -> usize {
        self.ca.requests(endpoint)
    }
}

/// Key, signing request and names.
pub(crate) struct Asked {
    pub(crate) key: Arc<PrivateKey>,
    pub(crate) csr: CertificateSigningRequestDer<'static>,
    pub(crate) identifiers: Vec<Identifier>,
}

impl Asked {
    pub(crate) fn new(names: &[&str]) -> Self {
        static KEY: OnceLock<Arc<PrivateKey>> = OnceLock::new();
        let key = Arc::clone(KEY.get_or_init(|| Arc::new(PrivateKey::generate(Default::default()).unwrap())));
        let identifiers: Vec<Identifier> = names.iter().map(|name| name.parse().unwrap()).collect();
        let csr = csr::create(key.as_ref(), &identifiers).now_or_never().unwrap().unwrap();
        Self { key, csr, identifiers }
    }

    pub(crate) fn request(&self) -> CertificateRequest<'_> {
        CertificateRequest::new(&self.csr, &self.identifiers)
    }

    pub(crate) fn check(&self, issued: &Issued, world: &World) {
        chain::check(&issued.chain, self.key.public_key(), &self.identifiers, world.clock.now()).unwrap();
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
    /// What a keeper does when an attempt ended in an error.
    pub(crate) fn clear(&self) {
        *self.kept.lock().unwrap() = None;
    }

    /// The record as a process opens it.
    pub(crate) fn open(&self, effects: &Effects) -> Self {
        let read = self.kept.lock().unwrap().clone();
        Self { kept: Arc::clone(&self.kept), read, effects: Some(effects.clone()) }
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

/// Who answers which challenge: the outside world of the solvers, and what the certificate authority sees.
#[derive(Clone, Default)]
pub(crate) struct Network {
    answers: Arc<Mutex<BTreeSet<(String, String)>>>,
    /// All that ever was presented, and whether whoever did so the first time said that it was.
    presented: Arc<Mutex<BTreeMap<(String, String), bool>>>,
    overlaps: Arc<Mutex<BTreeMap<(String, String), usize>>>,
    blind: Arc<Mutex<bool>>,
}

impl Network {
    fn solver(&self, kind: ChallengeType, effects: &Effects) -> Double {
        Double { kind, network: self.clone(), effects: effects.clone() }
    }

    /// What is still presented.
    pub(crate) fn left_behind(&self) -> usize {
        self.answers.lock().unwrap().len()
    }

    /// How many answers were known to be new when they were presented.
    pub(crate) fn known_as_new(&self) -> usize {
        self.presented.lock().unwrap().values().filter(|is_first| **is_first).count()
    }

    /// Lets the certificate authority see nothing.
    pub(crate) fn hide(&self, hide: bool) {
        *self.blind.lock().unwrap() = hide;
    }
}

impl Validator for Network {
    fn validate(&self, job: &ValidationJob) -> Verdict {
        let answer = (job.identifier.to_string(), job.key_authorization.as_str().to_owned());
        if !*self.blind.lock().unwrap() && self.answers.lock().unwrap().contains(&answer) {
            return Verdict::Valid;
        }
        let problem = acme_core::protocol::ProblemType::Connection;
        Verdict::Invalid(acme_core::protocol::Problem::new(problem, format!("nobody answers for {}", job.identifier)))
    }
}

struct Double {
    kind: ChallengeType,
    network: Network,
    effects: Effects,
}

impl Double {
    fn answer(presentation: &Presentation) -> (String, String) {
        (presentation.identifier.to_string(), presentation.key_authorization().unwrap().as_str().to_owned())
    }

    fn enter(&self, answer: &(String, String)) {
        let mut overlaps = self.network.overlaps.lock().unwrap();
        let inside = overlaps.entry(answer.clone()).or_default();
        *inside += 1;
        assert_eq!(*inside, 1, "present and clean up of one challenge overlap");
    }

    fn leave(&self, answer: &(String, String)) {
        if let Some(inside) = self.network.overlaps.lock().unwrap().get_mut(answer) {
            *inside -= 1;
        }
    }
}

#[async_trait]
impl Solver for Double {
    fn challenge(&self) -> ChallengeType {
        self.kind.clone()
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        assert_eq!(presentation.challenge, self.kind);
        let answer = Self::answer(presentation);
        let present = async {
            self.enter(&answer);
            let is_known = self.network.presented.lock().unwrap().contains_key(&answer);
            assert!(!(is_known && presentation.is_first), "somebody presented it before");
            self.network.presented.lock().unwrap().entry(answer.clone()).or_insert(presentation.is_first);
            self.network.answers.lock().unwrap().insert(answer.clone());
            self.leave(&answer);
        };
        self.effects.perform(format!("present {}", presentation.identifier), present).await;
        Ok(())
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        let answer = Self::answer(presentation);
        if self.network.answers.lock().unwrap().contains(&answer) {
            return Ok(Readiness::Ready);
        }
        Ok(Readiness::NotYet { again_after: Duration::from_secs(1), missing: "the answer".to_owned() })
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        let answer = Self::answer(presentation);
        let clean = async {
            self.enter(&answer);
            self.network.answers.lock().unwrap().remove(&answer);
            self.leave(&answer);
        };
        self.effects.perform(format!("clean up {}", presentation.identifier), clean).await;
        Ok(())
    }
}

/// What a driver would do with an error: wait as told, and try again with a fresh record.
pub(crate) async fn keep_trying(
    world: &World,
    issuer: &AcmeIssuer,
    asked: &Asked,
    progress: &mut DurableProgress,
) -> Result<Issued, Error> {
    for _ in 0..100 {
        match drive(issuer, &asked.request(), progress, &world.clock).await {
            Ok(issued) => return Ok(issued),
            Err(error) => {
                let pause = match error.retry() {
                    acme_core::Retry::Never => return Err(error),
                    acme_core::Retry::Backoff => Duration::from_secs(60),
                    acme_core::Retry::After(pause) => pause,
                };
                progress.clear();
                progress.read = None;
                world.clock.sleep(pause).await;
            }
        }
    }
    Err(Error::new(ErrorKind::Internal, "it does not end"))
}
