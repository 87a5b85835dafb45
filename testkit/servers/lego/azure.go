package main

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/providers/dns/azuredns"
)

// Microsoft's libraries send tokens over HTTPS alone, and to the authority and the manager that a cloud names: one of our own, in front of the service.
func azure(asked question) (challenge.Provider, error) {
	settings := asked.Settings
	front, err := secured(asked.URL)
	if err != nil {
		return nil, err
	}
	manager := cloud.ServiceConfiguration{Audience: "https://management.core.windows.net/", Endpoint: front}
	place := cloud.Configuration{
		ActiveDirectoryAuthorityHost: front + "/",
		Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: manager},
	}
	credential, err := identity(settings, azcore.ClientOptions{Cloud: place, Transport: client(asked.URL)})
	if err != nil {
		return nil, err
	}
	config := azuredns.NewDefaultConfig()
	config.Environment, config.SubscriptionID, config.ResourceGroup = place, settings["subscription"], settings["group"]
	if settings["private"] != "" {
		config.PrivateZone = true
		return azuredns.NewDNSProviderPrivate(config, credential)
	}
	return azuredns.NewDNSProviderPublic(config, credential)
}

func identity(settings map[string]string, options azcore.ClientOptions) (azcore.TokenCredential, error) {
	tenant, id := settings["tenant"], settings["client"]
	switch settings["login"] {
	case "secret":
		options := azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true}
		return azidentity.NewClientSecretCredential(tenant, id, settings["secret"], &options)
	case "workload":
		options := azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, DisableInstanceDiscovery: true, ClientID: id, TenantID: tenant, TokenFilePath: settings["file"],
		}
		return azidentity.NewWorkloadIdentityCredential(&options)
	case "managed":
		options := azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
		if id != "" {
			options.ID = azidentity.ClientID(id)
		}
		return azidentity.NewManagedIdentityCredential(&options)
	default:
		return nil, fmt.Errorf("nobody logs in to Azure by %q", settings["login"])
	}
}

// An HTTPS server in this process that passes all on to `base`, and is trusted here.
func secured(base string) (string, error) {
	to, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	pass := &httputil.ReverseProxy{Rewrite: func(asked *httputil.ProxyRequest) { asked.SetURL(to) }}
	front := httptest.NewTLSServer(http.Handler(pass))
	roots, err := os.CreateTemp("", "lego-azure-*.pem")
	if err != nil {
		return "", err
	}
	defer roots.Close()
	if err := pem.Encode(roots, &pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}); err != nil {
		return "", err
	}
	// Read once, by the first who verifies.
	return front.URL, os.Setenv("SSL_CERT_FILE", roots.Name())
}
