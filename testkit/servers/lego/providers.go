package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/providers/dns/acmedns"
	"github.com/go-acme/lego/v5/providers/dns/cloudflare"
	"github.com/go-acme/lego/v5/providers/dns/desec"
	"github.com/go-acme/lego/v5/providers/dns/digitalocean"
	"github.com/go-acme/lego/v5/providers/dns/edgedns"
	"github.com/go-acme/lego/v5/providers/dns/exec"
	"github.com/go-acme/lego/v5/providers/dns/gandiv5"
	"github.com/go-acme/lego/v5/providers/dns/hetzner"
	"github.com/go-acme/lego/v5/providers/dns/httpreq"
	"github.com/go-acme/lego/v5/providers/dns/linode"
	"github.com/go-acme/lego/v5/providers/dns/route53"
	"github.com/go-acme/lego/v5/providers/dns/vultr"
)

func open(asked question) (challenge.Provider, error) {
	settings := asked.Settings
	switch asked.Provider {
	case "azuredns":
		return azure(asked)
	case "gcloud":
		return google(asked)
	case "cloudflare":
		config := cloudflare.NewDefaultConfig()
		config.BaseURL = asked.URL + "/client/v4"
		config.AuthToken, config.ZoneToken = settings["token"], settings["token"]
		config.AuthEmail, config.AuthKey = settings["email"], settings["key"]
		return cloudflare.NewDNSProviderConfig(config)
	case "route53":
		// The one way to another endpoint.
		if err := os.Setenv("AWS_ENDPOINT_URL", asked.URL); err != nil {
			return nil, err
		}
		config := route53.NewDefaultConfig()
		config.AccessKeyID, config.SecretAccessKey = settings["id"], settings["secret"]
		config.Region, config.HostedZoneID = "us-east-1", settings["zone id"]
		config.PollingInterval = time.Millisecond
		return route53.NewDNSProviderConfig(config)
	case "desec":
		config := desec.NewDefaultConfig()
		config.Token, config.HTTPClient = settings["token"], client(asked.URL)
		return desec.NewDNSProviderConfig(config)
	case "digitalocean":
		config := digitalocean.NewDefaultConfig()
		config.BaseURL, config.AuthToken = asked.URL, settings["token"]
		return digitalocean.NewDNSProviderConfig(config)
	case "acme-dns":
		config := acmedns.NewDefaultConfig()
		config.APIBase, config.StoragePath = asked.URL, settings["storage"]
		return acmedns.NewDNSProviderConfig(config)
	case "edgedns":
		redirect(asked.URL)
		config := edgedns.NewDefaultConfig()
		config.Host, config.ClientToken = settings["host"], settings["client"]
		config.AccessToken, config.ClientSecret = settings["access"], settings["secret"]
		return edgedns.NewDNSProviderConfig(config)
	case "exec":
		config := exec.NewDefaultConfig()
		config.Program, config.Mode = settings["program"], settings["mode"]
		return exec.NewDNSProviderConfig(config)
	case "gandiv5":
		config := gandiv5.NewDefaultConfig()
		config.BaseURL, config.PersonalAccessToken = asked.URL+"/v5/livedns", settings["token"]
		return gandiv5.NewDNSProviderConfig(config)
	case "hetzner":
		config := hetzner.NewDefaultConfig()
		config.APIToken, config.HTTPClient = settings["token"], client(asked.URL)
		config.PollingInterval = time.Millisecond
		return hetzner.NewDNSProviderConfig(config)
	case "linode":
		redirect(asked.URL)
		config := linode.NewDefaultConfig()
		config.Token = settings["token"]
		return linode.NewDNSProviderConfig(config)
	case "vultr":
		redirect(asked.URL)
		config := vultr.NewDefaultConfig()
		config.APIKey = settings["token"]
		return vultr.NewDNSProviderConfig(config)
	case "httpreq":
		endpoint, err := url.Parse(asked.URL)
		if err != nil {
			return nil, err
		}
		config := httpreq.NewDefaultConfig()
		config.Endpoint, config.Mode = endpoint, settings["mode"]
		config.Username, config.Password = settings["username"], settings["password"]
		return httpreq.NewDNSProviderConfig(config)
	default:
		return nil, fmt.Errorf("no provider %q is compiled in", asked.Provider)
	}
}

// Sends what is meant for any host to `base`, for clients that know one address alone. The host that a request names stays.
func redirect(base string) {
	http.DefaultTransport = to(base)
}

// A client whose requests all go to `base`.
func client(base string) *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: to(base)}
}

func to(base string) elsewhere {
	to, err := url.Parse(base)
	if err != nil {
		panic(err)
	}
	return elsewhere{http.DefaultTransport.(*http.Transport).Clone(), to}
}

type elsewhere struct {
	direct http.RoundTripper
	to     *url.URL
}

func (way elsewhere) RoundTrip(asked *http.Request) (*http.Response, error) {
	sent := asked.Clone(asked.Context())
	if sent.Host == "" {
		sent.Host = asked.URL.Host
	}
	sent.URL.Scheme, sent.URL.Host = way.to.Scheme, way.to.Host
	return way.direct.RoundTrip(sent)
}
