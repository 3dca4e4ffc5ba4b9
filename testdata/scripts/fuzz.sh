#!/usr/bin/env bash
# fuzz.sh: each fuzz target of the repository for FUZZTIME: those of Go, then the tests in Rust that are called with seeds.
set -euo pipefail
cd "$(dirname "$0")/../.."
git grep -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | while IFS=: read -r file func; do
  go test "./$(dirname "$file")" -run '^$' -fuzz "^${func#func }\$" -fuzztime "${FUZZTIME:-20s}" -fuzzminimizetime 10x
done
for dir in modules/stock modules/registry modules/expr; do # optimised, with the checks for overflow that a module does not have
  (cd "$dir" && CARGO_PROFILE_DEV_OPT_LEVEL=2 CARGO_TARGET_DIR=target/fuzz BERTH_FUZZ_TIME=${FUZZTIME:-20s} \
    cargo test --test fuzz -- --nocapture --test-threads=1)
done
