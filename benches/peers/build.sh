#!/bin/sh
# Builds the pinned rivals into ${CARGO_TARGET_DIR:-target}/peers; does nothing when they are newer than their sources.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${CARGO_TARGET_DIR:-target}/peers
case $out in /*) ;; *) out=$root/$out ;; esac

command -v go >/dev/null || { echo "build.sh: the rivals are built with Go; install it (go.dev/dl, or the system's package)" >&2; exit 1; }
mkdir -p "$out"

for name in lego certmagic x509; do
    if [ -x "$out/$name" ] && [ -z "$(find "$here/go.sum" "$here/run" "$here/$name" -newer "$out/$name")" ]; then continue; fi
    echo "building $name into $out"
    part=$out/.$name.$$
    (cd "$here" && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -o "$part" "./$name")
    # A half-written program must never look finished, also when two of us build at once.
    mv "$part" "$out/$name"
done
