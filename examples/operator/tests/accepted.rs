//! What cert-manager's controller 1.21.2 can be told, this program can be told: the lists are of its sources, not of our tables.

use certwright_operator::arguments::{self, Command};
use certwright_operator::options::Options;
use certwright_operator::{choices, config_file};

#[test]
fn every_flag_is_accepted_with_its_default() {
    for (flag, value) in FLAGS {
        let Ok(Command::Run(settings)) = arguments::read([format!("--{flag}={value}")]) else {
            panic!("--{flag}={value} is refused");
        };
        // The file is read by whoever runs the program.
        if *flag != "config" {
            Options::from_settings(&settings).unwrap_or_else(|error| panic!("--{flag}={value}: {error}"));
        }
    }
}

#[test]
fn every_field_of_the_configuration_file_is_accepted_with_its_default() {
    let settings = config_file::read(FILE).expect("the whole file");
    let options = Options::from_settings(&settings).expect("its values");
    assert_eq!(options.cluster_resource_namespace, "kube-system");
    // Each of them alone, so that none hides behind another.
    for line in FILE.lines().filter(|it| it.starts_with(|first: char| first.is_ascii_lowercase()) && it.contains(": "))
    {
        if !line.starts_with("apiVersion") && !line.starts_with("kind") {
            let file = format!(
                "apiVersion: controller.config.cert-manager.io/v1alpha1\nkind: ControllerConfiguration\n{line}\n"
            );
            let settings = config_file::read(&file).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(!settings.is_empty(), "{line}");
        }
    }
}

#[test]
fn every_controller_and_every_gate_is_known_by_its_name() {
    for name in CONTROLLERS {
        for list in [vec![(*name).to_owned()], vec!["*".to_owned(), format!("-{name}")]] {
            choices::controllers(&list).unwrap_or_else(|error| panic!("{list:?}: {error}"));
        }
    }
    for gate in GATES {
        for value in [true, false] {
            choices::gates(&[format!("{gate}={value}")]).unwrap_or_else(|error| panic!("{gate}: {error}"));
        }
    }
}

#[test]
fn what_has_no_meaning_here_is_said_once_for_each_flag_that_is_given() {
    let said = |arguments: &[&str]| {
        let Ok(Command::Run(settings)) = arguments::read(arguments.iter().map(|it| (*it).to_owned())) else {
            panic!("{arguments:?} are refused");
        };
        Options::from_settings(&settings).expect("they make sense").remarks
    };
    assert_eq!(said(&[]), Vec::<String>::new());
    let remarks = said(&["--kube-api-qps=50", "--logtostderr", "--concurrent-workers=9", "--kube-api-qps=60"]);
    for flag in ["kube-api-qps", "logtostderr", "concurrent-workers"] {
        assert_eq!(remarks.iter().filter(|it| it.contains(flag)).count(), 1, "{remarks:?}");
    }
}

/// Its flags, those that it hides among them, and their defaults or what manifests give them.
const FLAGS: &[(&str, &str)] = &[
    ("config", "/etc/config.yaml"),
    ("master", ""),
    ("kubeconfig", ""),
    ("kube-api-qps", "20"),
    ("kube-api-burst", "50"),
    ("namespace", ""),
    ("cluster-resource-namespace", "kube-system"),
    ("leader-elect", "true"),
    ("leader-election-namespace", "kube-system"),
    ("leader-election-lease-duration", "1m0s"),
    ("leader-election-renew-deadline", "40s"),
    ("leader-election-retry-period", "15s"),
    ("controllers", "*"),
    ("concurrent-workers", "5"),
    ("max-concurrent-challenges", "60"),
    ("issuer-ambient-credentials", "false"),
    ("cluster-issuer-ambient-credentials", "true"),
    ("enable-certificate-owner-ref", "false"),
    ("enable-gateway-api", "false"),
    ("enable-gateway-api-listenerset", "false"),
    ("gateway-api-extra-protocols", ""),
    ("copied-annotation-prefixes", "*,-kubectl.kubernetes.io/,-fluxcd.io/,-argocd.argoproj.io/"),
    ("default-issuer-name", ""),
    ("default-issuer-kind", "Issuer"),
    ("default-issuer-group", "cert-manager.io"),
    ("auto-certificate-annotations", "kubernetes.io/tls-acme"),
    ("extra-certificate-annotations", ""),
    ("acme-http01-solver-image", "registry.example/solver:1"),
    ("acme-http01-solver-resource-request-cpu", "10m"),
    ("acme-http01-solver-resource-request-memory", "64Mi"),
    ("acme-http01-solver-resource-limits-cpu", "100m"),
    ("acme-http01-solver-resource-limits-memory", "64Mi"),
    ("acme-http01-solver-run-as-non-root", "true"),
    ("acme-http01-solver-nameservers", ""),
    ("acme-http01-solver-extra-labels", "team=web"),
    ("acme-http01-solver-runtime-class-name", ""),
    ("dns01-recursive-nameservers", ""),
    ("dns01-recursive-nameservers-only", "false"),
    ("dns01-check-retry-period", "10s"),
    ("certificate-request-minimum-backoff-duration", "1h0m0s"),
    ("certificate-request-maximum-backoff-duration", "32h0m0s"),
    ("max-certificate-size", "36500"),
    ("max-private-key-size", "13000"),
    ("max-certificate-chain-length", "95000"),
    ("max-certificate-bundle-size", "330000"),
    ("metrics-listen-address", "0.0.0.0:9402"),
    ("metrics-tls-cert-file", ""),
    ("metrics-tls-private-key-file", ""),
    ("metrics-tls-cipher-suites", ""),
    ("metrics-tls-min-version", ""),
    ("metrics-dynamic-serving-ca-secret-namespace", ""),
    ("metrics-dynamic-serving-ca-secret-name", ""),
    ("metrics-dynamic-serving-dns-names", ""),
    ("metrics-dynamic-serving-leaf-duration", "168h0m0s"),
    ("enable-profiling", "false"),
    ("profiler-address", "localhost:6060"),
    ("internal-healthz-listen-address", "0.0.0.0:9403"),
    ("internal-healthz-leader-election-timeout", "20s"),
    ("feature-gates", "AllAlpha=false,AllBeta=true"),
    ("v", "2"),
    ("vmodule", ""),
    ("logging-format", "text"),
    ("log-flush-frequency", "5s"),
    ("add_dir_header", "false"),
    ("alsologtostderr", "false"),
    ("log_backtrace_at", ":0"),
    ("log_dir", ""),
    ("log_file", ""),
    ("log_file_max_size", "1800"),
    ("logtostderr", "true"),
    ("one_output", "false"),
    ("skip_headers", "false"),
    ("skip_log_headers", "false"),
    ("stderrthreshold", "2"),
];

/// Its configuration file with every field of `v1alpha1`, a line for each.
const FILE: &str = "
apiVersion: controller.config.cert-manager.io/v1alpha1
kind: ControllerConfiguration
kubeConfig: \"\"
apiServerHost: \"\"
kubernetesAPIQPS: 20
kubernetesAPIBurst: 50
namespace: \"\"
clusterResourceNamespace: kube-system
leaderElectionConfig: { enabled: true, namespace: kube-system, leaseDuration: 1m0s, renewDeadline: 40s, retryPeriod: 15s, healthzTimeout: 20s }
controllers: ['*']
issuerAmbientCredentials: false
clusterIssuerAmbientCredentials: true
enableCertificateOwnerRef: false
enableGatewayAPI: false
enableGatewayAPIListenerSet: false
copiedAnnotationPrefixes: ['*', '-kubectl.kubernetes.io/', '-fluxcd.io/', '-argocd.argoproj.io/']
numberOfConcurrentWorkers: 5
maxConcurrentChallenges: 60
metricsListenAddress: 0.0.0.0:9402
metricsTLSConfig: { cipherSuites: [TLS_AES_128_GCM_SHA256], minTLSVersion: VersionTLS12, filesystem: { certFile: \"\", keyFile: \"\" }, dynamic: { secretNamespace: \"\", secretName: \"\", dnsNames: [], leafDuration: 168h0m0s } }
healthzListenAddress: 0.0.0.0:9403
enablePprof: false
pprofAddress: localhost:6060
logging: { format: text, flushFrequency: 5s, verbosity: 0, vmodule: [{ filePattern: sync, verbosity: 5 }], options: { text: { splitStream: false, infoBufferSize: '0' }, json: { splitStream: false, infoBufferSize: '0' } } }
featureGates: { ACMEUseARI: true }
ingressShimConfig: { defaultIssuerName: \"\", defaultIssuerKind: Issuer, defaultIssuerGroup: cert-manager.io, defaultAutoCertificateAnnotations: [kubernetes.io/tls-acme], extraCertificateAnnotations: [] }
acmeHTTP01Config: { solverImage: 'registry.example/solver:1', solverResourceRequestCPU: 10m, solverResourceRequestMemory: 64Mi, solverResourceLimitsCPU: 100m, solverResourceLimitsMemory: 64Mi, solverRunAsNonRoot: true, solverRuntimeClassName: \"\", solverNameservers: [], solverExtraLabels: { team: web } }
acmeDNS01Config: { recursiveNameservers: [], recursiveNameserversOnly: false, checkRetryPeriod: 10s }
pemSizeLimitsConfig: { maxCertificateSize: 36500, maxPrivateKeySize: 13000, maxChainLength: 95000, maxBundleSize: 330000 }
gatewayAPI: { enabled: false, enableListenerSet: false, extraProtocols: [] }
certificateRequestMinimumBackoffDuration: 1h0m0s
certificateRequestMaximumBackoffDuration: 32h0m0s
";

const CONTROLLERS: &[&str] = &[
    "issuers",
    "clusterissuers",
    "certificates-metrics",
    "ingress-shim",
    "gateway-shim",
    "orders",
    "challenges",
    "certificaterequests-issuer-acme",
    "certificaterequests-approver",
    "certificaterequests-issuer-ca",
    "certificaterequests-issuer-selfsigned",
    "certificaterequests-issuer-vault",
    "certificaterequests-issuer-venafi",
    "certificates-trigger",
    "certificates-issuing",
    "certificates-key-manager",
    "certificates-request-manager",
    "certificates-readiness",
    "certificates-revision-manager",
    "certificatesigningrequests-issuer-acme",
    "certificatesigningrequests-issuer-ca",
    "certificatesigningrequests-issuer-selfsigned",
    "certificatesigningrequests-issuer-venafi",
    "certificatesigningrequests-issuer-vault",
];

const GATES: &[&str] = &[
    "ExperimentalCertificateSigningRequestControllers",
    "ExperimentalGatewayAPISupport",
    "AdditionalCertificateOutputFormats",
    "ServerSideApply",
    "LiteralCertificateSubject",
    "StableCertificateRequestName",
    "UseCertificateRequestBasicConstraints",
    "SecretsFilteredCaching",
    "DisallowInsecureCSRUsageDefinition",
    "NameConstraints",
    "OtherNames",
    "UseDomainQualifiedFinalizer",
    "ValidateCAA",
    "DefaultPrivateKeyRotationPolicyAlways",
    "ACMEHTTP01IngressPathTypeExact",
    "ListenerSets",
    "ACMEUseARI",
];
