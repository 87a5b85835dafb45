# What the scripts beside this file share; sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# One folder for everything that is built, named absolutely so that every tool means the same.
target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$root/$target ;; esac
export CARGO_TARGET_DIR=$target CARGO_TERM_COLOR=never
mkdir -p "$target"
logs=$target/ci
mkdir -p "$logs"

steps=()
failed=()

say() { printf '%s\n' "$*"; }

# step NAME COMMAND...: runs the command, times it, remembers how it ended, and goes on.
step() {
    local name=$1 began=$SECONDS outcome=ok
    shift
    say "== $name"
    if ! "$@"; then
        outcome=FAILED
        failed+=("$name")
    fi
    steps+=("$(printf '%5d s  %-7s %s' $((SECONDS - began)) "$outcome" "$name")")
    say "== $name: $outcome, $((SECONDS - began)) s"
}

# summary: every step with its time; fails when one did.
summary() {
    say "== steps"
    printf '%s\n' "${steps[@]}"
    if ((${#failed[@]})); then
        printf 'failed: %s\n' "${failed[@]}"
        return 1
    fi
}

# counted COMMAND...: runs a `cargo test` and keeps its output for `counts`.
counted() {
    local log
    log=$(mktemp "$logs/test-XXXXXX.log")
    "$@" 2>&1 | tee "$log"
    return "${PIPESTATUS[0]}"
}

forget_counts() { rm -f "$logs"/test-*.log; }

# counts: the sum of every `test result:` line since `forget_counts`, as the line that closes a run; fails when a test failed or none ran.
counts() {
    find "$logs" -name 'test-*.log' -exec cat {} + | awk '
        /^test result: / {
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) passed += $(i - 1)
                if ($i ~ /^failed/) failed += $(i - 1)
                if ($i ~ /^ignored/) ignored += $(i - 1)
            }
        }
        END {
            skipped = ignored ? sprintf(", %d skipped", ignored) : ""
            printf "%d passed, %d failed%s\n", passed, failed, skipped
            exit (failed || !passed)
        }'
}

# need PROGRAM PACKAGE: installs Debian's PACKAGE unless PROGRAM is there, also where only root looks for programs.
missing=()
need() {
    PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || missing+=("$2")
}

install_missing() {
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null || {
        say "not on this machine, and there is no apt-get to install it: ${missing[*]}" >&2
        return 1
    }
    local as_root=()
    ((EUID == 0)) || as_root=(sudo)
    # Run level 1: a name server for tests is installed, not started.
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get)
    "${apt[@]}" update -qq && "${apt[@]}" install -qq -y --no-install-recommends "${missing[@]}"
}

# What every build needs. Rust itself is the machine's owner's choice.
prepare() {
    command -v cargo >/dev/null || {
        say "there is no cargo: install Rust (rustup.rs)" >&2
        return 1
    }
    need cc gcc
    need cc libc6-dev
    need make make
    need openssl openssl
    need python3 python3
    install_missing
}

# What the real servers need besides.
prepare_servers() {
    command -v go >/dev/null || {
        say "there is no Go: the test servers are built with it; install it (go.dev/dl), or run .ci/test --fast" >&2
        return 1
    }
    need patch patch
    need named bind9
    need dig bind9-dnsutils
    need knotd knot
    need keytool default-jre-headless
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    install_missing && sh testkit/servers/build.sh
}
