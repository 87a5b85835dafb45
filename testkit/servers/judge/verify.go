package main

import (
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"
)

// verify says whether crypto/x509 finds a path: `refused` holds its reason, or nothing.
func verify(asked question) answer {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, der := range asked.Roots {
		root, err := x509.ParseCertificate(der)
		if err != nil {
			return refused(fmt.Errorf("root: %w", err))
		}
		roots.AddCert(root)
	}
	var leaf *x509.Certificate
	for place, der := range asked.Chain {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return refused(fmt.Errorf("certificate %d: %w", place, err))
		}
		if place == 0 {
			leaf = certificate
		} else {
			between.AddCert(certificate)
		}
	}
	if leaf == nil {
		return refused(fmt.Errorf("the chain is empty"))
	}
	options := x509.VerifyOptions{
		Roots:         roots,
		Intermediates: between,
		CurrentTime:   time.Unix(asked.At, 0),
		DNSName:       asked.Name,
	}
	for _, name := range asked.Usages {
		usage, known := usages[name]
		if !known {
			return refused(fmt.Errorf("nobody here knows the usage %q", name))
		}
		options.KeyUsages = append(options.KeyUsages, usage)
	}
	_, err := leaf.Verify(options)
	return refused(err)
}

// read tells what crypto/x509 sees in a certificate.
func read(der []byte) (answer, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	var addresses, locations []string
	for _, address := range certificate.IPAddresses {
		addresses = append(addresses, address.String())
	}
	for _, location := range certificate.URIs {
		locations = append(locations, location.String())
	}
	return answer{
		"subject":            certificate.RawSubject,
		"issuer":             certificate.RawIssuer,
		"public_key":         certificate.RawSubjectPublicKeyInfo,
		"serial":             certificate.SerialNumber.Text(16),
		"not_before":         certificate.NotBefore.Unix(),
		"not_after":          certificate.NotAfter.Unix(),
		"subject_key_id":     hex.EncodeToString(certificate.SubjectKeyId),
		"authority_key_id":   hex.EncodeToString(certificate.AuthorityKeyId),
		"is_ca":              certificate.IsCA,
		"path_length":        certificate.MaxPathLen,
		"signature":          certificate.SignatureAlgorithm.String(),
		"dns_names":          certificate.DNSNames,
		"ip_addresses":       addresses,
		"email_addresses":    certificate.EmailAddresses,
		"uris":               locations,
		"crl":                certificate.CRLDistributionPoints,
		"ocsp":               certificate.OCSPServer,
		"issuers":            certificate.IssuingCertificateURL,
		"unhandled_critical": len(certificate.UnhandledCriticalExtensions),
	}, nil
}

// check says whether crypto/x509 takes a signing request and its signature.
func check(der []byte) answer {
	request, err := x509.ParseCertificateRequest(der)
	if err == nil {
		err = request.CheckSignature()
	}
	return refused(err)
}

func refused(err error) answer {
	if err == nil {
		return answer{"refused": nil}
	}
	return answer{"refused": err.Error()}
}

var usages = map[string]x509.ExtKeyUsage{
	"any":              x509.ExtKeyUsageAny,
	"server auth":      x509.ExtKeyUsageServerAuth,
	"client auth":      x509.ExtKeyUsageClientAuth,
	"code signing":     x509.ExtKeyUsageCodeSigning,
	"email protection": x509.ExtKeyUsageEmailProtection,
	"timestamping":     x509.ExtKeyUsageTimeStamping,
	"ocsp signing":     x509.ExtKeyUsageOCSPSigning,
}
