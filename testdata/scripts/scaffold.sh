#!/usr/bin/env bash
# scaffold.sh LANGUAGE...: each kind of plugin that "berth plugin new" makes builds, passes its own tests and is accepted
# by the host, without a network.
set -euo pipefail
cd "$(dirname "$0")/../.."
berth=$PWD/bin/berth
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOPROXY=off GOFLAGS=-mod=mod CARGO_NET_OFFLINE=true CARGO_TARGET_DIR="$dir/target"
cd "$dir"
for language in "$@"; do
  for kind in source sink transform predicate converter; do
    name=my-$language-$kind
    "$berth" plugin new "$kind" "$name" -lang "$language" >/dev/null
    case $language in
      go) (cd "$name" && test -z "$(gofmt -l ./*.go)" && go vet . && go test .) ;;
      rust) (cd "$name" && cargo test -q) ;;
    esac
    rm -rf "$dir/target/wasm32-wasip1/release/"*.wasm
    "$berth" plugin build "$name"
    "$berth" plugin inspect "$name/$name.wasm" | grep -q "^$kind" || { echo "$name is no $kind"; exit 1; }
  done
done
