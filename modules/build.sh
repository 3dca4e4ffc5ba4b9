#!/bin/sh
# Builds the bundled modules and, into an ignored folder, the conformance kit of the Rust SDK.
#
#   build.sh [MODULE…]   build modules/MODULE.wasm with its manifest, and write modules/MODULE.digest (all of them); a
#                        module in Go is modules/MODULE.wasm.gz
#   build.sh kit [NAME…] build modules/built/NAME-rust.wasm of guest-sdk/rust/kit: kit, fetch, stamp-1.0.0 and
#                        stamp-2.0.0 (all of them)
set -eu
cd "$(dirname "$0")"
toolchain=../testdata/toolchain/wasm-rust.sh

build() {
    if [ -e "$1/main.go" ]; then
        build_go "$1"
        return
    fi
    if [ "$($toolchain id | cut -d: -f1)" != debian12 ]; then
        echo "build.sh: only the pinned tool chain makes the committed bytes; see $toolchain install" >&2
        exit 1
    fi
    cp "$($toolchain build "$1" "$1")" "$1.wasm"
    chmod 644 "$1.wasm"
    go run ../testdata/manifest "$1.wasm" "$1.manifest"
    ./digest.sh "$1" >"$1.digest"
    ls -l "$1.wasm"
}

# build_go packs what it builds: a Go module with a client of some system has 15 MB and more.
build_go() {
    built=$(../testdata/toolchain/wasm-go.sh build "modules/$1")
    go run ../testdata/manifest "$built" "$1.manifest"
    gzip -9nc "$built" >"$1.wasm.gz"
    ./digest.sh "$1" >"$1.digest"
    ls -l "$1.wasm.gz"
}

case "${1:-}" in
'')
    for module in $(cat bundled); do build "$module"; done
    ;;
kit)
    shift
    mkdir -p built
    for name in ${*:-kit fetch stamp-1.0.0 stamp-2.0.0}; do
        case $name in stamp-2*) features=second ;; *) features= ;; esac
        cp "$($toolchain build ../guest-sdk/rust/kit "${name%-*}" "$features")" "built/$name-rust.wasm"
        ls -l "built/$name-rust.wasm"
    done
    ;;
*)
    for module in "$@"; do
        grep -qx "$module" bundled || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
        build "$module"
    done
    ;;
esac
