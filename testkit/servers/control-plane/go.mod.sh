#!/bin/sh
# Writes go.mod and go.sum anew: what Kubernetes says of itself at this version, with its staging modules, which it keeps in its own
# tree, taken as they are published. Kubernetes 1.x is k8s.io/api 0.x.
set -eu

version=${1:?usage: go.mod.sh VERSION, as in: go.mod.sh 1.36.3}
cd "$(dirname "$0")"

source=$(cd / && go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
staging=v0.${version#1.}
{
    echo "module github.com/certwright/certwright/testkit/servers/control-plane"
    sed -e '1,/^module /d' \
        -e "s|^\t\(k8s.io/[a-z-]*\) v0.0.0\$|\t\1 $staging|" \
        -e "s|^\t\(k8s.io/[a-z-]*\) => \./staging/.*|\t\1 => \1 $staging|" "$source"
    echo "require k8s.io/kubernetes v$version"
} >go.mod
go mod tidy
