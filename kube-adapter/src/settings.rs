//! What can be set: every threshold, so that tests can shorten it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use solvers::http01::self_check::Rules;

use crate::key::Name;

/// How the controller behaves. [`Settings::default`] is what cert-manager's defaults are, where it has such a setting.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The namespaces that are looked after; `None` is all of them, with ClusterIssuers.
    pub namespaces: Option<Vec<String>>,
    /// Which Secrets are watched (`--secrets`).
    pub secrets: WatchedSecrets,
    /// How many Secrets are watched at most where each is by its name: each takes a connection.
    pub most_named_secrets: usize,
    /// Where Secrets of ClusterIssuers are, and embargoes are kept (`--cluster-resource-namespace`).
    pub cluster_resource_namespace: String,
    /// Whether requests are approved by us where that is allowed (`--controllers=…,-certificaterequests-approver` turns it off).
    pub approver: bool,
    /// When keys are stored before their signing request is seen by anybody (`--durable-keys`).
    pub durable_keys: DurableKeys,
    /// Which Events are written (`--events`).
    pub events: EventSet,
    /// Whether target Secrets are owned by their Certificate (`--enable-certificate-owner-ref`).
    pub owner_reference: bool,
    /// Which annotations are copied from Certificate to request to Order: prefixes, and with `-` in front prefixes to leave out.
    pub copied_annotation_prefixes: Vec<String>,
    /// The first pause after a failed attempt, doubled with each further one.
    pub least_backoff: Duration,
    /// The longest pause after failed attempts.
    pub longest_backoff: Duration,
    /// How long something may be waited for before a status must tell so (plan, rule 1).
    pub visible_after: Duration,
    /// How long a request that another controller seems to have made is left to it.
    pub stranger_patience: Duration,
    /// How long an attempt of an issuer that is not ACME may last before it counts as failed.
    pub attempt_deadline: Duration,
    /// How many Challenges are between "accept" and the answer at once (`--max-concurrent-challenges`).
    pub max_concurrent_challenges: usize,
    /// How many writes are under way at the start, and at most.
    pub writes: WriteLimits,
    /// How long an answer of the API server may take; after that the call counts as lost.
    pub patience: Duration,
    /// How many keys are made and certificates signed at the same time.
    pub signers: usize,
    /// How often a look at a challenge is repeated (`--dns01-check-retry-period`).
    pub check_again_after: Duration,
    /// ACME, and what answers its challenges.
    pub acme: AcmeSettings,
    /// Whether issuers may use credentials of their surroundings: (ClusterIssuers, Issuers).
    pub ambient_credentials: AmbientCredentials,
    /// Roots in PEM that are trusted beside those of the system where a Vault or Venafi issuer names none of its own, and of DNS services.
    pub trusted_roots: Option<Arc<str>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespaces: None,
            secrets: WatchedSecrets::All,
            most_named_secrets: 200,
            cluster_resource_namespace: "kube-system".to_owned(),
            approver: true,
            durable_keys: DurableKeys::WhereNeeded,
            events: EventSet::Outcomes,
            owner_reference: false,
            copied_annotation_prefixes: ["*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"]
                .map(str::to_owned)
                .to_vec(),
            least_backoff: Duration::from_secs(3600),
            longest_backoff: Duration::from_secs(32 * 3600),
            visible_after: Duration::from_secs(2),
            stranger_patience: Duration::from_secs(60),
            attempt_deadline: Duration::from_secs(3600),
            max_concurrent_challenges: 60,
            writes: WriteLimits::default(),
            patience: Duration::from_secs(30),
            signers: 2,
            check_again_after: Duration::from_secs(10),
            acme: AcmeSettings::default(),
            ambient_credentials: AmbientCredentials::default(),
            trusted_roots: None,
        }
    }
}

/// Which Secrets are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WatchedSecrets {
    /// All that are where this process looks.
    All,
    /// Those that something refers to, each by its name, so that a Role can name them.
    Named,
}

/// When a new key is stored before its signing request is seen by anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DurableKeys {
    /// Wherever signer, approver and store are not all this process.
    WhereNeeded,
    /// Always: not even an unused serial number of a private authority is lost.
    Always,
}

/// Which Events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventSet {
    /// The end of something, and what a person has to do.
    Outcomes,
    /// cert-manager's whole set.
    All,
}

/// How many writes are under way at once.
///
/// Each takes a connection, some 50 KB. A bare client of an API server on two cores makes fewer writes in a second with 128 under way than with 32 or 64, by a
/// tenth in the middle of six runs (`benches/controller`); a larger server may take more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteLimits {
    /// At the start: 32.
    pub first: usize,
    /// At most: 64.
    pub most: usize,
}

impl Default for WriteLimits {
    fn default() -> Self {
        Self { first: 32, most: 64 }
    }
}

impl WriteLimits {
    /// From `first`, growing to `most`.
    pub fn new(first: usize, most: usize) -> Self {
        Self { first, most }
    }
}

/// ACME, and what answers its challenges.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AcmeSettings {
    /// How HTTP-01 is answered (`--http01-solver`).
    pub http01_solver: Http01Solver,
    /// What a self-check of HTTP-01 that cannot get through means (`--http01-self-check`).
    pub http01_self_check: SelfCheck,
    /// Recursive name servers for DNS-01, as `address:port` or `https://…` (`--dns01-recursive-nameservers`); empty is the system's.
    pub dns01_nameservers: Vec<String>,
    /// Whether only those are asked, never the authoritative servers (`--dns01-recursive-nameservers-only`).
    pub dns01_recursive_only: bool,
    /// Name servers for the self-check of HTTP-01 (`--acme-http01-solver-nameservers`); empty is the system's.
    pub http01_nameservers: Vec<String>,
    /// Labels for solver objects beside the three fixed ones (`--acme-http01-solver-extra-labels`).
    pub solver_labels: Vec<(String, String)>,
    /// The shape of solver Pods, where Pods are made.
    pub solver_pods: SolverPods,
    /// The EndpointSlices of this Service say where the solver role listens: `namespace/name`, or a name in the cluster resource namespace.
    pub edge_service: Option<String>,
    /// Addresses where the solver listens beside those, for processes outside the cluster. Nobody's loopback: EndpointSlices refuse it.
    pub solver_addresses: Vec<IpAddr>,
    /// How exactly an Ingress has to match the path.
    pub http01_path_type: PathType,
    /// The port that the solver listens on there.
    pub solver_port: u16,
    /// The port that the self-check of HTTP-01 looks at, 80 wherever the certificate authority does.
    pub http01_port: u16,
    /// When the self-check of HTTP-01 counts as passed.
    pub http01_rules: Rules,
    /// Over how long the first questions about renewal (RFC 9773) are spread after a start.
    pub renewal_info_spread: Duration,
    /// How long the self-check may miss the answer until the objects that lead there are looked at, too, and made anew where they went.
    pub http01_doubt_after: Duration,
    /// How long the shared solver may not be reached until a Pod answers instead, where Pods may be made.
    pub http01_pod_after: Duration,
    /// How long the shared Service of a namespace is kept after the last work there.
    pub http01_service_for: Duration,
    /// Whether HTTPRoutes are made (`--enable-gateway-api`).
    pub gateway_api: bool,
}

impl Default for AcmeSettings {
    fn default() -> Self {
        Self {
            http01_solver: Http01Solver::Auto,
            http01_self_check: SelfCheck::Bounded,
            dns01_nameservers: Vec::new(),
            dns01_recursive_only: false,
            http01_nameservers: Vec::new(),
            solver_labels: Vec::new(),
            solver_pods: SolverPods::default(),
            edge_service: None,
            solver_addresses: Vec::new(),
            http01_path_type: PathType::Exact,
            solver_port: 8089,
            http01_port: 80,
            http01_rules: Rules::default(),
            renewal_info_spread: Duration::from_secs(3600),
            http01_doubt_after: Duration::from_secs(10),
            http01_pod_after: Duration::from_secs(60),
            http01_service_for: Duration::from_secs(3600),
            gateway_api: false,
        }
    }
}

/// The shape of solver Pods; a solver's `podTemplate` goes before it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SolverPods {
    /// Without an image no Pod can be made (`--acme-http01-solver-image`).
    pub image: String,
    /// What a Pod reserves (`--acme-http01-solver-resource-request-cpu`), as a quantity of Kubernetes.
    pub cpu_request: String,
    /// The same of memory (`--acme-http01-solver-resource-request-memory`).
    pub memory_request: String,
    /// What it may use (`--acme-http01-solver-resource-limits-cpu`).
    pub cpu_limit: String,
    /// The same of memory (`--acme-http01-solver-resource-limits-memory`).
    pub memory_limit: String,
    /// Whether its user must not be root (`--acme-http01-solver-run-as-non-root`).
    pub run_as_non_root: bool,
    /// The class of its runtime (`--acme-http01-solver-runtime-class-name`); the cluster's own when empty.
    pub runtime_class: String,
}

impl Default for SolverPods {
    fn default() -> Self {
        Self {
            image: String::new(),
            cpu_request: "10m".to_owned(),
            memory_request: "64Mi".to_owned(),
            cpu_limit: "100m".to_owned(),
            memory_limit: "64Mi".to_owned(),
            run_as_non_root: true,
            runtime_class: String::new(),
        }
    }
}

/// How exactly an Ingress has to match the path of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "what controllers that know nothing of `Exact` take is the one other")]
pub enum PathType {
    /// This path and no other.
    Exact,
    /// As the controller understands it.
    ImplementationSpecific,
}

/// How HTTP-01 is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Http01Solver {
    /// By the shared solver, and by a Pod where that is known not to work.
    Auto,
    /// By the shared solver.
    Shared,
    /// By a Pod for each challenge, as cert-manager does.
    Pod,
}

/// What a self-check that cannot get through means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SelfCheck {
    /// After ten minutes the certificate authority is asked all the same, once.
    Bounded,
    /// The certificate authority is never asked before it passed.
    Required,
    /// None is made.
    Off,
}

/// Who may use credentials that are in the process's surroundings (environment, instance metadata).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AmbientCredentials {
    /// ClusterIssuers (`--cluster-issuer-ambient-credentials`).
    pub cluster_issuers: Ambient,
    /// Issuers (`--issuer-ambient-credentials`).
    pub issuers: Ambient,
}

impl Default for AmbientCredentials {
    fn default() -> Self {
        Self { cluster_issuers: Ambient::Allowed, issuers: Ambient::Refused }
    }
}

impl AmbientCredentials {
    /// Whether this issuer may; one of the cluster has no namespace.
    pub(crate) fn of(self, issuer: &Name) -> Ambient {
        if issuer.namespace().is_empty() { self.cluster_issuers } else { self.issuers }
    }
}

/// Whether credentials of the surroundings may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Ambient {
    /// They may.
    Allowed,
    /// They may not.
    Refused,
}
