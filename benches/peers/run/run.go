// Package run is what both rivals share: the flags, the clock and the lines they print.
//
// A peer registers one account, prints {"event":"ready","ms":…} and then obtains certificates one after the other,
// each with -names names, fresh ones unless -same, printing {"event":"obtained","run":…,"names":…,"ms":…}. With -step it waits for a
// line on standard input before each, so that a bench can take turns between clients and count requests in between.
package run

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Peer is a client under measurement. Ready does what happens once per process (keys, account); Obtain is one
// certificate: private key made, order to chain, PEM in hand.
type Peer interface {
	Ready(ctx context.Context) error
	Obtain(ctx context.Context, names []string) (chain []byte, err error)
}

// Options are what the command line says.
type Options struct {
	Directory string
	Root      string
	Names     int
	Runs      int
	Step      bool
	Same      bool
}

type line struct {
	Event string  `json:"event"`
	Run   int     `json:"run,omitempty"`
	Names int     `json:"names,omitempty"`
	MS    float64 `json:"ms"`
}

// Flags reads the command line.
func Flags() Options {
	var o Options
	flag.StringVar(&o.Directory, "directory", "", "URL of the ACME directory")
	flag.StringVar(&o.Root, "root", "", "PEM file with the root that signs the directory's certificate")
	flag.IntVar(&o.Names, "names", 1, "names per certificate")
	flag.IntVar(&o.Runs, "runs", 5, "certificates to obtain")
	flag.BoolVar(&o.Step, "step", false, "wait for a line on standard input before each certificate; end with the input")
	flag.BoolVar(&o.Same, "same", false, "ask for the same names each time, so that the CA may reuse authorizations")
	flag.Parse()
	if o.Directory == "" || o.Root == "" || o.Names < 1 || o.Runs < 1 {
		flag.Usage()
		os.Exit(2)
	}
	return o
}

// Pool reads the root that the directory's certificate is checked against.
func (o Options) Pool() (*x509.CertPool, error) {
	text, err := os.ReadFile(o.Root)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", o.Root)
	}
	return pool, nil
}

// Main measures the peer and exits with status 1 when it fails.
func Main(o Options, peer Peer) {
	if err := measure(o, peer); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func measure(o Options, peer Peer) error {
	ctx := context.Background()
	out := json.NewEncoder(os.Stdout)

	start := time.Now()
	if err := peer.Ready(ctx); err != nil {
		return fmt.Errorf("getting ready: %w", err)
	}
	if err := out.Encode(line{Event: "ready", MS: since(start)}); err != nil {
		return err
	}

	steps := bufio.NewScanner(os.Stdin)
	for n := 1; n <= o.Runs; n++ {
		if o.Step && !steps.Scan() {
			return steps.Err()
		}
		names := fresh(n, o.Names)
		if o.Same {
			names = fresh(0, o.Names)
		}
		start := time.Now()
		chain, err := peer.Obtain(ctx, names)
		ms := since(start)
		if err != nil {
			return fmt.Errorf("run %d: %w", n, err)
		}
		if err := covers(chain, names); err != nil {
			return fmt.Errorf("run %d: %w", n, err)
		}
		if err := out.Encode(line{Event: "obtained", Run: n, Names: o.Names, MS: ms}); err != nil {
			return err
		}
	}
	return nil
}

func fresh(run, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = "n" + strconv.Itoa(i) + ".r" + strconv.Itoa(run) + ".p" + strconv.Itoa(os.Getpid()) + ".test"
	}
	return names
}

// A run counts only if it ended in a certificate for what was asked.
func covers(chain []byte, names []string) error {
	block, _ := pem.Decode(chain)
	if block == nil {
		return fmt.Errorf("no certificate in the answer")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := leaf.VerifyHostname(name); err != nil {
			return err
		}
	}
	return nil
}

func since(start time.Time) float64 {
	return float64(time.Since(start).Microseconds()) / 1000
}
