// Writes TXT records through lego's providers, so that what we believe of a DNS service is also believed by somebody else.
//
// One JSON object a line in, one out. `open` makes a provider; `present` and `clean up` are what lego calls them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/challenge/dns01"
)

type question struct {
	Ask string `json:"ask"`
	// Open: the provider's name, where its service answers, the zone that the DNS shows, and the provider's own settings.
	Provider string            `json:"provider"`
	URL      string            `json:"url"`
	Zone     string            `json:"zone"`
	Settings map[string]string `json:"settings"`
	// Present and clean up.
	Domain  string `json:"domain"`
	Token   string `json:"token"`
	KeyAuth string `json:"key_auth"`
}

type answer map[string]any

func main() {
	var provider challenge.Provider
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		said, err := reply(&provider, lines.Bytes())
		if err != nil {
			said = answer{"failed": err.Error()}
		}
		if err := out.Encode(said); err != nil {
			fmt.Fprintln(os.Stderr, "lego:", err)
			os.Exit(1)
		}
	}
}

func reply(provider *challenge.Provider, line []byte) (answer, error) {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return nil, err
	}
	ctx := context.Background()
	switch asked.Ask {
	case "open":
		if err := show(asked.Zone); err != nil {
			return nil, err
		}
		opened, err := open(asked)
		*provider = opened
		return answer{}, err
	case "present":
		value := dns01.GetChallengeInfo(ctx, asked.Domain, asked.KeyAuth).Value
		return answer{"value": value}, (*provider).Present(ctx, asked.Domain, asked.Token, asked.KeyAuth)
	case "clean up":
		return answer{}, (*provider).CleanUp(ctx, asked.Domain, asked.Token, asked.KeyAuth)
	default:
		return nil, fmt.Errorf("nobody here knows how to %q", asked.Ask)
	}
}
