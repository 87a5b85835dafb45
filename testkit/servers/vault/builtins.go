package main

import (
	jwt "github.com/hashicorp/vault-plugin-auth-jwt"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	"github.com/hashicorp/vault/builtin/credential/approle"
	aws "github.com/hashicorp/vault/builtin/credential/aws"
	"github.com/hashicorp/vault/builtin/credential/cert"
	"github.com/hashicorp/vault/builtin/logical/pki"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

var logicalBackends = map[string]logical.Factory{
	"pki": pki.Factory,
}

var credentialBackends = map[string]logical.Factory{
	"approle":    approle.Factory,
	"aws":        aws.Factory,
	"cert":       cert.Factory,
	"jwt":        jwt.Factory,
	"kubernetes": kubernetes.Factory,
}

// builtin answers Vault's catalogue of plugins with the same factories; without it the first mount panics.
type builtin struct{}

func factories(kind consts.PluginType) map[string]logical.Factory {
	switch kind {
	case consts.PluginTypeCredential:
		return credentialBackends
	case consts.PluginTypeSecrets:
		return logicalBackends
	default:
		return nil
	}
}

func (builtin) Contains(name string, kind consts.PluginType) bool {
	_, there := factories(kind)[name]
	return there
}

func (builtin) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	factory, there := factories(kind)[name]
	return func() (interface{}, error) { return factory, nil }, there
}

func (builtin) Keys(kind consts.PluginType) []string {
	var names []string
	for name := range factories(kind) {
		names = append(names, name)
	}
	return names
}

func (b builtin) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, b.Contains(name, kind)
}

func (builtin) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
