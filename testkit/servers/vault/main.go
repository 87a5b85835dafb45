// Command vault is HashiCorp Vault as tests need it: in memory, initialised, unsealed, with the engines that issue
// certificates and the ways to log in that certwright knows. Never linked into anything that is shipped.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	log "github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/audit"
	"github.com/hashicorp/vault/builtin/audit/file"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	address := flag.String("address", "127.0.0.1:8200", "where to answer")
	secrets := flag.String("secrets", "", "file for the root token and the unseal key, as JSON; complete before the first answer")
	certificate := flag.String("tls-cert", "", "PEM file of the server's chain; with it, HTTPS that asks for a client certificate")
	key := flag.String("tls-key", "", "PEM file of the server's key")
	flag.Parse()
	if err := run(*address, *secrets, *certificate, *key); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		os.Exit(1)
	}
}

func run(address, secrets, certificate, key string) error {
	logger := log.New(&log.LoggerOptions{Output: os.Stderr, Level: log.Info})
	core, opened, err := open(logger)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return err
		}
		// As Vault's own listener: a client certificate is asked for, and judged by the auth method alone.
		listener = tls.NewListener(listener, &tls.Config{
			Certificates: []tls.Certificate{pair},
			ClientAuth:   tls.RequestClientCert,
			MinVersion:   tls.VersionTLS12,
			NextProtos:   []string{"h2", "http/1.1"},
		})
	}
	text, err := json.Marshal(opened)
	if err != nil {
		return err
	}
	if err := os.WriteFile(secrets, text, 0o600); err != nil {
		return err
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{},
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: logger.StandardLogger(nil)}
	logger.Info("answering", "address", listener.Addr())
	return server.Serve(listener)
}

// What it takes to use and to unseal this Vault.
type opened struct {
	RootToken string `json:"root_token"`
	UnsealKey []byte `json:"unseal_key"`
}

func open(logger log.Logger) (*vault.Core, opened, error) {
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return nil, opened{}, err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		DisableMlock:       true,
		Logger:             logger,
		LogicalBackends:    logicalBackends,
		CredentialBackends: credentialBackends,
		AuditBackends:      map[string]audit.Factory{"file": file.Factory},
		BuiltinRegistry:    builtin{},
		DefaultLeaseTTL:    time.Hour,
		MaxLeaseTTL:        24 * time.Hour,
	})
	if err != nil {
		return nil, opened{}, err
	}
	ctx := context.Background()
	share := &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}
	result, err := core.Initialize(ctx, &vault.InitParams{BarrierConfig: share, RecoveryConfig: share})
	if err != nil {
		return nil, opened{}, err
	}
	unsealed, err := core.Unseal(result.SecretShares[0])
	if err != nil {
		return nil, opened{}, err
	}
	if !unsealed {
		return nil, opened{}, errors.New("still sealed after its one key share")
	}
	return core, opened{RootToken: result.RootToken, UnsealKey: result.SecretShares[0]}, nil
}
