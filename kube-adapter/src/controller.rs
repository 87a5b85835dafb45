//! The controller: watches, the loop, and the end of both.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use acme_core::{Clock, Error, Store, Timestamp, Transport};
use issuers::{Timer, TokioTimer};
use tokio::sync::mpsc;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;

use crate::api::{self, Room, Written};
use crate::context::Context;
use crate::engine::Servers;
use crate::events::{self, Events};
use crate::key::Name;
use crate::leader::Leadership;
use crate::metrics::{Inspected, Inspector};
use crate::order::DnsServices;
use crate::reconcile::Reconcile;
use crate::request::Requester;
use crate::settings::{Settings, WatchedSecrets};
use crate::store::ConfigMapStore;
use crate::watch::{self, Follower, Selection, Watched};
use crate::workshop::Workshop;
use crate::world::{Change, News, World};

/// Turns cert-manager's resources into certificates, until it is told to stop.
///
/// Make one with [`new`](Self::new) and await [`run`](Self::run). Several may run in a cluster when a Lease decides which of them acts: see [`led_by`](Self::led_by).
pub struct Controller {
    client: kube::Client,
    settings: Arc<Settings>,
    timer: Arc<dyn Timer>,
    leadership: Leadership,
    inspector: Inspector,
    inspected: Inspected,
    dns_services: Option<Arc<dyn Transport>>,
}

impl Controller {
    /// A controller that acts from the start: for processes that are alone, and for tests.
    pub fn new(client: kube::Client, settings: Settings) -> Self {
        let (inspector, inspected) = Inspector::pair();
        Self {
            client,
            settings: Arc::new(settings),
            timer: Arc::new(TokioTimer),
            leadership: Leadership::undisputed(),
            inspector,
            inspected,
            dns_services: None,
        }
    }

    /// Acts only while it holds the Lease. It watches and remembers at all times, so taking over is immediate.
    #[must_use]
    pub fn led_by(mut self, leadership: Leadership) -> Self {
        self.leadership = leadership;
        self
    }

    /// Looks into this controller while it runs: its metrics, and whether it has seen everything.
    pub fn inspector(&self) -> Inspector {
        self.inspector.clone()
    }

    /// Takes the time from `timer`, and waits on it.
    #[must_use]
    pub fn with_timer(mut self, timer: Arc<dyn Timer>) -> Self {
        self.timer = timer;
        self
    }

    /// Reaches DNS services, and whoever gives the credentials for them, by `way`: for networks where they are behind a gateway, or at private addresses.
    ///
    /// Without it they are reached directly or by the proxies of the environment, and trusted are the roots of the system and
    /// [`Settings::trusted_roots`].
    #[must_use]
    pub fn reaching_dns_services_by(mut self, way: Arc<dyn Transport>) -> Self {
        self.dns_services = Some(way);
        self
    }

    /// Runs until `stop` turns true. What is owed to people is written before it returns.
    ///
    /// # Errors
    /// None so far: whatever the API server does is waited out.
    pub async fn run(self, stop: Receiver<bool>) -> Result<(), Error> {
        let world = World::new(Arc::clone(&self.settings));
        self.run_on(world, stop).await
    }

    /// Runs with what is known already.
    pub(crate) async fn run_on(self, mut world: World, stop: Receiver<bool>) -> Result<(), Error> {
        let (changes, taken) = mpsc::channel(CHANGES);
        let mut tasks = JoinSet::new();
        let written = Written::default();
        self.watch(&written, &changes, &mut tasks);
        if let Some(orders) = world.secret_index.orders() {
            let (client, timer) = (self.client.clone(), Arc::clone(&self.timer));
            tasks.spawn(watch::follow(client, changes.clone(), timer, orders, Change::NamedSecret));
        }
        drop(changes);
        let events = Events::new(Arc::clone(&self.timer), &self.inspected.metrics);
        let api = api::Api::new(
            self.client.clone(),
            Arc::new(Room::new(self.settings.writes)),
            Arc::new(Ticking(Arc::clone(&self.timer))),
            self.settings.patience,
        )
        .counted_in(&self.inspected.metrics)
        .led_by(&self.leadership)
        .remembered_in(&written);
        let mut writer = tokio::spawn(events::write(api.clone(), events.clone()));
        let embargoes = Name::new(self.settings.cluster_resource_namespace.as_str(), EMBARGOES);
        let embargoes: Arc<dyn Store> = Arc::new(ConfigMapStore::new(api.clone(), embargoes));
        let context = Arc::new(Context {
            api,
            events: events.clone(),
            settings: Arc::clone(&self.settings),
            leadership: self.leadership.clone(),
            timer: Arc::clone(&self.timer),
            workshop: Workshop::new(self.settings.signers),
            requester: Requester::default(),
            servers: Servers::new(Arc::clone(&self.timer) as Arc<dyn Clock>, Some(embargoes))
                .counted_in(&self.inspected.metrics),
            http01: Default::default(),
            dns_services: DnsServices::reached_by(self.dns_services),
            queue_length: AtomicUsize::new(0),
        });
        Reconcile::new(world, context, taken, self.inspected).run(stop).await;
        tasks.shutdown().await;
        events.close();
        tokio::select! {
            _ = &mut writer => {}
            () = self.timer.sleep_until(self.timer.now() + LONGEST_FAREWELL) => writer.abort(),
        }
        Ok(())
    }

    /// One stream for each kind, and for each namespace where not all are looked after.
    fn watch(&self, written: &Written, changes: &mpsc::Sender<Vec<Change>>, tasks: &mut JoinSet<()>) {
        let all = Selection::Everything;
        self.follow(tasks, "Certificates", all, changes, |news| Change::Certificate(Box::new(news)));
        for scope in self.scopes() {
            let follower = self.follower(scope, all, "CertificateRequests", changes);
            let follower = follower.sparing(written, &self.leadership);
            tasks.spawn(follower.run(|news| Change::Request(Box::new(news))));
        }
        self.follow(tasks, "Issuers", all, changes, |news| Change::Issuer(Box::new(news)));
        self.follow(tasks, "Orders", all, changes, |news| Change::Order(Box::new(news)));
        self.follow(tasks, "Challenges", all, changes, |news| Change::Challenge(Box::new(news)));
        if self.settings.secrets == WatchedSecrets::All {
            self.follow(tasks, "TLS Secrets", Selection::Fields(TLS), changes, Change::TlsSecret);
            self.follow(tasks, "other Secrets", Selection::Fields(NOT_TLS), changes, Change::OtherSecret);
        }
        self.follow(tasks, "solver Services", Selection::Labels(SOLVERS), changes, |news| {
            Change::Service(Box::new(news))
        });
        if self.settings.namespaces.is_none() {
            let follower = self.follower(None, all, "ClusterIssuers", changes);
            tasks.spawn(follower.run(|news| Change::ClusterIssuer(Box::new(news))));
        }
    }

    fn follow<K: Watched>(
        &self,
        tasks: &mut JoinSet<()>,
        what: &'static str,
        selection: Selection,
        changes: &mpsc::Sender<Vec<Change>>,
        wrap: fn(News<K>) -> Change,
    ) {
        for scope in self.scopes() {
            tasks.spawn(self.follower(scope, selection, what, changes).run(wrap));
        }
    }

    /// The namespaces that are looked after; `None` is the whole cluster.
    fn scopes(&self) -> Vec<Option<Arc<str>>> {
        match &self.settings.namespaces {
            None => vec![None],
            Some(namespaces) => namespaces.iter().map(|it| Some(it.as_str().into())).collect(),
        }
    }

    fn follower(
        &self,
        scope: Option<Arc<str>>,
        selection: Selection,
        what: &'static str,
        changes: &mpsc::Sender<Vec<Change>>,
    ) -> Follower<Change> {
        Follower::new(self.client.clone(), scope, selection, what, changes.clone(), Arc::clone(&self.timer))
    }
}

/// The clock that a timer is.
struct Ticking(Arc<dyn Timer>);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// The ConfigMap that keeps the pauses which certificate authorities asked for.
const EMBARGOES: &str = "certwright-embargoes";

/// How long the Events may take at the end that still wait.
const LONGEST_FAREWELL: Duration = Duration::from_secs(5);

/// Bundles of changes that wait to be taken in: enough to keep the loop busy, few enough to cost no memory.
const CHANGES: usize = 4;

const SOLVERS: &str = "acme.cert-manager.io/http01-solver=true";

const TLS: &str = "type=kubernetes.io/tls";

/// What else may be referred to. What others store in masses is left out by the server.
const NOT_TLS: &str = "type!=kubernetes.io/tls,type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token,type!=bootstrap.kubernetes.io/token";
