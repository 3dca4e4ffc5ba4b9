#!/bin/sh
# Prints what ties modules/MODULE.wasm to its sources: their SHA-256, the artefact's, its manifest's, and that of the
# pinned tool chain with its flags.
#
#   digest.sh MODULE
set -eu
module=$1
cd "$(dirname "$0")/.."
sources=$(find guest-sdk/rust "modules/$module" -type f \( -name '*.rs' -o -name '*.bin' -o -name Cargo.toml -o -name Cargo.lock \) \
    -not -path '*/target/*' -not -path 'guest-sdk/rust/kit/*' | LC_ALL=C sort)
# shellcheck disable=SC2086  # one word per file; no source has blanks in its name
echo "sources   $(cat $sources | sha256sum | cut -d' ' -f1)"
echo "artefact  $(sha256sum <"modules/$module.wasm" | cut -d' ' -f1)"
echo "manifest  $(sha256sum <"modules/$module.manifest" | cut -d' ' -f1)"
echo "toolchain $(cat testdata/toolchain/wasm-rust.pinned testdata/toolchain/wasm-rust.sh | sha256sum | cut -d' ' -f1)"
