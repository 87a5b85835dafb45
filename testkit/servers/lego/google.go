package main

import (
	"context"

	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/providers/dns/gcloud"
	"golang.org/x/oauth2"
	oauth "golang.org/x/oauth2/google"
)

// Google's own library logs in: with the key of a service account, or with a token of another platform.
func google(asked question) (challenge.Provider, error) {
	settings := asked.Settings
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client(asked.URL))
	kind, key := oauth.ServiceAccount, settings["key"]
	if settings["external account"] != "" {
		kind, key = oauth.ExternalAccount, settings["external account"]
	}
	identity, err := oauth.CredentialsFromJSONWithType(ctx, []byte(key), kind, "https://www.googleapis.com/auth/ndev.clouddns.readwrite")
	if err != nil {
		return nil, err
	}
	config := gcloud.NewDefaultConfig()
	config.Project, config.ZoneID = settings["project"], settings["zone id"]
	config.HTTPClient = oauth2.NewClient(ctx, identity.TokenSource)
	return gcloud.NewDNSProviderConfig(config)
}
