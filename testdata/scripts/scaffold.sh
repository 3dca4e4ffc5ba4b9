#!/usr/bin/env bash
# scaffold.sh LANGUAGE...: each kind of plugin that "berth plugin new" makes builds, passes its own tests and is accepted
# by the host, without a network.
set -euo pipefail
cd "$(dirname "$0")/../.."
berth=$PWD/bin/berth
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOPROXY=off GOFLAGS=-mod=mod CARGO_NET_OFFLINE=true CARGO_TARGET_DIR="$dir/target"
rust=(env)
if [ "$(testdata/toolchain/wasm-rust.sh id 2>/dev/null | cut -d: -f1)" = debian12 ]; then # it brings no built std
  libc=/usr/lib/wasm32-wasi
  rust=(env PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=std,panic_abort
    CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-14
    CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="-Clink-self-contained=no -Clink-arg=$libc/crt1-command.o -Clink-arg=-L$libc")
fi
cd "$dir"
for language in "$@"; do
  for kind in source sink transform predicate converter; do
    name=my-$language-$kind
    "$berth" plugin new "$kind" "$name" -lang "$language" >/dev/null
    case $language in
      go) (cd "$name" && test -z "$(gofmt -l ./*.go)" && go vet . && go test .) ;;
      rust) (cd "$name" && cargo test) ;;
    esac
    rm -rf "$dir/target/wasm32-wasip1/release/"*.wasm
    case $language in
      go) "$berth" plugin build "$name" ;;
      rust) "${rust[@]}" "$berth" plugin build "$name" ;;
    esac
    inspected=$("$berth" plugin inspect "$name/$name.wasm")
    grep -q "^$kind" <<<"$inspected" || { echo "$name is no $kind:"; echo "$inspected"; exit 1; }
  done
done
