#!/bin/sh
# Builds the stock module and, into an ignored folder, the conformance kit of the Rust SDK.
#
#   build.sh          build modules/stock.wasm and write modules/stock.digest
#   build.sh kit      build guest-sdk/rust/kit into modules/built/kit-rust.wasm
set -eu
cd "$(dirname "$0")"
toolchain=../testdata/toolchain/wasm-rust.sh

case "${1:-stock}" in
stock)
    if [ "$($toolchain id | cut -d: -f1)" != debian12 ]; then
        echo "build.sh: only the pinned tool chain makes the committed bytes; see $toolchain install" >&2
        exit 1
    fi
    cp "$($toolchain build stock stock)" stock.wasm
    chmod 644 stock.wasm
    ./digest.sh >stock.digest
    ls -l stock.wasm
    ;;
kit)
    mkdir -p built
    cp "$($toolchain build ../guest-sdk/rust/kit kit)" built/kit-rust.wasm
    ls -l built/kit-rust.wasm
    ;;
*)
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
