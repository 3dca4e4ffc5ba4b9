#!/bin/sh
# Proves that each bundled module was built from the sources beside it: by digest always, and by building it again and
# comparing bytes where the pinned tool chain is installed.
set -eu
cd "$(dirname "$0")"
fail() {
    echo "check.sh: $1" >&2
    exit 1
}

for module in $(cat bundled); do
    ./digest.sh "$module" | cmp -s - "$module.digest" ||
        fail "$module.wasm, its sources and $module.digest disagree: run modules/build.sh"
    echo "digest of $module: sources and artefact agree"
    if [ "$(../testdata/toolchain/wasm-rust.sh id 2>/dev/null | cut -d: -f1)" = debian12 ]; then
        built=$(../testdata/toolchain/wasm-rust.sh build "$module" "$module")
        cmp "$built" "$module.wasm" || fail "a fresh build differs from the committed $module.wasm"
        echo "build of $module: a fresh build gives the same bytes"
    else
        echo "build: not compared, the pinned tool chain is not installed (testdata/toolchain/wasm-rust.sh install)"
    fi
done
