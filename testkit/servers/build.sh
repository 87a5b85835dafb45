#!/bin/sh
# Builds the pinned test servers into ${CARGO_TARGET_DIR:-target}/servers; does nothing when they are newer than go.sum.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${CARGO_TARGET_DIR:-target}/servers
case $out in /*) ;; *) out=$root/$out ;; esac

command -v go >/dev/null || { echo "build.sh: the test servers are built with Go; install it (go.dev/dl, or the system's package)" >&2; exit 1; }
mkdir -p "$out"

# Pebble with the patches beside it, which say what for. The module is copied, since nobody changes what Go has downloaded.
for name in pebble pebble-challtestsrv; do
    if [ -x "$out/$name" ] && [ -z "$(find "$here/go.sum" "$here/pebble" -type f -newer "$out/$name")" ]; then continue; fi
    echo "building $name into $out"
    part=$out/.$name.$$
    source=$out/.$name-source.$$
    (
        cd "$here"
        go mod download github.com/letsencrypt/pebble/v2
        cp -R "$(go list -mod=readonly -m -f '{{.Dir}}' github.com/letsencrypt/pebble/v2)" "$source"
        chmod -R u+w "$source"
        for patch in pebble/*.patch; do patch --quiet --strip=1 --directory="$source" <"$patch"; done
        # Another go.mod and go.sum that take it from there.
        cp go.mod "$source.mod"
        cp go.sum "$source.sum"
        go mod edit -replace="github.com/letsencrypt/pebble/v2=$source" "$source.mod"
        CGO_ENABLED=0 go build -mod=readonly -modfile="$source.mod" -trimpath -buildvcs=false -o "$part" "github.com/letsencrypt/pebble/v2/cmd/$name"
    )
    rm -rf "$source" "$source.mod" "$source.sum"
    # A half-written program must never look finished, also when two of us build at once.
    mv "$part" "$out/$name"
done

# Vault in a module of its own: nothing else shall share its dependencies. The checksum database lacks one of its plugins; go.sum has all.
if [ ! -x "$out/vault" ] || [ -n "$(find "$here/vault" -type f -newer "$out/vault")" ]; then
    echo "building vault into $out"
    part=$out/.vault.$$
    (cd "$here/vault" && CGO_ENABLED=0 GONOSUMDB='github.com/hashicorp/*' go build -mod=readonly -trimpath -buildvcs=false -ldflags='-s -w' -o "$part" .)
    mv "$part" "$out/vault"
fi

# Smallstep's certificate authority, also in a module of its own.
if [ ! -x "$out/step-ca" ] || [ -n "$(find "$here/step-ca" -type f -newer "$out/step-ca")" ]; then
    echo "building step-ca into $out"
    part=$out/.step-ca.$$
    (cd "$here/step-ca" && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags='-s -w' -o "$part" .)
    mv "$part" "$out/step-ca"
fi

# lego's DNS providers, as judges of the doubles of DNS services. The checksum database lacks Akamai's library; go.sum has it.
if [ ! -x "$out/lego" ] || [ -n "$(find "$here/lego" -type f -newer "$out/lego")" ]; then
    echo "building lego into $out"
    part=$out/.lego.$$
    (cd "$here/lego" && CGO_ENABLED=0 GONOSUMDB='github.com/akamai/*' go build -mod=readonly -trimpath -buildvcs=false -ldflags='-s -w' -o "$part" .)
    mv "$part" "$out/lego"
fi

# Kubernetes' control plane, in a module of its own; the first build takes minutes.
if [ ! -x "$out/control-plane" ] || [ -n "$(find "$here/control-plane" -type f -newer "$out/control-plane")" ]; then
    echo "building control-plane into $out"
    part=$out/.control-plane.$$
    # What Kubernetes' own build says of itself, so that clients that ask for the version hear it.
    version=$(cd "$here/control-plane" && go list -mod=readonly -m -f '{{.Version}}' k8s.io/kubernetes)
    minor=${version#v1.}
    as=k8s.io/component-base/version
    flags="-s -w -X $as.gitVersion=$version -X $as.gitMajor=1 -X $as.gitMinor=${minor%%.*}"
    (cd "$here/control-plane" && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags="$flags" -o "$part" .)
    mv "$part" "$out/control-plane"
fi

# The definitions of the Gateway API, which no server brings, as one list in JSON.
if [ ! -s "$out/gateway-api.json" ] || [ -n "$(find "$here/gateway-api" -type f -newer "$out/gateway-api.json")" ]; then
    echo "collecting gateway-api.json into $out"
    part=$out/.gateway-api.$$
    (
        cd "$here/gateway-api"
        go mod download sigs.k8s.io/gateway-api
        go run -mod=readonly . "$(go list -mod=readonly -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)/config/crd/standard"
    ) >"$part"
    mv "$part" "$out/gateway-api.json"
fi

# moto and botocore in an environment of their own.
if ! cmp -s "$here/moto/requirements.txt" "$out/moto/requirements.txt"; then
    echo "installing moto into $out"
    part=$out/.moto.$$
    python3 -m venv "$part" || { echo "build.sh: moto wants Python's venv: apt-get install python3-venv" >&2; exit 1; }
    "$part/bin/python3" -m pip install --quiet --disable-pip-version-check -r "$here/moto/requirements.txt"
    cp "$here/moto/requirements.txt" "$part"
    rm -rf "$out/moto"
    mv "$part" "$out/moto"
fi

# The judges of certificates: Go's crypto/x509 with zlint, and pkilint with Python's cryptography.
if [ ! -x "$out/judge" ] || [ -n "$(find "$here/judge" -type f -newer "$out/judge")" ]; then
    echo "building judge into $out"
    part=$out/.judge.$$
    (cd "$here/judge" && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -o "$part" .)
    mv "$part" "$out/judge"
fi
if ! cmp -s "$here/pkilint/requirements.txt" "$out/pkilint/requirements.txt"; then
    echo "installing pkilint into $out"
    part=$out/.pkilint.$$
    python3 -m venv "$part"
    "$part/bin/python3" -m pip install --quiet --disable-pip-version-check -r "$here/pkilint/requirements.txt"
    cp "$here/pkilint/requirements.txt" "$part"
    rm -rf "$out/pkilint"
    mv "$part" "$out/pkilint"
fi
