package main

import (
	std "crypto/x509"
	"sort"

	"github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
	"golang.org/x/crypto/ocsp"
)

type finding struct {
	Lint   string `json:"lint"`
	Level  string `json:"level"`
	Detail string `json:"detail"`
}

// lintCertificate answers what zlint warns of or worse, among the lints of the sources asked for.
func lintCertificate(asked question) (answer, error) {
	certificate, err := x509.ParseCertificate(asked.Certificate)
	if err != nil {
		return nil, err
	}
	registry, err := registry(asked.Sources)
	if err != nil {
		return nil, err
	}
	return findings(zlint.LintCertificateEx(certificate, registry)), nil
}

// lintCRL does the same for a revocation list, whose signature must be the issuer's.
func lintCRL(asked question) (answer, error) {
	issuer, err := std.ParseCertificate(asked.Issuer)
	if err != nil {
		return nil, err
	}
	signed, err := std.ParseRevocationList(asked.CRL)
	if err != nil {
		return nil, err
	}
	if err := signed.CheckSignatureFrom(issuer); err != nil {
		return nil, err
	}
	list, err := x509.ParseRevocationList(asked.CRL)
	if err != nil {
		return nil, err
	}
	registry, err := registry(asked.Sources)
	if err != nil {
		return nil, err
	}
	said := findings(zlint.LintRevocationListEx(list, registry))
	said["revoked"] = len(signed.RevokedCertificateEntries)
	return said, nil
}

// lintOCSP does the same for an OCSP response about `certificate`.
func lintOCSP(asked question) (answer, error) {
	issuer, err := std.ParseCertificate(asked.Issuer)
	if err != nil {
		return nil, err
	}
	certificate, err := std.ParseCertificate(asked.Certificate)
	if err != nil {
		return nil, err
	}
	response, err := ocsp.ParseResponseForCert(asked.OCSP, certificate, issuer)
	if err != nil {
		return nil, err
	}
	registry, err := registry(asked.Sources)
	if err != nil {
		return nil, err
	}
	said := findings(zlint.LintOcspResponseEx(response, registry))
	said["revoked"] = response.Status == ocsp.Revoked
	return said, nil
}

func registry(sources []string) (lint.Registry, error) {
	var filter lint.FilterOptions
	for _, name := range sources {
		filter.IncludeSources = append(filter.IncludeSources, lint.LintSource(name))
	}
	return lint.GlobalRegistry().Filter(filter)
}

func findings(results *zlint.ResultSet) answer {
	found := []finding{}
	for name, result := range results.Results {
		switch result.Status {
		case lint.Warn, lint.Error, lint.Fatal:
			found = append(found, finding{name, result.Status.String(), result.Details})
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Lint < found[j].Lint })
	return answer{"findings": found}
}
