// Command cert-manager is cert-manager's own controller, wired as its release wires it: the same controllers and the same default flags.
// It is the rival of the bench `controller` and the judge of the operator's way back; never linked into anything that is shipped.
//
// The release's main program is a module that no proxy serves. Everything below it is public, so that a few flags and the order of the
// start are all there is here. What is left out: health, profiling, metrics over TLS, and flags for what nothing here changes.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	logsapi "k8s.io/component-base/logs/api/v1"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/acmechallenges"
	"github.com/cert-manager/cert-manager/pkg/controller/acmeorders"
	ingresses "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/ingresses"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/acme"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/vault"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	certificatesmetrics "github.com/cert-manager/cert-manager/pkg/controller/certificates/metrics"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	"github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	"github.com/cert-manager/cert-manager/pkg/controller/issuers"
	dnsutil "github.com/cert-manager/cert-manager/pkg/issuer/acme/dns/util"
	"github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
	utilfeature "github.com/cert-manager/cert-manager/pkg/util/feature"

	// Each registers its kind of issuer.
	_ "github.com/cert-manager/cert-manager/pkg/issuer/acme"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/vault"
)

func main() {
	if err := run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "cert-manager:", err)
		os.Exit(1)
	}
}

// flags are those of the release that a test or a bench sets; everything else has the release's default and no flag.
type flags struct {
	options     controller.ContextOptions
	controllers []string
	workers     int
	metrics     string
	elect       bool
	electIn     string
}

func read(arguments []string) (flags, error) {
	var it flags
	set := pflag.NewFlagSet("cert-manager", pflag.ContinueOnError)
	set.StringVar(&it.options.Kubeconfig, "kubeconfig", "", "the kubeconfig of the cluster")
	set.StringVar(&it.options.Namespace, "namespace", "", "the only namespace that is looked at")
	set.Float32Var(&it.options.KubernetesAPIQPS, "kube-api-qps", 20, "requests per second, unless the server has priority and fairness")
	set.IntVar(&it.options.KubernetesAPIBurst, "kube-api-burst", 50, "requests at once, likewise")
	set.StringVar(&it.options.ClusterResourceNamespace, "cluster-resource-namespace", "kube-system", "where ClusterIssuers have their Secrets")
	set.BoolVar(&it.options.EnableOwnerRef, "enable-certificate-owner-ref", false, "whether Secrets go with their Certificates")
	set.BoolVar(&it.options.IssuerAmbientCredentials, "issuer-ambient-credentials", false, "")
	set.BoolVar(&it.options.ClusterIssuerAmbientCredentials, "cluster-issuer-ambient-credentials", true, "")
	set.IntVar(&it.options.MaxConcurrentChallenges, "max-concurrent-challenges", 60, "")
	set.StringSliceVar(&it.options.DNS01Nameservers, "dns01-recursive-nameservers", nil, "name servers of the check before a challenge is accepted")
	only := set.Bool("dns01-recursive-nameservers-only", false, "whether these alone are asked")
	set.DurationVar(&it.options.DNS01CheckRetryPeriod, "dns01-check-retry-period", 10*time.Second, "")
	set.StringSliceVar(&it.options.HTTP01SolverNameservers, "acme-http01-solver-nameservers", nil, "")
	set.DurationVar(&it.options.CertificateRequestMinimumBackoffDuration, "certificate-request-minimum-backoff-duration", time.Hour, "")
	set.DurationVar(&it.options.CertificateRequestMaximumBackoffDuration, "certificate-request-maximum-backoff-duration", 32*time.Hour, "")
	set.StringSliceVar(&it.controllers, "controllers", shipped, "the controllers that run")
	set.IntVar(&it.workers, "concurrent-workers", 5, "workers of each controller")
	set.StringVar(&it.metrics, "metrics-listen-address", "0.0.0.0:9402", "")
	set.BoolVar(&it.elect, "leader-elect", true, "whether a Lease is taken first")
	set.StringVar(&it.electIn, "leader-election-namespace", "kube-system", "")
	utilfeature.DefaultMutableFeatureGate.AddFlag(set)
	logging := logsapi.NewLoggingConfiguration()
	logs.AddFlags(logging, set)
	if err := set.Parse(arguments); err != nil {
		return it, err
	}
	if err := logs.ValidateAndApply(logging); err != nil {
		return it, err
	}
	it.options.DNS01CheckAuthoritative = !*only
	if len(it.options.DNS01Nameservers) == 0 {
		it.options.DNS01Nameservers = resolvers()
	}
	if it.options.Namespace != "" {
		it.controllers = slices.DeleteFunc(it.controllers, func(name string) bool { return name == clusterissuers.ControllerName })
	}
	it.options.DefaultIssuerKind = "Issuer"
	it.options.DefaultIssuerGroup = "cert-manager.io"
	it.options.DefaultAutoCertificateAnnotations = []string{"kubernetes.io/tls-acme"}
	it.options.HTTP01SolverImage = "quay.io/jetstack/cert-manager-acmesolver:" + util.AppVersion
	it.options.HTTP01SolverResourceRequestCPU = resource.MustParse("10m")
	it.options.HTTP01SolverResourceRequestMemory = resource.MustParse("64Mi")
	it.options.HTTP01SolverResourceLimitsCPU = resource.MustParse("100m")
	it.options.HTTP01SolverResourceLimitsMemory = resource.MustParse("64Mi")
	it.options.ACMEHTTP01SolverRunAsNonRoot = true
	it.options.CopiedAnnotationPrefixes = []string{"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"}
	return it, nil
}

func run() error {
	logs.InitLogs()
	defer logs.FlushLogs()
	flags, err := read(os.Args[1:])
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go endWithParent()
	log := logs.Log.WithName("controller")
	ctx = logs.NewContext(ctx, log)
	if flags.elect {
		if err := lead(ctx, flags); err != nil {
			return err
		}
	}
	return work(ctx, log, flags)
}

// work runs the controllers until it shall stop.
func work(ctx context.Context, log logr.Logger, flags flags) error {
	factory, err := controller.NewContextFactory(ctx, flags.options)
	if err != nil {
		return err
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	shared.Metrics.SetupACMECollector(shared.SharedInformerFactory.Acme().V1().Challenges().Lister())
	shared.Metrics.SetupCertificateCollector(shared.SharedInformerFactory.Certmanager().V1().Certificates().Lister())
	shared.Metrics.SetupIssuerCollector(shared.SharedInformerFactory.Certmanager().V1().Issuers().Lister())
	if flags.options.Namespace == "" {
		shared.Metrics.SetupClusterIssuerCollector(shared.SharedInformerFactory.Certmanager().V1().ClusterIssuers().Lister())
	}
	listener, err := net.Listen("tcp", flags.metrics)
	if err != nil {
		return err
	}
	server := shared.Metrics.NewServer(listener)
	go func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error(err, "no metrics any more")
		}
	}()
	defer server.Close()

	running := make(map[string]controller.Interface)
	for name, make := range controller.Known() {
		if !slices.Contains(flags.controllers, name) {
			continue
		}
		if running[name], err = make(factory); err != nil {
			return fmt.Errorf("controller %s: %w", name, err)
		}
	}
	for _, name := range flags.controllers {
		if running[name] == nil {
			return fmt.Errorf("there is no controller %q", name)
		}
	}
	var group sync.WaitGroup
	for name, it := range running {
		group.Go(func() {
			if err := it.Run(flags.workers, ctx); err != nil && ctx.Err() == nil {
				log.Error(err, "controller ended", "name", name)
			}
		})
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	if shared.GatewaySolverEnabled {
		shared.GWShared.Start(ctx.Done())
	}
	group.Wait()
	return ctx.Err()
}

// lead returns once the Lease is held; it ends the process when the Lease is lost.
func lead(ctx context.Context, flags flags) error {
	config, err := clientcmd.BuildConfigFromFlags("", flags.options.Kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, flags.electIn, "cert-manager-controller",
		client.CoreV1(), client.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: fmt.Sprintf("%s-external-cert-manager-controller-%d", host, os.Getpid())})
	if err != nil {
		return err
	}
	led := make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: 60 * time.Second, RenewDeadline: 40 * time.Second, RetryPeriod: 15 * time.Second, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(led) },
			OnStoppedLeading: func() {
				if ctx.Err() == nil {
					fmt.Fprintln(os.Stderr, "cert-manager: the Lease is lost")
					os.Exit(1)
				}
			},
		},
	})
	if err != nil {
		return err
	}
	go elector.Run(ctx)
	select {
	case <-led:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// resolvers is what the release takes where no name server is given.
func resolvers() []string {
	return dnsutil.RecursiveNameservers
}

// endWithParent keeps it from outliving whoever started it, also where no death signal can be asked for.
func endWithParent() {
	parent := os.Getppid()
	for os.Getppid() == parent {
		time.Sleep(time.Second)
	}
	os.Exit(1)
}

// shipped are the controllers that the release runs by default.
var shipped = []string{
	issuers.ControllerName, clusterissuers.ControllerName, certificatesmetrics.ControllerName, ingresses.ControllerName,
	acmeorders.ControllerName, acmechallenges.ControllerName,
	acme.CRControllerName, approver.ControllerName, ca.CRControllerName, selfsigned.CRControllerName, vault.CRControllerName,
	trigger.ControllerName, issuing.ControllerName, keymanager.ControllerName, requestmanager.ControllerName, readiness.ControllerName, revisionmanager.ControllerName,
}
