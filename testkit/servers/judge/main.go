// Judge answers questions about certificates and signing requests with Go's crypto/x509 and with zlint, and about key stores
// with go-pkcs12, which cert-manager writes them with.
//
// One question in JSON a line on standard input, one answer in JSON a line on standard output, until the input ends:
// a test asks hundreds and starts it once.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// Every kind of question has its own fields; those it has no use for are left out.
type question struct {
	Ask string `json:"ask"`
	// Verify: the leaf first, then what may stand between it and a root.
	Chain [][]byte `json:"chain"`
	Roots [][]byte `json:"roots"`
	// Seconds since 1970.
	At     int64    `json:"at"`
	Name   string   `json:"name"`
	Usages []string `json:"usages"`
	// Read and lint.
	Certificate []byte   `json:"certificate"`
	Sources     []string `json:"sources"`
	// Check: a signing request.
	Request []byte `json:"request"`
	// Lint CRL, lint OCSP: what `issuer` signed, about `certificate`.
	CRL    []byte `json:"crl"`
	OCSP   []byte `json:"ocsp"`
	Issuer []byte `json:"issuer"`
	// Open and make: key stores of PKCS #12; what is made holds `chain`.
	KeyStore []byte `json:"keystore"`
	Password string `json:"password"`
	Profile  string `json:"profile"`
	Key      []byte `json:"key"`
}

type answer map[string]any

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(reply(lines.Bytes())); err != nil {
			fmt.Fprintln(os.Stderr, "judge:", err)
			os.Exit(1)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

// A question that was understood is answered by `verdict`, `findings`, …; anything else by `failed`.
func reply(line []byte) answer {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{"failed": err.Error()}
	}
	said, err := answers(asked)
	if err != nil {
		return answer{"failed": err.Error()}
	}
	return said
}

func answers(asked question) (answer, error) {
	switch asked.Ask {
	case "verify":
		return verify(asked), nil
	case "read":
		return read(asked.Certificate)
	case "lint":
		return lintCertificate(asked)
	case "lint crl":
		return lintCRL(asked)
	case "lint ocsp":
		return lintOCSP(asked)
	case "check":
		return check(asked.Request), nil
	case "requests":
		return requests()
	case "open keystore":
		return openKeystore(asked)
	case "open truststore":
		return openTruststore(asked)
	case "make keystore":
		return makeKeystore(asked)
	case "make truststore":
		return makeTruststore(asked)
	default:
		return nil, fmt.Errorf("nobody here knows how to %q", asked.Ask)
	}
}
