//! What the process was asked to be: the settings of command line and file, checked and typed.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kube_adapter::SolverPods;
use kube_adapter::leader::Timing;

use crate::choices::Role;
use crate::flags::{Meaning, Setting};
use crate::{Error, values};

mod reading;

use reading::Reading;

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
    /// Which Secrets are watched.
    pub secrets: Secrets,
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

/// Which Secrets are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what the flag can say")]
pub enum Secrets {
    /// All, where this process looks.
    All,
    /// Those that something refers to, each by its name.
    Named,
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
    /// The shape of solver Pods.
    pub solver_pods: SolverPods,
    /// Whether paths of Ingresses are `Exact`.
    pub exact_paths: bool,
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
    /// What they are served with; plain text without.
    pub metrics_tls: Option<MetricsTls>,
    /// Whether there are series for each object.
    pub series: Series,
    /// Where health is told.
    pub healthz_listen: SocketAddr,
    /// The form of logs.
    pub format: LogFormat,
    /// How much is logged.
    pub verbosity: u64,
}

/// What metrics are served with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what the flags can say")]
pub enum MetricsTls {
    /// A pair in files.
    Files {
        /// The certificate and what is above it, in PEM.
        certificate: PathBuf,
        /// Its key, in PEM.
        key: PathBuf,
    },
    /// Certificates by an authority in a Secret, which all replicas share.
    Dynamic {
        /// Where the Secret is.
        namespace: String,
        /// Its name.
        secret: String,
        /// The names that clients use.
        names: Vec<String>,
        /// How long a certificate lives.
        lifetime: Duration,
    },
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
            secrets: Secrets::All,
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
                solver_pods: SolverPods::default(),
                exact_paths: true,
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

const HOUR: Duration = Duration::from_secs(3600);
