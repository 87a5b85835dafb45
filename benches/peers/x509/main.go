// Command x509 issues certificates with Go's crypto/x509, the whole pipeline in one process: a key, a signing request,
// its signature checked, the certificate signed, key and chain as PEM.
//
// It prints {"event":"ready"} and then reads a number from each line of standard input: so many certificates are issued, and
// {"event":"issued","count":…,"ms":…} tells the CPU time of the process that they took, garbage collection included.
package main

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strconv"
	"syscall"
	"time"
)

type line struct {
	Event string  `json:"event"`
	Count int     `json:"count,omitempty"`
	MS    float64 `json:"ms"`
}

type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func serve() error {
	ca, err := newAuthority()
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(line{Event: "ready"}); err != nil {
		return err
	}
	steps := bufio.NewScanner(os.Stdin)
	for steps.Scan() {
		count, err := strconv.Atoi(steps.Text())
		if err != nil {
			return err
		}
		before, err := cpu()
		if err != nil {
			return err
		}
		for range count {
			if err := ca.issue(); err != nil {
				return err
			}
		}
		after, err := cpu()
		if err != nil {
			return err
		}
		if err := out.Encode(line{Event: "issued", Count: count, MS: after - before}); err != nil {
			return err
		}
	}
	return steps.Err()
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Peer Root"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(10, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{certificate, key}, err
}

func (ca *authority) issue() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		DNSNames: []string{"example.test", "www.example.test"},
	}, key)
	if err != nil {
		return err
	}
	parsed, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return err
	}
	if err := parsed.CheckSignature(); err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 159))
	if err != nil {
		return err
	}
	now := time.Now()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial,
		DNSNames:     parsed.DNSNames,
		NotBefore:    now.Add(-time.Minute),
		NotAfter:     now.AddDate(0, 0, 90),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca.certificate, parsed.PublicKey, ca.key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	if len(chain) == 0 || len(text) == 0 {
		return fmt.Errorf("nothing was encoded")
	}
	return nil
}

// cpu is the CPU time of this process so far, in milliseconds.
func cpu() (float64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	ms := func(t syscall.Timeval) float64 { return float64(t.Sec)*1e3 + float64(t.Usec)/1e3 }
	return ms(usage.Utime) + ms(usage.Stime), nil
}
