package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"net/url"
)

// requests makes one signing request of every kind that Go programs send.
func requests() (answer, error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		return nil, err
	}
	kinds := []struct {
		name      string
		key       crypto.Signer
		algorithm x509.SignatureAlgorithm
		change    func(*x509.CertificateRequest)
	}{
		{"p256-sha256", p256, x509.ECDSAWithSHA256, plain},
		{"p256-sha384", p256, x509.ECDSAWithSHA384, plain},
		{"p256-sha512", p256, x509.ECDSAWithSHA512, plain},
		{"p384-sha256", p384, x509.ECDSAWithSHA256, plain},
		{"p384-sha384", p384, x509.ECDSAWithSHA384, plain},
		{"p521-sha512", p521, x509.ECDSAWithSHA512, plain},
		{"p521-sha256", p521, x509.ECDSAWithSHA256, plain},
		{"ed25519", edKey, x509.PureEd25519, plain},
		{"rsa-sha256", rsaKey, x509.SHA256WithRSA, plain},
		{"rsa-sha512", rsaKey, x509.SHA512WithRSA, plain},
		{"rsa-pss-sha256", rsaKey, x509.SHA256WithRSAPSS, plain},
		{"rsa-pss-sha384", rsaKey, x509.SHA384WithRSAPSS, plain},
		{"rsa-pss-sha512", rsaKey, x509.SHA512WithRSAPSS, plain},
		{"empty-subject", p256, x509.ECDSAWithSHA256, func(it *x509.CertificateRequest) { it.Subject = pkix.Name{} }},
		{"two-units", p256, x509.ECDSAWithSHA256, twoUnits},
		{"domain-components", p256, x509.ECDSAWithSHA256, domainComponents},
		{"hundred-names", p256, x509.ECDSAWithSHA256, hundredNames},
		{"every-name", p256, x509.ECDSAWithSHA256, everyName},
		{"unknown-extension", p256, x509.ECDSAWithSHA256, unknownExtension},
	}
	made := map[string][]byte{}
	for _, kind := range kinds {
		template := &x509.CertificateRequest{
			Subject:            pkix.Name{CommonName: "go.foreign.example", Organization: []string{"Foreign"}},
			DNSNames:           []string{"go.foreign.example"},
			SignatureAlgorithm: kind.algorithm,
		}
		kind.change(template)
		der, err := x509.CreateCertificateRequest(rand.Reader, template, kind.key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.name, err)
		}
		made[kind.name] = der
	}
	return answer{"requests": made}, nil
}

func plain(*x509.CertificateRequest) {}

func twoUnits(it *x509.CertificateRequest) {
	it.Subject.OrganizationalUnit = []string{"second", "first"}
}

func domainComponents(it *x509.CertificateRequest) {
	component := asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}
	it.Subject.ExtraNames = []pkix.AttributeTypeAndValue{
		{Type: component, Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("example")}},
		{Type: component, Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("foreign")}},
	}
}

func hundredNames(it *x509.CertificateRequest) {
	it.DNSNames = nil
	for number := range 100 {
		it.DNSNames = append(it.DNSNames, fmt.Sprintf("n%02d.go.foreign.example", number))
	}
}

func everyName(it *x509.CertificateRequest) {
	it.IPAddresses = []net.IP{net.ParseIP("192.0.2.7"), net.ParseIP("2001:db8::7")}
	it.EmailAddresses = []string{"someone@foreign.example"}
	it.URIs = []*url.URL{{Scheme: "spiffe", Host: "foreign.example", Path: "/workload"}}
}

func unknownExtension(it *x509.CertificateRequest) {
	it.ExtraExtensions = []pkix.Extension{
		{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 7}, Value: []byte{0x0c, 0x02, 'h', 'i'}},
	}
}
