#!/usr/bin/env bash
# lint.sh: form and vet checks, no tests. STATICCHECK names the pinned tool.
set -euo pipefail
cd "$(dirname "$0")/../.."
programs="./testdata/bench ./testdata/demo/... ./testdata/disputed ./testdata/docs ./testdata/e2e ./testdata/guests ./testdata/local"
programs="$programs ./testdata/manifest ./testdata/restconformance ./testdata/state ./testdata/vectors"
guests=$(for dir in abi guest-sdk modules; do
  [ -z "$(find "$dir" -name '*.go' -print -quit)" ] || printf './%s/... ' "$dir"
done)

echo "gofmt"
unformatted=$(git ls-files -co --exclude-standard '*.go' | while read -r f; do [ -e "$f" ] && echo "$f"; done | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "not formatted, run gofmt -w on:"; echo "$unformatted"; exit 1; }

echo "go vet"
# shellcheck disable=SC2086 # lists of packages
go vet -tags jvm,realkafka,realregistry,tmpfs ./... $programs # the tag adds tests, it takes none away
# shellcheck disable=SC2086
[ -z "$guests" ] || GOOS=wasip1 GOARCH=wasm go vet $guests

echo "staticcheck" # but ST1005: errors that reach the user are Connect's, letter by letter
# shellcheck disable=SC2086
go run "$STATICCHECK" -tags jvm,realkafka,realregistry,tmpfs -checks inherit,-ST1005 ./... $programs

echo "bash -n"
git ls-files -co --exclude-standard | while read -r f; do
  [ -f "$f" ] || continue
  case $(head -c 64 "$f" | head -n 1 | tr -d '\0') in '#!'*bash*|'#!'*/sh*) bash -n "$f" ;; esac
done

# Rust's own tools come with its tool chain; without one, the tests still build and run that code.
if command -v cargo >/dev/null 2>&1; then
  git ls-files -co --exclude-standard '*Cargo.lock' '*Cargo.toml' | xargs -rn1 dirname | sort -u | while read -r dir; do
    if cargo fmt --version >/dev/null 2>&1; then echo "cargo fmt $dir"; (cd "$dir" && cargo fmt --all -- --check); fi
    if cargo clippy --version >/dev/null 2>&1; then
      echo "cargo clippy $dir"; (cd "$dir" && cargo clippy -q --all-targets --all-features -- -D warnings)
    fi
  done
fi
