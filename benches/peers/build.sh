#!/bin/sh
# Builds the pinned rivals into ${CARGO_TARGET_DIR:-target}/peers; does nothing when they are newer than their sources.
#
#   build.sh                the small ones
#   build.sh cert-manager   cert-manager's controller, which takes minutes: the rival of the bench `controller`, the judge of long tests
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${CARGO_TARGET_DIR:-target}/peers
case $out in /*) ;; *) out=$root/$out ;; esac

command -v go >/dev/null || { echo "build.sh: the rivals are built with Go; install it (go.dev/dl, or the system's package)" >&2; exit 1; }
mkdir -p "$out"

# In a module of its own: nothing else shall share its hundreds of dependencies.
if [ "${1-}" = cert-manager ]; then
    if [ -x "$out/cert-manager" ] && [ -z "$(find "$here/cert-manager" -type f -newer "$out/cert-manager")" ]; then exit; fi
    echo "building cert-manager into $out"
    part=$out/.cert-manager.$$
    version=$(cd "$here/cert-manager" && go list -mod=readonly -m -f '{{.Version}}' github.com/cert-manager/cert-manager)
    flags="-s -w -X github.com/cert-manager/cert-manager/pkg/util.AppVersion=$version"
    (cd "$here/cert-manager" && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags="$flags" -o "$part" .)
    mv "$part" "$out/cert-manager"
    exit
fi

for name in lego certmagic x509; do
    if [ -x "$out/$name" ] && [ -z "$(find "$here/go.sum" "$here/run" "$here/$name" -newer "$out/$name")" ]; then continue; fi
    echo "building $name into $out"
    part=$out/.$name.$$
    (cd "$here" && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -o "$part" "./$name")
    # A half-written program must never look finished, also when two of us build at once.
    mv "$part" "$out/$name"
done
