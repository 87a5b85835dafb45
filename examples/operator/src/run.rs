//! All of it together, and its orderly end.

use std::net::Ipv4Addr;
use std::sync::Arc;

use async_trait::async_trait;
use kube::Client;
use kube_adapter::leader::{Elector, KubeLease, Leadership, Monotonic};
use kube_adapter::metrics::{Inspector, Series};
use kube_adapter::serving::ServingAuthority;
use kube_adapter::{Controller, Responder};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::arguments::Solver;
use crate::certificates::{Dynamic, Files};
use crate::choices::Role;
use crate::endpoints::{Endpoint, Page, Pages};
use crate::options::{self, Election, MetricsTls, Options};
use crate::process::{self, Surroundings};
use crate::{Error, ErrorKind, api_server, settings};

/// Runs until a signal says so, then ends in this order: what is owed to people is written, the Lease is given back, the process ends.
///
/// # Errors
/// What keeps it from starting: an address that is taken, no API server to talk to. Whatever the API server does later is waited out.
pub async fn run(options: Options, surroundings: Surroundings) -> Result<(), Error> {
    for remark in &options.remarks {
        tracing::warn!("{remark}");
    }
    let mut signals = Signals::new()?;
    let (client, namespace) = api_server::connect(&options.api_server).await?;
    let telling = &options.telling;
    let metrics = encrypted(Endpoint::bind(telling.metrics_listen).await?, telling.metrics_tls.as_ref(), &client)?;
    let health = Endpoint::bind(telling.healthz_listen).await?;
    let solver = match options.roles.contains(&Role::Solver) {
        true => Some(Responder::bind(options.acme.solver_listen).await?),
        false => None,
    };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        %namespace,
        roles = ?options.roles,
        metrics = %metrics.address()?,
        health = %health.address()?,
        "started"
    );

    let (stop, stopped) = watch::channel(false);
    let mut roles = Vec::new();
    let mut state = State { telling: telling.clone(), controller: None, election: None };
    let mut elector = None;
    if options.roles.contains(&Role::Controller) {
        let (leadership, election) = stand(&options, &client, &surroundings);
        let controller = Controller::new(client.clone(), settings::of(&options)).led_by(leadership.clone());
        state.controller = Some(controller.inspector());
        state.election = options.election.as_ref().map(|election| (leadership, election.clone()));
        elector = election;
        let stopped = stopped.clone();
        roles.push(tokio::spawn(async move {
            if let Err(error) = controller.run(stopped).await {
                tracing::error!(%error, "the controller ended");
            }
        }));
    }
    if let Some(solver) = solver {
        let (namespaces, stopped) = (settings::of(&options).namespaces, stopped.clone());
        roles.push(tokio::spawn(solver.run(client, namespaces, stopped)));
    }
    let pages: Arc<dyn Pages> = Arc::new(state);
    let servers = [tokio::spawn(metrics.serve(Arc::clone(&pages))), tokio::spawn(health.serve(pages))];

    let early = signals.wait(&mut roles).await;
    // Nobody listens where every role ended by itself.
    _ = stop.send(true);
    for role in roles {
        join(role).await;
    }
    if let Some(elector) = elector {
        elector.give_back().await;
    }
    servers.iter().for_each(JoinHandle::abort);
    match early {
        None => Ok(()),
        Some(why) => Err(Error::new(ErrorKind::Internal, why)),
    }
}

/// Answers one challenge until a signal says so: what a solver Pod does.
///
/// # Errors
/// An address that is taken; `Malformed` when domain, token and key do not belong together.
pub async fn answer(solver: Solver) -> Result<(), Error> {
    let mut signals = Signals::new()?;
    let responder = Responder::bind((Ipv4Addr::UNSPECIFIED, solver.port).into()).await?;
    let responder = responder.answering(&solver.domain, &solver.token, &solver.key).await?;
    let (stop, stopped) = watch::channel(false);
    let mut roles = vec![tokio::spawn(responder.run_alone(stopped))];
    let early = signals.wait(&mut roles).await;
    // It has ended already where nobody listens.
    _ = stop.send(true);
    early.map_or(Ok(()), |why| Err(Error::new(ErrorKind::Internal, why)))
}

/// The endpoint with its certificates, where it is to have some.
fn encrypted(endpoint: Endpoint, tls: Option<&MetricsTls>, client: &Client) -> Result<Endpoint, Error> {
    Ok(match tls {
        None => endpoint,
        Some(MetricsTls::Files { certificate, key }) => {
            endpoint.with_certificates(Arc::new(Files::read(certificate, key)?))
        }
        Some(MetricsTls::Dynamic { namespace, secret, names, lifetime }) => {
            let authority = ServingAuthority::new(client.clone(), namespace, secret, names)?.lasting(*lifetime);
            let certificates = Arc::new(Dynamic::new(authority));
            // It ends with the runtime: nothing of it is owed to anybody.
            tokio::spawn(Arc::clone(&certificates).keep());
            endpoint.with_certificates(certificates)
        }
    })
}

/// Stands for election, unless this process is alone by arrangement.
fn stand(options: &Options, client: &Client, surroundings: &Surroundings) -> (Leadership, Option<Standing>) {
    let Some(election) = &options.election else {
        return (Leadership::undisputed(), None);
    };
    let identity = election.identity.clone().unwrap_or_else(|| surroundings.identity.clone());
    tracing::info!(namespace = election.namespace, lease = LEASE, %identity, "standing for election");
    let lease = Arc::new(KubeLease::new(client.clone(), &election.namespace, LEASE));
    let (elector, leadership) = Elector::new(identity, election.timing, lease, Arc::new(Monotonic::new()));
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(elector.run(async move {
        // An end of the sender is an end, too.
        _ = stopped.wait_for(|stop| *stop).await;
    }));
    (leadership, Some(Standing { stop, task }))
}

/// An elector that runs.
struct Standing {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Standing {
    async fn give_back(self) {
        // It ended by itself only where it panicked, which `join` tells.
        _ = self.stop.send(true);
        join(self.task).await;
    }
}

async fn join(task: JoinHandle<()>) {
    // A handle whose end was seen already is not asked again.
    if task.is_finished() {
        return;
    }
    if let Err(error) = task.await {
        tracing::error!(%error, "a task broke off");
    }
}

/// What asks the process to end.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        let listen = |kind| {
            signal(kind)
                .map_err(|source| Error::new(ErrorKind::Internal, "signals cannot be heard").with_source(source))
        };
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for a signal; says why where a role ended before one came.
    async fn wait(&mut self, roles: &mut [JoinHandle<()>]) -> Option<&'static str> {
        let ended = futures_util::future::select_all(roles.iter_mut());
        tokio::select! {
            _ = self.terminate.recv() => tracing::info!("asked to end"),
            _ = self.interrupt.recv() => tracing::info!("asked to end"),
            _ = ended => return Some("a role ended without being asked to"),
        }
        None
    }
}

/// What the pages tell of.
struct State {
    telling: options::Telling,
    controller: Option<Inspector>,
    election: Option<(Leadership, Election)>,
}

#[async_trait]
impl Pages for State {
    async fn page(&self, path: &str) -> Option<Page> {
        match path {
            "/metrics" => Some(Page::metrics(self.metrics().await)),
            "/livez" | "/healthz" => Some(self.live()),
            "/readyz" => Some(self.ready()),
            _ => None,
        }
    }
}

impl State {
    async fn metrics(&self) -> String {
        let series = match self.telling.series {
            options::Series::Objects => Series::Objects,
            options::Series::Sums => Series::Sums,
        };
        let mut text = match &self.controller {
            Some(controller) => controller.metrics(series).await.unwrap_or_default(),
            None => String::new(),
        };
        text.push_str(&process::metrics());
        text
    }

    /// Is everything that should turn still turning?
    fn live(&self) -> Page {
        match &self.election {
            Some((leadership, election)) if leadership.silent_for() > election.timing.duration + election.patience => {
                Page::unwell("the leader election is stuck")
            }
            Some(_) | None => Page::well(),
        }
    }

    /// Could this process take over at once?
    fn ready(&self) -> Page {
        match &self.controller {
            Some(controller) if !controller.is_complete() => Page::unwell("not everything was seen yet"),
            Some(_) | None => Page::well(),
        }
    }
}

/// cert-manager's own: one of ours and one of its controllers never act at the same time.
const LEASE: &str = "cert-manager-controller";
