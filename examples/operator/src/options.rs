//! What the process was asked to be: the settings of command line and file, checked and typed.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use acme_core::ErrorKind;
use kube_adapter::leader::Timing;

use crate::choices::{self, Role};
use crate::flags::{Meaning, Setting};
use crate::{Error, usage, values};

/// Everything that can be set, as [`Options::from_settings`] reads it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// What this process does.
    pub roles: BTreeSet<Role>,
    /// How the API server is reached.
    pub api_server: ApiServer,
    /// The namespaces that are looked after; all of them when empty.
    pub namespaces: BTreeSet<String>,
    /// Where the Secrets of ClusterIssuers are.
    pub cluster_resource_namespace: String,
    /// Who leads; `None` when this process is alone by arrangement.
    pub election: Option<Election>,
    /// Which of cert-manager's controllers were switched off.
    pub controllers_off: BTreeSet<&'static str>,
    /// How certificates are made.
    pub issuance: Issuance,
    /// ACME.
    pub acme: Acme,
    /// What is told.
    pub telling: Telling,
    /// What has to be said once about flags without effect.
    pub remarks: Vec<String>,
}

/// How the API server is reached.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ApiServer {
    /// A kubeconfig.
    pub kubeconfig: Option<PathBuf>,
    /// A URL in place of that of the kubeconfig.
    pub master: Option<String>,
}

/// Who leads.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Election {
    /// Where the Lease is.
    pub namespace: String,
    /// How long it is held.
    pub timing: Timing,
    /// The name of this candidate, when it was given.
    pub identity: Option<String>,
    /// How long the election may be stuck until the process counts as unhealthy.
    pub patience: Duration,
}

/// How certificates are made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Issuance {
    /// Whether Secrets go with their Certificate.
    pub owner_reference: bool,
    /// Which annotations are copied.
    pub copied_annotation_prefixes: Vec<String>,
    /// The first pause after a failed attempt.
    pub least_backoff: Duration,
    /// The longest pause.
    pub longest_backoff: Duration,
    /// Whether every key is stored before its signing request is seen.
    pub durable_keys: DurableKeys,
    /// Whether Issuers may use credentials of the surroundings.
    pub ambient_for_issuers: bool,
    /// Whether ClusterIssuers may.
    pub ambient_for_cluster_issuers: bool,
}

/// When keys are stored before their signing request is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what the flag can say")]
pub enum DurableKeys {
    /// Where somebody else could remember the request.
    Needed,
    /// Always.
    Always,
}

/// ACME.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Acme {
    /// How many Challenges are between being accepted and their answer at once.
    pub max_concurrent_challenges: usize,
    /// How often a look at a challenge is repeated.
    pub check_retry_period: Duration,
    /// Recursive name servers for DNS-01.
    pub dns01_nameservers: Vec<String>,
    /// Whether only those are asked.
    pub dns01_recursive_only: bool,
    /// Name servers of the self-check of HTTP-01.
    pub http01_nameservers: Vec<String>,
    /// Who answers HTTP-01.
    pub http01_solver: Http01Solver,
    /// What a self-check that cannot get through means.
    pub http01_self_check: SelfCheck,
    /// The image of solver Pods.
    pub solver_image: String,
    /// Labels for solver objects.
    pub solver_labels: Vec<(String, String)>,
    /// The Service in front of the role `solver`.
    pub solver_service: Option<String>,
    /// Where the role `solver` listens.
    pub solver_listen: SocketAddr,
    /// Whether HTTPRoutes are made.
    pub gateway_api: bool,
}

/// Who answers HTTP-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what the flag can say")]
pub enum Http01Solver {
    /// The shared solver, or a Pod where that is known not to work.
    Auto,
    /// The shared solver.
    Shared,
    /// A Pod for each challenge.
    Pod,
}

/// What a self-check that cannot get through means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what the flag can say")]
pub enum SelfCheck {
    /// After some time the authority is asked all the same.
    Bounded,
    /// The authority is not asked.
    Required,
    /// None is made.
    Off,
}

/// What is told, and where.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Telling {
    /// Which Events are written.
    pub events: Events,
    /// Where metrics are served.
    pub metrics_listen: SocketAddr,
    /// Certificate and key that they are served with.
    pub metrics_tls: Option<(PathBuf, PathBuf)>,
    /// Whether there are series for each object.
    pub series: Series,
    /// Where health is told.
    pub healthz_listen: SocketAddr,
    /// The form of logs.
    pub format: LogFormat,
    /// How much is logged.
    pub verbosity: u64,
}

/// Which Events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what the flag can say")]
pub enum Events {
    /// The end of something, and what a person has to do.
    Outcomes,
    /// cert-manager's set.
    All,
}

/// Which series `/metrics` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what the flag can say")]
pub enum Series {
    /// For each object, and sums.
    Objects,
    /// Sums alone.
    Sums,
}

/// The form of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what the flag can say")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Election {
    fn default() -> Self {
        Self {
            namespace: "kube-system".to_owned(),
            timing: Timing::STEADY,
            identity: None,
            patience: Duration::from_secs(20),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            roles: BTreeSet::from([Role::Controller, Role::Solver]),
            api_server: ApiServer::default(),
            namespaces: BTreeSet::new(),
            cluster_resource_namespace: "kube-system".to_owned(),
            election: Some(Election::default()),
            controllers_off: BTreeSet::new(),
            issuance: Issuance {
                owner_reference: false,
                copied_annotation_prefixes: values::list("*,-kubectl.kubernetes.io/,-fluxcd.io/,-argocd.argoproj.io/"),
                least_backoff: HOUR,
                longest_backoff: 32 * HOUR,
                durable_keys: DurableKeys::Needed,
                ambient_for_issuers: false,
                ambient_for_cluster_issuers: true,
            },
            acme: Acme {
                max_concurrent_challenges: 60,
                check_retry_period: Duration::from_secs(10),
                dns01_nameservers: Vec::new(),
                dns01_recursive_only: false,
                http01_nameservers: Vec::new(),
                http01_solver: Http01Solver::Auto,
                http01_self_check: SelfCheck::Bounded,
                solver_image: String::new(),
                solver_labels: Vec::new(),
                solver_service: None,
                solver_listen: SocketAddr::from(([0, 0, 0, 0], 8089)),
                gateway_api: false,
            },
            telling: Telling {
                events: Events::Outcomes,
                metrics_listen: SocketAddr::from(([0, 0, 0, 0], 9402)),
                metrics_tls: None,
                series: Series::Objects,
                healthz_listen: SocketAddr::from(([0, 0, 0, 0], 9403)),
                format: LogFormat::Text,
                verbosity: 0,
            },
            remarks: Vec::new(),
        }
    }
}

impl Options {
    /// Reads settings; of two about the same thing the later one counts, so the file's come first.
    ///
    /// # Errors
    /// `Malformed` for a value that makes no sense, naming the flag; `Unsupported` for what is not there yet.
    pub fn from_settings(settings: &[Setting]) -> Result<Self, Error> {
        let mut reading = Reading::default();
        for setting in settings {
            reading.take_in(setting).map_err(|error| error.while_doing(&setting.origin))?;
            if let Meaning::Idle(why) = setting.flag.meaning {
                reading.options.remarks.push(format!("{} has no effect here: {why}", setting.origin));
            }
        }
        reading.finish()
    }
}

/// Options while they are read: what depends on several settings is kept apart until the end.
#[derive(Default)]
struct Reading {
    options: Options,
    alone: bool,
    election: Election,
    timing: [Option<Duration>; 3],
    metrics_tls: [Option<PathBuf>; 2],
}

impl Reading {
    fn take_in(&mut self, setting: &Setting) -> Result<(), Error> {
        let items = &setting.items;
        let text = items.first().map(String::as_str).unwrap_or_default();
        let election = &mut self.election;
        let Options { roles, api_server, issuance, acme, telling, .. } = &mut self.options;
        match setting.flag.name {
            "kubeconfig" => api_server.kubeconfig = some(text).map(PathBuf::from),
            "master" => api_server.master = some(text),
            "namespace" => self.options.namespaces.extend(some(text)),
            "namespaces" => self.options.namespaces.extend(items.iter().cloned()),
            "cluster-resource-namespace" => self.options.cluster_resource_namespace = text.to_owned(),
            "roles" => *roles = choices::roles(items)?,
            "controllers" => {
                let choice = choices::controllers(items)?;
                self.options.controllers_off = choice.off;
                self.options.remarks.extend(choice.remarks);
            }
            "feature-gates" => self.options.remarks.extend(choices::gates(items)?),
            "leader-elect" => self.alone = !values::switch(text)?,
            "leader-election-namespace" => election.namespace = text.to_owned(),
            "leader-election-mode" => {
                election.timing = one_of(text, &[("steady", Timing::STEADY), ("fast", Timing::FAST)])?
            }
            "leader-election-lease-duration" => self.timing[0] = Some(values::duration(text)?),
            "leader-election-renew-deadline" => self.timing[1] = Some(values::duration(text)?),
            "leader-election-retry-period" => self.timing[2] = Some(values::duration(text)?),
            "leader-election-identity" => election.identity = some(text),
            "internal-healthz-leader-election-timeout" => election.patience = values::duration(text)?,
            "enable-certificate-owner-ref" => issuance.owner_reference = values::switch(text)?,
            "copied-annotation-prefixes" => issuance.copied_annotation_prefixes.clone_from(items),
            "certificate-request-minimum-backoff-duration" => issuance.least_backoff = values::duration(text)?,
            "certificate-request-maximum-backoff-duration" => issuance.longest_backoff = values::duration(text)?,
            "durable-keys" => {
                issuance.durable_keys =
                    one_of(text, &[("needed", DurableKeys::Needed), ("always", DurableKeys::Always)])?;
            }
            "issuer-ambient-credentials" => issuance.ambient_for_issuers = values::switch(text)?,
            "cluster-issuer-ambient-credentials" => issuance.ambient_for_cluster_issuers = values::switch(text)?,
            "max-concurrent-challenges" => acme.max_concurrent_challenges = count(text)?,
            "acme-http01-solver-image" => acme.solver_image = text.to_owned(),
            "acme-http01-solver-nameservers" => acme.http01_nameservers.clone_from(items),
            "acme-http01-solver-extra-labels" => {
                acme.solver_labels = items.iter().map(|it| values::pair(it)).collect::<Result<_, _>>()?;
            }
            "http01-solver" => {
                let known =
                    [("auto", Http01Solver::Auto), ("shared", Http01Solver::Shared), ("pod", Http01Solver::Pod)];
                acme.http01_solver = one_of(text, &known)?;
            }
            "http01-solver-service" => acme.solver_service = some(text),
            "http01-solver-listen-address" => acme.solver_listen = address(text)?,
            "http01-self-check" => {
                let known =
                    [("bounded", SelfCheck::Bounded), ("required", SelfCheck::Required), ("off", SelfCheck::Off)];
                acme.http01_self_check = one_of(text, &known)?;
            }
            "dns01-recursive-nameservers" => acme.dns01_nameservers.clone_from(items),
            "dns01-recursive-nameservers-only" => acme.dns01_recursive_only = values::switch(text)?,
            "dns01-check-retry-period" => acme.check_retry_period = values::duration(text)?,
            "enable-gateway-api" => acme.gateway_api = values::switch(text)?,
            "events" => telling.events = one_of(text, &[("outcomes", Events::Outcomes), ("all", Events::All)])?,
            "metrics-listen-address" => telling.metrics_listen = address(text)?,
            "metrics-series" => telling.series = one_of(text, &[("objects", Series::Objects), ("sums", Series::Sums)])?,
            "metrics-tls-cert-file" => self.metrics_tls[0] = some(text).map(PathBuf::from),
            "metrics-tls-private-key-file" => self.metrics_tls[1] = some(text).map(PathBuf::from),
            "metrics-dynamic-serving-ca-secret-namespace"
            | "metrics-dynamic-serving-ca-secret-name"
            | "metrics-dynamic-serving-dns-names" => {
                if items.iter().any(|it| !it.is_empty()) {
                    return Err(Error::new(
                        ErrorKind::Unsupported,
                        "metrics with a certificate authority of their own are not there yet: give --metrics-tls-cert-file and --metrics-tls-private-key-file, or leave it out",
                    ));
                }
            }
            "internal-healthz-listen-address" => telling.healthz_listen = address(text)?,
            "logging-format" => telling.format = one_of(text, &[("text", LogFormat::Text), ("json", LogFormat::Json)])?,
            "v" => telling.verbosity = values::integer(text)?,
            // Without effect: its form is checked all the same, so that a slip is found here and not after a way back.
            _ => check_form(setting)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Options, Error> {
        let mut options = self.options;
        let mut election = self.election;
        if self.timing.iter().any(Option::is_some) {
            let [duration, deadline, renew] = self.timing;
            // What was not given keeps its proportion to what was.
            let duration = duration.unwrap_or_else(|| {
                deadline.map_or(election.timing.duration, |it| it * 3 / 2).max(renew.unwrap_or_default() * 3)
            });
            let deadline = deadline.unwrap_or(duration * 9 / 10);
            let renew = renew.unwrap_or((duration / 3).min(deadline / 2));
            election.timing = Timing::new(duration, deadline, renew)?;
        }
        options.election = (!self.alone).then_some(election);
        options.telling.metrics_tls = match self.metrics_tls {
            [Some(certificate), Some(key)] => Some((certificate, key)),
            [None, None] => None,
            [Some(_), None] | [None, Some(_)] => {
                return Err(usage("--metrics-tls-cert-file and --metrics-tls-private-key-file belong together"));
            }
        };
        if options.issuance.longest_backoff < options.issuance.least_backoff {
            return Err(usage("the longest pause after failures must not be shorter than the first"));
        }
        Ok(options)
    }
}

fn check_form(setting: &Setting) -> Result<(), Error> {
    use crate::flags::Kind;
    for item in &setting.items {
        match setting.flag.kind {
            Kind::Switch => drop(values::switch(item)?),
            Kind::Integer => drop(values::integer(item)?),
            Kind::Number => drop(values::number(item)?),
            Kind::Duration => drop(values::duration(item)?),
            Kind::Map => drop(values::pair(item)?),
            Kind::Text | Kind::List => {}
        }
    }
    Ok(())
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn count(text: &str) -> Result<usize, Error> {
    usize::try_from(values::integer(text)?).map_err(|_| usage(format!("{text:?} is too large")))
}

/// `host:port` as Go listens on it: `:9402` is every address, `0` would be none.
fn address(text: &str) -> Result<SocketAddr, Error> {
    let full =
        if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.replacen("localhost", "127.0.0.1", 1) };
    full.parse().map_err(|_| usage(format!("{text:?} is not an address with a port, such as 0.0.0.0:9402")))
}

fn one_of<T: Copy>(text: &str, known: &[(&str, T)]) -> Result<T, Error> {
    known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        usage(format!("{text:?} is none of {}", names.join(", ")))
    })
}

const HOUR: Duration = Duration::from_secs(3600);
