#!/bin/sh
# Proves that each bundled module was built from the sources beside it: by digest always, and by building it again and
# comparing bytes where the pinned tool chain is installed.
set -eu
cd "$(dirname "$0")"
fail() {
    echo "check.sh: $1" >&2
    exit 1
}

# check_go builds again where Go is of the release that built the module.
check_go() {
    if ! grep -q "^toolchain $(../testdata/toolchain/wasm-go.sh id) " "$1.digest"; then
        echo "build of $1: not compared, it was built by another release of Go"
        return
    fi
    built=$(../testdata/toolchain/wasm-go.sh build "modules/$1")
    gzip -dc "$1.wasm.gz" | cmp "$built" - || fail "a fresh build differs from the committed $1.wasm.gz"
    echo "build of $1: a fresh build gives the same bytes"
}

for module in $(cat bundled); do
    ./digest.sh "$module" | cmp -s - "$module.digest" ||
        fail "$module.wasm, its sources and $module.digest disagree: run modules/build.sh"
    echo "digest of $module: sources and artefact agree"
    if [ -e "$module/main.go" ]; then
        check_go "$module"
        continue
    fi
    if [ "$(../testdata/toolchain/wasm-rust.sh id 2>/dev/null | cut -d: -f1)" = debian12 ]; then
        built=$(../testdata/toolchain/wasm-rust.sh build "$module" "$module")
        cmp "$built" "$module.wasm" || fail "a fresh build differs from the committed $module.wasm"
        echo "build of $module: a fresh build gives the same bytes"
    else
        echo "build: not compared, the pinned tool chain is not installed (testdata/toolchain/wasm-rust.sh install)"
    fi
done
