//! Settings one by one, and what they say together.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kube_adapter::leader::Timing;

use super::{DurableKeys, Election, Events, Http01Solver, LogFormat, MetricsTls, Options, Secrets, SelfCheck, Series};
use crate::flags::{Kind, Setting};
use crate::{Error, choices, usage, values};

/// Options while they are read: what depends on several settings is kept apart until the end.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) options: Options,
    alone: bool,
    election: Election,
    timing: [Option<Duration>; 3],
    metrics_files: [Option<PathBuf>; 2],
    dynamic: Dynamic,
}

/// What is said of metrics whose certificates are signed by an authority of their own.
#[derive(Default)]
struct Dynamic {
    namespace: Option<String>,
    secret: Option<String>,
    names: Vec<String>,
    lifetime: Option<Duration>,
}

impl Reading {
    /// Takes in one setting.
    pub(super) fn take_in(&mut self, setting: &Setting) -> Result<(), Error> {
        let items = &setting.items;
        let text = items.first().map(String::as_str).unwrap_or_default();
        let election = &mut self.election;
        let Options { roles, api_server, issuance, acme, telling, .. } = &mut self.options;
        match setting.flag.name {
            "kubeconfig" => api_server.kubeconfig = some(text).map(PathBuf::from),
            "master" => api_server.master = some(text),
            "namespace" => self.options.namespaces.extend(some(text)),
            "namespaces" => self.options.namespaces.extend(items.iter().cloned()),
            "secrets" => {
                self.options.secrets = one_of(text, &[("all", Secrets::All), ("named", Secrets::Named)])?;
            }
            "cluster-resource-namespace" => self.options.cluster_resource_namespace = text.to_owned(),
            "roles" => *roles = choices::roles(items)?,
            "controllers" => {
                let choice = choices::controllers(items)?;
                self.options.controllers_off = choice.off;
                self.options.remarks.extend(choice.remarks);
            }
            "feature-gates" => {
                let gates = choices::gates(items)?;
                acme.exact_paths = gates.exact_paths.unwrap_or(acme.exact_paths);
                self.options.remarks.extend(gates.remarks);
            }
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
            "acme-http01-solver-image" => acme.solver_pods.image = text.to_owned(),
            "acme-http01-solver-resource-request-cpu" => acme.solver_pods.cpu_request = values::quantity(text)?,
            "acme-http01-solver-resource-request-memory" => acme.solver_pods.memory_request = values::quantity(text)?,
            "acme-http01-solver-resource-limits-cpu" => acme.solver_pods.cpu_limit = values::quantity(text)?,
            "acme-http01-solver-resource-limits-memory" => acme.solver_pods.memory_limit = values::quantity(text)?,
            "acme-http01-solver-run-as-non-root" => acme.solver_pods.run_as_non_root = values::switch(text)?,
            "acme-http01-solver-runtime-class-name" => acme.solver_pods.runtime_class = text.to_owned(),
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
            "metrics-tls-cert-file" => self.metrics_files[0] = some(text).map(PathBuf::from),
            "metrics-tls-private-key-file" => self.metrics_files[1] = some(text).map(PathBuf::from),
            "metrics-dynamic-serving-ca-secret-namespace" => self.dynamic.namespace = some(text),
            "metrics-dynamic-serving-ca-secret-name" => self.dynamic.secret = some(text),
            "metrics-dynamic-serving-dns-names" => {
                self.dynamic.names = items.iter().filter(|it| !it.is_empty()).cloned().collect();
            }
            "metrics-dynamic-serving-leaf-duration" => self.dynamic.lifetime = Some(values::duration(text)?),
            "internal-healthz-listen-address" => telling.healthz_listen = address(text)?,
            "logging-format" => telling.format = one_of(text, &[("text", LogFormat::Text), ("json", LogFormat::Json)])?,
            "v" => telling.verbosity = values::integer(text)?,
            // Without effect: its form is checked all the same, so that a slip is found here and not after a way back.
            _ => check_form(setting)?,
        }
        Ok(())
    }

    /// What all of them say together.
    pub(super) fn finish(self) -> Result<Options, Error> {
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
        options.telling.metrics_tls = metrics_tls(self.metrics_files, self.dynamic)?;
        let looked_after = options.namespaces.len();
        if looked_after > MOST_NAMESPACES {
            return Err(usage(format!(
                "--namespaces names {looked_after} namespaces, and takes {MOST_NAMESPACES}, for each of which every kind is watched by itself: leave it out to look after the whole cluster, or start more operators, each with its --leader-election-namespace"
            )));
        }
        if options.issuance.longest_backoff < options.issuance.least_backoff {
            return Err(usage("the longest pause after failures must not be shorter than the first"));
        }
        Ok(options)
    }
}

/// Files or an authority of their own: one of them, whole, or neither.
fn metrics_tls(files: [Option<PathBuf>; 2], dynamic: Dynamic) -> Result<Option<MetricsTls>, Error> {
    let files = match files {
        [Some(certificate), Some(key)] => Some(MetricsTls::Files { certificate, key }),
        [None, None] => None,
        [Some(_), None] | [None, Some(_)] => {
            return Err(usage("--metrics-tls-cert-file and --metrics-tls-private-key-file belong together"));
        }
    };
    let Dynamic { namespace, secret, names, lifetime } = dynamic;
    let dynamic = match (namespace, secret, names.is_empty()) {
        (Some(namespace), Some(secret), false) => {
            let lifetime = lifetime.unwrap_or(WEEK);
            Some(MetricsTls::Dynamic { namespace, secret, names, lifetime })
        }
        // cert-manager's chart gives the names always.
        (None, None, _) => None,
        (Some(_) | None, Some(_) | None, _) => {
            return Err(usage(
                "--metrics-dynamic-serving-ca-secret-namespace, --metrics-dynamic-serving-ca-secret-name and --metrics-dynamic-serving-dns-names belong together",
            ));
        }
    };
    match (files, dynamic) {
        (Some(_), Some(_)) => Err(usage(
            "--metrics-tls-cert-file and --metrics-dynamic-serving-ca-secret-name exclude each other: give one of them",
        )),
        (files, dynamic) => Ok(files.or(dynamic)),
    }
}

fn check_form(setting: &Setting) -> Result<(), Error> {
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

/// cert-manager's.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Each costs eight watches.
const MOST_NAMESPACES: usize = 50;
