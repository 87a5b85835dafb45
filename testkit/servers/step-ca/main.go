// Command step-ca is Smallstep's certificate authority as tests need it: keys in files, no cloud, validators that dial
// ports of a test's own. Never linked into anything that is shipped.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"

	"github.com/smallstep/certificates/acme"
	"github.com/smallstep/certificates/authority/config"
	"github.com/smallstep/certificates/ca"

	_ "github.com/smallstep/certificates/cas/softcas"
	_ "go.step.sm/crypto/kms/softkms"
)

func main() {
	file := flag.String("config", "ca.json", "step-ca's own configuration")
	resolver := flag.String("resolver", "", "DNS server that validators ask; the system's if not said")
	flag.IntVar(&acme.InsecurePortHTTP01, "http-port", 80, "port that is dialled for http-01")
	flag.IntVar(&acme.InsecurePortTLSALPN01, "tls-port", 443, "port that is dialled for tls-alpn-01")
	flag.Parse()
	if err := run(*file, *resolver); err != nil {
		fmt.Fprintln(os.Stderr, "step-ca:", err)
		os.Exit(1)
	}
}

func run(file, resolver string) error {
	if resolver != "" {
		net.DefaultResolver = &net.Resolver{
			PreferGo: true,
			Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				var dialer net.Dialer
				return dialer.DialContext(ctx, network, resolver)
			},
		}
	}
	settings, err := config.LoadConfiguration(file)
	if err != nil {
		return err
	}
	authority, err := ca.New(settings)
	if err != nil {
		return err
	}
	return authority.Run()
}
