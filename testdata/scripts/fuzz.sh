#!/usr/bin/env bash
# fuzz.sh: each fuzz target of the repository for FUZZTIME.
set -euo pipefail
cd "$(dirname "$0")/../.."
git grep -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | while IFS=: read -r file func; do
  go test "./$(dirname "$file")" -run '^$' -fuzz "^${func#func }\$" -fuzztime "${FUZZTIME:-20s}" -fuzzminimizetime 10x
done
