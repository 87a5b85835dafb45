package main

import (
	"crypto/x509"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

// openKeystore answers the key (PKCS #8) and the certificates, the leaf first, of a file of PKCS #12.
func openKeystore(asked question) (answer, error) {
	key, leaf, others, err := pkcs12.DecodeChain(asked.KeyStore, asked.Password)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return answer{"key": der, "certificates": raw(append([]*x509.Certificate{leaf}, others...))}, nil
}

// openTruststore answers the authorities that Java would trust.
func openTruststore(asked question) (answer, error) {
	certificates, err := pkcs12.DecodeTrustStore(asked.KeyStore, asked.Password)
	if err != nil {
		return nil, err
	}
	return answer{"certificates": raw(certificates)}, nil
}

// makeKeystore writes a file with a key (PKCS #8) and its chain, as cert-manager does.
func makeKeystore(asked question) (answer, error) {
	encoder, chain, err := encoding(asked)
	if err != nil {
		return nil, err
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("the chain is empty")
	}
	key, err := x509.ParsePKCS8PrivateKey(asked.Key)
	if err != nil {
		return nil, err
	}
	file, err := encoder.Encode(key, chain[0], chain[1:], asked.Password)
	return answer{"keystore": file}, err
}

// makeTruststore writes a file of authorities alone.
func makeTruststore(asked question) (answer, error) {
	encoder, chain, err := encoding(asked)
	if err != nil {
		return nil, err
	}
	file, err := encoder.EncodeTrustStore(chain, asked.Password)
	return answer{"keystore": file}, err
}

func encoding(asked question) (*pkcs12.Encoder, []*x509.Certificate, error) {
	encoder, known := profiles[asked.Profile]
	if !known {
		return nil, nil, fmt.Errorf("nobody here knows the profile %q", asked.Profile)
	}
	var chain []*x509.Certificate
	for place, der := range asked.Chain {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil, fmt.Errorf("certificate %d: %w", place, err)
		}
		chain = append(chain, certificate)
	}
	return encoder, chain, nil
}

func raw(certificates []*x509.Certificate) [][]byte {
	all := [][]byte{}
	for _, certificate := range certificates {
		all = append(all, certificate.Raw)
	}
	return all
}

var profiles = map[string]*pkcs12.Encoder{
	"Modern2026": pkcs12.Modern2026,
	"Modern2023": pkcs12.Modern2023,
	"LegacyDES":  pkcs12.LegacyDES,
	"LegacyRC2":  pkcs12.LegacyRC2,
}
