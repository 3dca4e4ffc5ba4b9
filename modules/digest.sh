#!/bin/sh
# Prints what ties a built module to its sources: their SHA-256, the artefact's, its manifest's, and that of the pinned
# tool chain with its flags, or the release of Go that built it. An artefact that is packed counts as what is in it.
#
#   digest.sh MODULE
set -eu
module=$1
cd "$(dirname "$0")/.."
go=testdata/toolchain/wasm-go.sh
if [ -e "modules/$module/main.go" ]; then
    sources=$($go sources "modules/$module")
    toolchain="$($go id) $(sha256sum <$go | cut -d' ' -f1)"
else
    files=$(find guest-sdk/rust "modules/$module" -type f \( -name '*.rs' -o -name '*.bin' -o -name Cargo.toml -o -name Cargo.lock \) \
        -not -path '*/target/*' -not -path 'guest-sdk/rust/kit/*' | LC_ALL=C sort)
    # shellcheck disable=SC2086  # one word per file; no source has blanks in its name
    sources=$(cat $files | sha256sum | cut -d' ' -f1)
    toolchain=$(cat testdata/toolchain/wasm-rust.pinned testdata/toolchain/wasm-rust.sh | sha256sum | cut -d' ' -f1)
fi
if [ -e "modules/$module.wasm.gz" ]; then
    artefact=$(gzip -dc "modules/$module.wasm.gz" | sha256sum | cut -d' ' -f1)
else
    artefact=$(sha256sum <"modules/$module.wasm" | cut -d' ' -f1)
fi
echo "sources   $sources"
echo "artefact  $artefact"
echo "manifest  $(sha256sum <"modules/$module.manifest" | cut -d' ' -f1)"
echo "toolchain $toolchain"
