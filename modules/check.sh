#!/bin/sh
# Proves that modules/stock.wasm was built from the sources beside it: by digest always, and by building it again and
# comparing bytes where the pinned tool chain is installed.
set -eu
cd "$(dirname "$0")"
fail() {
    echo "check.sh: $1" >&2
    exit 1
}

./digest.sh | cmp -s - stock.digest || fail "stock.wasm, its sources and stock.digest disagree: run modules/build.sh"
echo "digest: sources and artefact agree"
if [ "$(../testdata/toolchain/wasm-rust.sh id 2>/dev/null | cut -d: -f1)" = debian12 ]; then
    built=$(../testdata/toolchain/wasm-rust.sh build stock stock)
    cmp "$built" stock.wasm || fail "a fresh build differs from the committed stock.wasm"
    echo "build: a fresh build gives the same bytes"
else
    echo "build: not compared, the pinned tool chain is not installed (testdata/toolchain/wasm-rust.sh install)"
fi
