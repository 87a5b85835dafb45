package main

import (
	"context"

	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/providers/dns/gcloud"
	"golang.org/x/oauth2"
	oauth "golang.org/x/oauth2/google"
)

// Google's own library logs in with the key of a service account.
func google(asked question) (challenge.Provider, error) {
	settings := asked.Settings
	account, err := oauth.JWTConfigFromJSON([]byte(settings["key"]), "https://www.googleapis.com/auth/ndev.clouddns.readwrite")
	if err != nil {
		return nil, err
	}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client(asked.URL))
	config := gcloud.NewDefaultConfig()
	config.Project, config.ZoneID = settings["project"], settings["zone id"]
	config.HTTPClient = account.Client(ctx)
	return gcloud.NewDNSProviderConfig(config)
}
