// Command certmagic obtains certificates with github.com/caddyserver/certmagic, as its defaults have it: its own
// HTTP client (HTTP/2), polling and file storage (in a folder of this run). What differs from a plain program:
// log lines are dropped, its own limit of 10 orders in 10 seconds is lifted, DNS-01 is answered by nobody, because
// the CA always says valid, and certificates are asked from its ACME issuer with a request of ours: the managed way
// above it knows one name per certificate, and would add storage and locks to what is measured.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"os"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"

	"github.com/certwright/certwright/benches/peers/run"
)

type nobody struct{}

func (nobody) Present(context.Context, acme.Challenge) error { return nil }
func (nobody) CleanUp(context.Context, acme.Challenge) error { return nil }

type peer struct {
	options run.Options
	folder  string
	issuer  *certmagic.ACMEIssuer
}

// Ready obtains one certificate: certmagic registers its account on the way to the first.
func (p *peer) Ready(ctx context.Context) error {
	pool, err := p.options.Pool()
	if err != nil {
		return err
	}
	certmagic.RateLimitEvents, certmagic.RateLimitEventsWindow = 0, 0

	var config *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return config, nil },
		Logger:           zap.NewNop(),
	})
	config = certmagic.New(cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: p.folder},
		Logger:  zap.NewNop(),
	})
	p.issuer = certmagic.NewACMEIssuer(config, certmagic.ACMEIssuer{
		CA:           p.options.Directory,
		Email:        "bench@example.test",
		Agreed:       true,
		TrustedRoots: pool,
		DNS01Solver:  nobody{},
		Logger:       zap.NewNop(),
	})
	if err := p.issuer.PreCheck(ctx, []string{"ready.test"}, false); err != nil {
		return err
	}
	_, err = p.Obtain(ctx, []string{"ready.test"})
	return err
}

func (p *peer) Obtain(ctx context.Context, names []string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	if err != nil {
		return nil, err
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, err
	}
	issued, err := p.issuer.Issue(ctx, request)
	if err != nil {
		return nil, err
	}
	return issued.Certificate, nil
}

func main() {
	options := run.Flags()
	folder, err := os.MkdirTemp("", "certmagic-")
	if err != nil {
		panic(err)
	}
	// run.Main exits at once only on failure; then the folder is left to whoever looks into it.
	defer os.RemoveAll(folder)
	run.Main(options, &peer{options: options, folder: folder})
}
