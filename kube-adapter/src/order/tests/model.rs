//! Orders against a model of everything around them, on virtual time: every order of events, a crash at every point.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use acme_core::client::Client as _;
use acme_core::flow::{Begin, ChallengeStage, Next, OrderStage};
use acme_core::key::KeyType;
use acme_core::protocol::{CertificateId, ChallengeType as Kind, Problem, ProblemType, Registration};
use acme_core::{Clock, Directory, Error, ErrorKind, Identifier, PrivateKey, Signer, Timestamp};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use issuers::acme::pace::Allowance;
use issuers::acme::{Pace, Paced, RenewalQuestions};
use issuers::{Timer, csr};
use serde_json::{Value, json};
use solvers::{Presentation, Readiness, Solver};
use testkit::VirtualClock;
use testkit::ca::{ModelCa, Settings as CaSettings, ValidationJob, Validator, Verdict};

use super::cluster::Cluster;
use crate::api::{Api, Room};
use crate::codec;
use crate::codec::challenge::Decoded;
use crate::codec::order::{Decoded as DecodedOrder, Origin};
use crate::context::Context;
use crate::crd::challenge::Challenge;
use crate::crd::order::Order;
use crate::engine::{Account, Servers};
use crate::events::Events;
use crate::key::{Name, Version};
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::order::{self, Action, DnsServices, OrderRecord, Orders, patience};
use crate::settings::Settings;
use crate::subject::Subject;
use crate::watch::Event;
use crate::workshop::Workshop;
use crate::world::{Change, News, World};

/// Everything around Orders.
pub(crate) struct Model {
    pub(crate) cluster: Cluster,
    pub(crate) ca: ModelCa,
    pub(crate) clock: VirtualClock,
    pub(crate) records: Records,
    pub(crate) account: Arc<Account>,
    context: Arc<Context>,
    world: World,
    chance: u64,
    announced: Vec<String>,
    /// What was done, for the story of a failure.
    pub(crate) story: Vec<String>,
}

/// The records that answer DNS-01, by name and value.
#[derive(Clone, Default)]
pub(crate) struct Records(Arc<Mutex<BTreeSet<(String, String)>>>, Arc<AtomicBool>);

impl Records {
    pub(crate) fn insert(&self, name: String, value: String) {
        self.0.lock().unwrap().insert((name, value));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The provider takes nothing away any more.
    pub(crate) fn keep(&self) {
        self.1.store(true, Ordering::Relaxed);
    }
}

impl Validator for Records {
    fn validate(&self, job: &ValidationJob) -> Verdict {
        let wanted = if job.kind == Kind::Dns01 {
            job.key_authorization.dns_value()
        } else {
            job.key_authorization.as_str().to_owned()
        };

        match self.0.lock().unwrap().contains(&(job.identifier.to_string(), wanted)) {
            true => Verdict::Valid,
            false => Verdict::Invalid(Problem::new(ProblemType::Unauthorized, "there is no such record")),
        }
    }
}

/// What acts on a cluster in memory, by a clock that stands.
pub(crate) fn context(
    cluster: &Cluster,
    clock: &VirtualClock,
    settings: &Arc<Settings>,
    dns_services: DnsServices,
) -> Arc<Context> {
    let timer: Arc<dyn Timer> = Arc::new(Virtual(clock.clone()));
    let api_clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Arc::new(Context {
        api: Api::new(cluster.client(), Arc::new(Room::new(settings.writes)), api_clock, settings.patience),
        events: Events::new(Arc::clone(&timer), &Metrics::default()),
        settings: Arc::clone(settings),
        leadership: Leadership::undisputed(),
        timer,
        workshop: Workshop::new(1),
        requester: Default::default(),
        http01: Default::default(),
        dns_services,
        servers: Servers::new(Arc::new(clock.clone()), None),
        queue_length: AtomicUsize::new(0),
    })
}

/// Answers DNS-01 by a record of the model.
struct Recorder {
    records: Records,
    value: String,
}

#[async_trait]
impl Solver for Recorder {
    fn challenge(&self) -> Kind {
        Kind::Dns01
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        self.records.0.lock().unwrap().insert((presentation.identifier.to_string(), self.value.clone()));
        Ok(())
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        let key = (presentation.identifier.to_string(), self.value.clone());
        Ok(match self.records.0.lock().unwrap().contains(&key) {
            true => Readiness::Ready,
            false => {
                Readiness::NotYet { again_after: std::time::Duration::from_secs(2), missing: "everywhere".to_owned() }
            }
        })
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        if self.records.1.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unauthorized, "the DNS provider refuses to change the zone"));
        }
        self.records.0.lock().unwrap().remove(&(presentation.identifier.to_string(), self.value.clone()));
        Ok(())
    }
}

/// Virtual time as the controller waits on it.
#[derive(Clone)]
struct Virtual(VirtualClock);

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[async_trait]
impl Timer for Virtual {
    async fn sleep_until(&self, at: Timestamp) {
        self.0.sleep_until(at).await;
    }
}

/// What the authority of the model takes from an account.
const ALLOWED: Allowance = Allowance { orders: 300, within: std::time::Duration::from_secs(3 * 3600) };

pub(crate) const ORDERS: &str = "/apis/acme.cert-manager.io/v1/namespaces/shop/orders";
pub(crate) const CHALLENGES: &str = "/apis/acme.cert-manager.io/v1/namespaces/shop/challenges";

impl Model {
    /// A model whose course `seed` decides, with an issuer `acme`.
    pub(crate) async fn new(seed: u64) -> Self {
        Self::with(seed, CaSettings { order_lists: true, ..CaSettings::default() }, None).await
    }

    /// The same with another authority, and the account of this key at it, if there is one.
    pub(crate) async fn with(seed: u64, settings: CaSettings, key: Option<(PrivateKey, &str)>) -> Self {
        let clock = VirtualClock::new();
        let records = Records::default();
        let ca = ModelCa::with_validator(settings, records.clone());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let directory = Directory::new(ca.directory_url(), Arc::new(ca.transport(&clock)), Arc::clone(&shared));
        let session = match key {
            Some((key, id)) => {
                let jwk = acme_core::jose::Jwk::from_spki(key.public_key()).unwrap();
                let url = ca.seed_account(&serde_json::from_str(jwk.as_str()).unwrap(), id);
                directory.session(Arc::new(key), url).unwrap()
            }
            None => {
                let key = Arc::new(PrivateKey::generate(KeyType::EcdsaP256).unwrap());
                directory.register(key, &Registration::agreeing_to_terms()).await.unwrap()
            }
        };
        let spec = json!({ "solvers": [{ "dns01": { "rfc2136": { "nameserver": "192.0.2.53" } } }] });
        let url = session.account().clone();
        let pace = Arc::new(Pace::in_memory(Arc::clone(&shared)).allowing(ALLOWED, []));
        let renewals = Arc::new(RenewalQuestions::new(directory, Arc::clone(&pace), shared));
        let client = Arc::new(Paced::new(session, Arc::clone(&pace)));
        let spec = Arc::new(serde_json::from_value(spec).unwrap());
        let account = Arc::new(Account { client, renewals, pace, url, spec, dns_solvers: Arc::default() });
        let cluster = Cluster::default();
        let settings = Arc::new(Settings::default());
        let context = context(&cluster, &clock, &settings, DnsServices::default());
        let world = World::new(settings);
        let mut model = Self {
            cluster,
            ca,
            clock,
            records,
            account,
            context,
            world,
            chance: seed,
            announced: Vec::new(),
            story: Vec::new(),
        };
        model.boot();
        model
    }

    /// Forgets everything but what is in the cluster, as after a crash.
    pub(crate) fn boot(&mut self) {
        self.world = World::new(Arc::clone(&self.context.settings));
        self.watch();
        for issuer in [Name::new("shop", "acme"), Name::of_cluster("fx-dns"), Name::new("shop", "http")] {
            order::account_changed(&mut self.world, issuer, Some(Arc::clone(&self.account)));
        }
    }

    /// Lets the watches say how everything is now.
    pub(crate) fn watch(&mut self) {
        let now = self.clock.now();
        let orders = self.cluster.below(ORDERS).into_iter().map(|it| serde_json::from_value(it).unwrap()).collect();
        for event in listed::<Order>(orders) {
            self.world.take(Change::Order(Box::new(News { scope: None, event })), now);
        }
        let challenges = self.cluster.below(CHALLENGES).into_iter().map(|it| serde_json::from_value(it).unwrap());
        for event in listed::<Challenge>(challenges.collect()) {
            self.world.take(Change::Challenge(Box::new(News { scope: None, event })), now);
        }
    }

    /// Gives the issuer another spec; answers the one before.
    pub(crate) fn solvers(&mut self, spec: Value) -> Value {
        let before = serde_json::to_value(&*self.account.spec).unwrap();
        let account =
            Account { spec: Arc::new(serde_json::from_value(spec).unwrap()), ..Account::clone(&self.account) };
        self.account = Arc::new(account);
        order::account_changed(&mut self.world, Name::new("shop", "acme"), Some(Arc::clone(&self.account)));
        before
    }

    /// Makes an Order by hand.
    pub(crate) fn order(&mut self, name: &str, names: &[&str]) {
        let identifiers: Vec<Identifier> = names.iter().map(|it| Identifier::parse(it).unwrap()).collect();
        let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        let request = csr::Draft::new(&identifiers).unwrap().sign_now(&key).unwrap();
        let pem = acme_core::pem::encode("CERTIFICATE REQUEST", &request);
        let object = json!({
            "metadata": { "name": name, "namespace": "shop" },
            "spec": { "request": BASE64_STANDARD.encode(pem), "dnsNames": names, "issuerRef": { "name": "acme" } },
        });
        self.cluster.put(&format!("{ORDERS}/{name}"), object);
        self.watch();
    }

    /// Makes an Order by hand for a certificate that replaces another.
    pub(crate) fn replacing(&mut self, name: &str, names: &[&str], replaced: &CertificateId) {
        self.order(name, names);
        let path = format!("{ORDERS}/{name}");
        let mut object = self.cluster.below(&path).remove(0);
        object["spec"]["replaces"] = replaced.as_str().into();
        self.cluster.put(&path, object);
        self.watch();
    }

    /// Does one thing, or lets time pass until there is something to do. Answers whether there was anything.
    pub(crate) async fn step(&mut self, crash: Crash) -> bool {
        self.hear();
        let names = self.names();
        let now = self.clock.now();
        let mut ready: Vec<(Name, Action)> = Vec::new();
        let mut wake: Option<Timestamp> = None;
        for name in names {
            if let Next::Go(agenda) = Orders::next(&self.world, &name, now) {
                ready.extend(agenda.ready.into_iter().map(|it| (name.clone(), it)));
                wake = wake.into_iter().chain(agenda.wake.map(|it| it.at)).min();
            }
        }
        if ready.is_empty() {
            let Some(wake) = wake else { return false };
            assert!(wake > now, "what waits, waits for a later time: {:?}", self.story);
            self.clock.set(wake);
            self.story.push(format!("wait until {wake}"));
            return true;
        }
        let at = usize::try_from(self.random()).unwrap() % ready.len();
        let (name, action) = ready.swap_remove(at);
        self.story.push(format!("{action:?}"));
        self.equip(&name);
        let answer = Orders::start(&mut self.world, &self.context, &name, &action, now).await;
        if crash == Crash::Sometimes && self.random().is_multiple_of(8) {
            self.story.push("crash".to_owned());
            self.boot();
        } else {
            Orders::fold(&mut self.world, &name, &action, answer, self.clock.now());
            if self.random().is_multiple_of(3) {
                self.watch();
            }
        }
        self.check(&name);
        true
    }

    /// Steps until there is nothing to do any more.
    pub(crate) async fn run(&mut self, crash: Crash) {
        for _ in 0..2000 {
            if !self.step(crash).await {
                return;
            }
        }
        panic!("it never ends: {:#?}", self.story);
    }

    /// What the status says is never ahead of what is remembered (the fourth law of flows).
    fn check(&self, name: &Name) {
        let Some(run) = self.world.order_index.runs.get(name) else { return };
        let (Some(issuance), Some(object)) = (&run.issuance, self.world.orders.get(name).and_then(OrderRecord::object))
        else {
            return;
        };
        let stage = issuance.order().stage();
        match codec::order::decode(object, Origin::Elsewhere, "", patience(), self.clock.now()).unwrap() {
            DecodedOrder::Live(decoded) => {
                assert!(decoded.order().stage() <= stage, "{:?}: {:?}", decoded.order().stage(), self.story);
            }
            DecodedOrder::Ended => {
                assert!(matches!(stage, OrderStage::Issued | OrderStage::Failed), "{stage:?}: {:?}", self.story);
            }
        }
        for (_, record) in self.world.challenges.iter() {
            let Some(flow) = run.live(&record.object) else { continue };
            match codec::challenge::decode(&record.object) {
                Decoded::Live(begin) => {
                    let decoded = match begin {
                        Begin::Presenting => ChallengeStage::Presenting,
                        Begin::Checking => ChallengeStage::Checking,
                        Begin::Polling => ChallengeStage::Polling,
                    };
                    assert!(decoded <= flow.stage(), "{decoded:?} of {:?}: {:?}", flow.stage(), self.story);
                }
                Decoded::Over(_) => assert!(flow.verdict().is_some(), "{:?}", self.story),
            }
        }
    }

    fn names(&mut self) -> Vec<Name> {
        let _ = self.world.take_woken();
        let records = self.world.orders.iter().map(|(name, _)| name.clone());
        let index = &self.world.order_index;
        let mut names: Vec<Name> =
            records.chain(index.challenges.keys().cloned()).chain(index.runs.keys().cloned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Every Challenge is answered by a record of the model.
    fn equip(&mut self, name: &Name) {
        let made: Vec<(Name, String)> =
            self.world.challenges.iter().map(|(of, it)| (of.clone(), it.object.spec.key.clone())).collect();
        let Some(run) = self.world.order_index.runs.get_mut(name) else { return };
        for (of, value) in made {
            run.solvers.insert(of, Arc::new(Recorder { records: self.records.clone(), value }));
        }
    }

    /// The next number of a fixed sequence (SplitMix64).
    fn random(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The Events since the last time this was asked: reason and text.
    pub(crate) fn announced(&mut self) -> Vec<String> {
        self.hear();
        std::mem::take(&mut self.announced)
    }

    /// Listens to Events while they are news.
    fn hear(&mut self) {
        while let Some(event) = self.context.events.take() {
            self.announced.push(format!("{}: {}", event.reason, event.note));
        }
    }

    /// An Order as it is now.
    pub(crate) fn status(&self, name: &str) -> Value {
        self.cluster.below(&format!("{ORDERS}/{name}")).first().map(|it| it["status"].clone()).unwrap_or_default()
    }
}

/// Whether answers get lost together with everything that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    Never,
    Sometimes,
}

fn listed<T>(objects: Vec<T>) -> Vec<Event<T>> {
    let mut events = vec![Event::Init];
    events.extend(objects.into_iter().map(Event::InitApply));
    events.push(Event::InitDone(Version::Number(u64::MAX)));
    events
}
