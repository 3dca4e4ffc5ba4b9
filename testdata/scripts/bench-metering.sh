#!/usr/bin/env bash
# bench-metering.sh: how many times longer guests take with metering: a JSON pass in Rust and in Go, a flat copy, loops of
# one line. Both forms take turns; the fastest of many short rounds counts.
set -euo pipefail
cd "$(dirname "$0")/../.."
testdata/scripts/need.sh wat2wasm
toolchain=testdata/toolchain/wasm-rust.sh
$toolchain ensure
rust=$($toolchain build modules/stock json_speed)
BERTH_METERING_RUST=$rust go test ./host/metering -run '^$' -bench '^BenchmarkCost$' -benchtime 1x | awk '
  /^Benchmark/ {
    sub(/^BenchmarkCost\//, "", $1); sub(/-[0-9]+$/, "", $1)
    for (i = 3; i < NF; i += 2) if ($(i + 1) ~ /-x$/) { what = $(i + 1); sub(/-x$/, "", what); printf "%-9s %-6s %5.2f x\n", $1, what, $i }
  }
  /FAIL|panic/ { print; failed = 1 }
  END { exit failed }'
