#!/usr/bin/env bash
# bench-sandbox.sh: how many times longer chains of the stock module take in the sandbox, metered, than the same Rust does
# natively. Both take turns; the fastest of many short rounds counts.
set -euo pipefail
cd "$(dirname "$0")/../.."
toolchain=testdata/toolchain/wasm-rust.sh
$toolchain ensure
wasm=$($toolchain build modules/stock chain_speed)
(cd modules/stock && cargo build -q --release --bin chain_speed)
BERTH_SANDBOX_NATIVE=$PWD/modules/stock/target/release/chain_speed BERTH_SANDBOX_WASM=$wasm \
  go test ./host/metering -run '^$' -bench '^BenchmarkSandbox$' -benchtime 1x | awk '
  /^Benchmark/ {
    for (i = 3; i < NF; i += 2) if ($(i + 1) ~ /-(x|ns)$/) figure[$(i + 1)] = $i
    for (name in figure) if (sub(/-x$/, "", name)) printf "%-5s %7.0f ns a record, %5.2f x native\n", name, figure[name "-ns"], figure[name "-x"]
  }
  /FAIL|panic/ { print; failed = 1 }
  END { exit failed }'
