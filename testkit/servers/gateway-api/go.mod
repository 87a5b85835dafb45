module github.com/certwright/certwright/testkit/servers/gateway-api

go 1.26.0

require (
	// Imported by nobody: its files are read, so `go mod tidy` must not be asked.
	sigs.k8s.io/gateway-api v1.6.1
	sigs.k8s.io/yaml v1.6.0
)

require go.yaml.in/yaml/v2 v2.4.4 // indirect
