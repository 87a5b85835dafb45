// Command gateway-api prints the definitions of the Gateway API, from the YAML files of its module in the folder that is named, as one JSON list.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gateway-api:", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return err
	}
	crds := []json.RawMessage{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		crd, err := yaml.YAMLToJSON(text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		var kind struct{ Kind string }
		if err := json.Unmarshal(crd, &kind); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if kind.Kind == "CustomResourceDefinition" {
			crds = append(crds, crd)
		}
	}
	if len(crds) == 0 {
		return fmt.Errorf("no definitions in %s", folder)
	}
	return json.NewEncoder(os.Stdout).Encode(crds)
}
