// Command lego obtains certificates with github.com/go-acme/lego/v5 as a library, as its defaults have it:
// its own HTTP client, polling and request limit (18 a second for reading authorizations). What differs from a
// plain program: log lines are dropped, and HTTP-01 is answered by nobody, because the CA always says valid
// (HTTP-01, since its DNS-01 would ask real resolvers for CNAME records first).
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log/slog"
	"os"

	"github.com/go-acme/lego/v5/acme"
	"github.com/go-acme/lego/v5/certcrypto"
	"github.com/go-acme/lego/v5/certificate"
	"github.com/go-acme/lego/v5/lego"
	"github.com/go-acme/lego/v5/log"
	"github.com/go-acme/lego/v5/registration"

	"github.com/certwright/certwright/benches/peers/run"
)

type user struct {
	key     crypto.Signer
	account *acme.ExtendedAccount
}

func (u *user) GetEmail() string                       { return "" }
func (u *user) GetRegistration() *acme.ExtendedAccount { return u.account }
func (u *user) GetPrivateKey() crypto.Signer           { return u.key }

type nobody struct{}

func (nobody) Present(context.Context, string, string, string) error { return nil }
func (nobody) CleanUp(context.Context, string, string, string) error { return nil }

type peer struct {
	options run.Options
	client  *lego.Client
}

func (p *peer) Ready(ctx context.Context) error {
	// The documented way to trust a root of one's own with the default HTTP client.
	if err := os.Setenv("LEGO_CA_CERTIFICATES", p.options.Root); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	account := &user{key: key}
	config := lego.NewConfig(account)
	config.CADirURL = p.options.Directory
	if p.client, err = lego.NewClient(config); err != nil {
		return err
	}
	if err := p.client.Challenge.SetHTTP01Provider(nobody{}); err != nil {
		return err
	}
	account.account, err = p.client.Registration.Register(ctx, registration.RegisterOptions{TermsOfServiceAgreed: true})
	return err
}

func (p *peer) Obtain(ctx context.Context, names []string) ([]byte, error) {
	got, err := p.client.Certificate.Obtain(ctx, certificate.ObtainRequest{Domains: names, KeyType: certcrypto.EC256, Bundle: true})
	if err != nil {
		return nil, err
	}
	return got.Certificate, nil
}

func main() {
	log.SetDefault(slog.New(slog.DiscardHandler))
	options := run.Flags()
	run.Main(options, &peer{options: options})
}
