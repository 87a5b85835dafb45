//! The flags of cert-manager's controller, and ours.

use super::Kind::{Duration, Integer, List, Map, Number, Switch, Text};
use super::Meaning::{Idle, Used};
use super::{Flag, Kind, Meaning};

/// Every flag, cert-manager's first.
pub const FLAGS: &[Flag] = &[
    // Where the API server is.
    flag(
        "config",
        None,
        Text,
        Used("a configuration file of cert-manager's kind ControllerConfiguration; flags go before it"),
    ),
    flag(
        "kubeconfig",
        Some("kubeConfig"),
        Text,
        Used("how to reach the API server; else the ServiceAccount of the Pod, else `KUBECONFIG`"),
    ),
    flag("master", Some("apiServerHost"), Text, Used("the API server's URL, in place of the one in the kubeconfig")),
    flag("kube-api-qps", Some("kubernetesAPIQPS"), Number, Idle(NO_RATE)),
    flag("kube-api-burst", Some("kubernetesAPIBurst"), Integer, Idle(NO_RATE)),
    // What is looked after.
    flag("namespace", Some("namespace"), Text, Used("look after this namespace alone, without ClusterIssuers")),
    flag("namespaces", None, List, Used("ours: look after these namespaces alone, 50 at most, without ClusterIssuers")),
    flag(
        "secrets",
        None,
        Text,
        Used(
            "ours: which Secrets are watched: `all` (default), or `named`, those that something refers to, each by its name, 200 at most; see below",
        ),
    ),
    flag(
        "cluster-resource-namespace",
        Some("clusterResourceNamespace"),
        Text,
        Used("where the Secrets of ClusterIssuers are (`kube-system`)"),
    ),
    flag("roles", None, List, Used("ours: `controller`, `solver`, or both (the default)")),
    flag("controllers", Some("controllers"), List, Used("which of cert-manager's controllers run (`*`); see below")),
    flag("feature-gates", Some("featureGates"), Map, Used("cert-manager's feature gates; see below")),
    // Who leads.
    flag(
        "leader-elect",
        Some("leaderElectionConfig.enabled"),
        Switch,
        Used("act only while holding the Lease `cert-manager-controller` (true)"),
    ),
    flag(
        "leader-election-namespace",
        Some("leaderElectionConfig.namespace"),
        Text,
        Used("where that Lease is (`kube-system`)"),
    ),
    flag(
        "leader-election-mode",
        None,
        Text,
        Used("ours: `steady` (30 s, renewed every 10 s; the default) or `fast` (4 s, renewed every second)"),
    ),
    flag(
        "leader-election-lease-duration",
        Some("leaderElectionConfig.leaseDuration"),
        Duration,
        Used("how long others wait after the holder's last sign of life"),
    ),
    flag(
        "leader-election-renew-deadline",
        Some("leaderElectionConfig.renewDeadline"),
        Duration,
        Used("how long after its last sign of life the holder itself still acts"),
    ),
    flag(
        "leader-election-retry-period",
        Some("leaderElectionConfig.retryPeriod"),
        Duration,
        Used("how often the holder renews"),
    ),
    flag(
        "leader-election-identity",
        None,
        Text,
        Used("ours: the holder's name (the Pod's uid in `POD_UID`, else host name and a random part)"),
    ),
    // How certificates are made.
    flag(
        "enable-certificate-owner-ref",
        Some("enableCertificateOwnerRef"),
        Switch,
        Used("Secrets go with their Certificate (false)"),
    ),
    flag(
        "copied-annotation-prefixes",
        Some("copiedAnnotationPrefixes"),
        List,
        Used("which annotations requests and Orders take over from their Certificate"),
    ),
    flag(
        "certificate-request-minimum-backoff-duration",
        Some("certificateRequestMinimumBackoffDuration"),
        Duration,
        Used("the first pause after a failed attempt (`1h`), doubled with each further one"),
    ),
    flag(
        "certificate-request-maximum-backoff-duration",
        Some("certificateRequestMaximumBackoffDuration"),
        Duration,
        Used("the longest pause after failed attempts (`32h`)"),
    ),
    flag(
        "durable-keys",
        None,
        Text,
        Used("ours: when a key is stored before its signing request is seen: `needed` (default) or `always`"),
    ),
    flag(
        "issuer-ambient-credentials",
        Some("issuerAmbientCredentials"),
        Switch,
        Used("Issuers may use credentials of the surroundings (false)"),
    ),
    flag(
        "cluster-issuer-ambient-credentials",
        Some("clusterIssuerAmbientCredentials"),
        Switch,
        Used("ClusterIssuers may (true)"),
    ),
    flag(
        "concurrent-workers",
        Some("numberOfConcurrentWorkers"),
        Integer,
        Idle("waiting holds no worker; writes in flight adapt to the API server"),
    ),
    flag("max-certificate-size", Some("pemSizeLimitsConfig.maxCertificateSize"), Integer, Idle(BOUNDED)),
    flag("max-private-key-size", Some("pemSizeLimitsConfig.maxPrivateKeySize"), Integer, Idle(BOUNDED)),
    flag("max-certificate-chain-length", Some("pemSizeLimitsConfig.maxChainLength"), Integer, Idle(BOUNDED)),
    flag("max-certificate-bundle-size", Some("pemSizeLimitsConfig.maxBundleSize"), Integer, Idle(BOUNDED)),
    // ACME.
    flag(
        "max-concurrent-challenges",
        Some("maxConcurrentChallenges"),
        Integer,
        Used("how many Challenges are between being accepted and their answer at once (60)"),
    ),
    flag(
        "acme-http01-solver-image",
        Some("acmeHTTP01Config.solverImage"),
        Text,
        Used("the image of solver Pods, where a Pod is made after all"),
    ),
    flag(
        "acme-http01-solver-resource-request-cpu",
        Some("acmeHTTP01Config.solverResourceRequestCPU"),
        Text,
        Used("what a solver Pod reserves (`10m`)"),
    ),
    flag(
        "acme-http01-solver-resource-request-memory",
        Some("acmeHTTP01Config.solverResourceRequestMemory"),
        Text,
        Used("the same of memory (`64Mi`)"),
    ),
    flag(
        "acme-http01-solver-resource-limits-cpu",
        Some("acmeHTTP01Config.solverResourceLimitsCPU"),
        Text,
        Used("what a solver Pod may use (`100m`)"),
    ),
    flag(
        "acme-http01-solver-resource-limits-memory",
        Some("acmeHTTP01Config.solverResourceLimitsMemory"),
        Text,
        Used("the same of memory (`64Mi`)"),
    ),
    flag(
        "acme-http01-solver-run-as-non-root",
        Some("acmeHTTP01Config.solverRunAsNonRoot"),
        Switch,
        Used("whether the user of a solver Pod must not be root (true)"),
    ),
    flag(
        "acme-http01-solver-runtime-class-name",
        Some("acmeHTTP01Config.solverRuntimeClassName"),
        Text,
        Used("the runtime class of solver Pods"),
    ),
    flag(
        "acme-http01-solver-nameservers",
        Some("acmeHTTP01Config.solverNameservers"),
        List,
        Used("name servers of the self-check of HTTP-01"),
    ),
    flag(
        "acme-http01-solver-extra-labels",
        Some("acmeHTTP01Config.solverExtraLabels"),
        Map,
        Used("labels for solver objects beside the three fixed ones"),
    ),
    flag("http01-solver", None, Text, Used("ours: who answers HTTP-01: `auto` (default), `shared` or `pod`")),
    flag(
        "http01-solver-service",
        None,
        Text,
        Used("ours: the Service, in our namespace, in front of the role `solver`"),
    ),
    flag("http01-solver-listen-address", None, Text, Used("ours: where the role `solver` listens (`0.0.0.0:8089`)")),
    flag(
        "http01-self-check",
        None,
        Text,
        Used("ours: what a self-check that cannot get through means: `bounded` (default), `required`, `off`"),
    ),
    flag(
        "dns01-recursive-nameservers",
        Some("acmeDNS01Config.recursiveNameservers"),
        List,
        Used("recursive name servers for DNS-01, `address:port` or `https://…`"),
    ),
    flag(
        "dns01-recursive-nameservers-only",
        Some("acmeDNS01Config.recursiveNameserversOnly"),
        Switch,
        Used("ask only those, never the authoritative servers (false)"),
    ),
    flag(
        "dns01-check-retry-period",
        Some("acmeDNS01Config.checkRetryPeriod"),
        Duration,
        Used("how often a look at a challenge is repeated (`10s`)"),
    ),
    // The shims.
    flag(
        "enable-gateway-api",
        Some("gatewayAPI.enabled"),
        Switch,
        Used("HTTP-01 through HTTPRoutes (false); the Gateway shim is not there yet"),
    ),
    flag("enable-gateway-api-listenerset", Some("gatewayAPI.enableListenerSet"), Switch, Idle(SHIM)),
    flag("gateway-api-extra-protocols", Some("gatewayAPI.extraProtocols"), List, Idle(SHIM)),
    flag("default-issuer-name", Some("ingressShimConfig.defaultIssuerName"), Text, Idle(SHIM)),
    flag("default-issuer-kind", Some("ingressShimConfig.defaultIssuerKind"), Text, Idle(SHIM)),
    flag("default-issuer-group", Some("ingressShimConfig.defaultIssuerGroup"), Text, Idle(SHIM)),
    flag("auto-certificate-annotations", Some("ingressShimConfig.defaultAutoCertificateAnnotations"), List, Idle(SHIM)),
    flag("extra-certificate-annotations", Some("ingressShimConfig.extraCertificateAnnotations"), List, Idle(SHIM)),
    // What is told.
    flag(
        "events",
        None,
        Text,
        Used("ours: which Events are written: `outcomes` (default) or `all`, cert-manager's set"),
    ),
    flag(
        "metrics-listen-address",
        Some("metricsListenAddress"),
        Text,
        Used("where `/metrics` is served (`0.0.0.0:9402`)"),
    ),
    flag(
        "metrics-series",
        None,
        Text,
        Used("ours: `objects` (default: cert-manager's series for each object, and sums) or `sums` alone"),
    ),
    flag(
        "metrics-tls-cert-file",
        Some("metricsTLSConfig.filesystem.certFile"),
        Text,
        Used("the certificate that `/metrics` is served with, in PEM; read again when it changes"),
    ),
    flag("metrics-tls-private-key-file", Some("metricsTLSConfig.filesystem.keyFile"), Text, Used("its key, in PEM")),
    flag("metrics-tls-cipher-suites", Some("metricsTLSConfig.cipherSuites"), List, Idle(TLS)),
    flag("metrics-tls-min-version", Some("metricsTLSConfig.minTLSVersion"), Text, Idle(TLS)),
    flag(
        "metrics-dynamic-serving-ca-secret-namespace",
        Some("metricsTLSConfig.dynamic.secretNamespace"),
        Text,
        Used(
            "serve `/metrics` with certificates by an authority in a Secret, which is made here where it is missing: its namespace",
        ),
    ),
    flag("metrics-dynamic-serving-ca-secret-name", Some("metricsTLSConfig.dynamic.secretName"), Text, Used("its name")),
    flag(
        "metrics-dynamic-serving-dns-names",
        Some("metricsTLSConfig.dynamic.dnsNames"),
        List,
        Used("the names for which they are made"),
    ),
    flag(
        "metrics-dynamic-serving-leaf-duration",
        Some("metricsTLSConfig.dynamic.leafDuration"),
        Duration,
        Used("how long one lives (`168h`), renewed after two thirds"),
    ),
    flag(
        "internal-healthz-listen-address",
        Some("healthzListenAddress"),
        Text,
        Used("where `/livez` and `/readyz` are served (`0.0.0.0:9403`)"),
    ),
    flag(
        "internal-healthz-leader-election-timeout",
        Some("leaderElectionConfig.healthzTimeout"),
        Duration,
        Used("how long the election may be stuck until `/livez` says so (`20s`)"),
    ),
    flag("enable-profiling", Some("enablePprof"), Switch, Idle(PPROF)),
    flag("profiler-address", Some("pprofAddress"), Text, Idle(PPROF)),
    flag("logging-format", Some("logging.format"), Text, Used("`text` (default) or `json`")),
    flag(
        "v",
        Some("logging.verbosity"),
        Integer,
        Used("0 and 1 warnings, 2 and 3 information, 4 for debugging, 5 and more everything; also `-v`"),
    ),
    flag("vmodule", Some("logging.vmodule"), List, Idle("files of Go")),
    flag("log-flush-frequency", Some("logging.flushFrequency"), Duration, Idle(UNBUFFERED)),
    flag("log-text-split-stream", Some("logging.options.text.splitStream"), Switch, Idle(UNBUFFERED)),
    flag("log-text-info-buffer-size", Some("logging.options.text.infoBufferSize"), Text, Idle(UNBUFFERED)),
    flag("log-json-split-stream", Some("logging.options.json.splitStream"), Switch, Idle(UNBUFFERED)),
    flag("log-json-info-buffer-size", Some("logging.options.json.infoBufferSize"), Text, Idle(UNBUFFERED)),
    // cert-manager hides these and still takes them.
    flag("add_dir_header", None, Switch, Idle(KLOG)),
    flag("alsologtostderr", None, Switch, Idle(KLOG)),
    flag("log_backtrace_at", None, Text, Idle(KLOG)),
    flag("log_dir", None, Text, Idle(KLOG)),
    flag("log_file", None, Text, Idle(KLOG)),
    flag("log_file_max_size", None, Integer, Idle(KLOG)),
    flag("logtostderr", None, Switch, Idle(KLOG)),
    flag("one_output", None, Switch, Idle(KLOG)),
    flag("skip_headers", None, Switch, Idle(KLOG)),
    flag("skip_log_headers", None, Switch, Idle(KLOG)),
    flag("stderrthreshold", None, Text, Idle(KLOG)),
];

const fn flag(name: &'static str, field: Option<&'static str>, kind: Kind, meaning: Meaning) -> Flag {
    Flag { name, field, kind, meaning }
}

const NO_RATE: &str = "no fixed rate: the API server says what it can bear, and `Retry-After` is obeyed";
const BOUNDED: &str = "bounded by the library, above every limit of cert-manager's";
const SHIM: &str = "the shims are not there yet";
const TLS: &str = "TLS 1.2 and 1.3 with the suites of rustls, none of which is weak";
const PPROF: &str = "there is no Go runtime to profile";
const KLOG: &str = "of klog, and to go in cert-manager as well: logs go to the standard error";
const UNBUFFERED: &str = "logs are written line by line";
