#!/usr/bin/env bash
# bench.sh: the benchmark on a real Kafka. BENCH_RECORDS (2000000) and BENCH_REPEATS (3) set its size; BENCH_BOOTSTRAP
# names a broker that is there already.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'testdata/kafka/kafka.sh stop "$dir/kafka" >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
bootstrap=${BENCH_BOOTSTRAP:-}
if [ -z "$bootstrap" ]; then
  testdata/scripts/need.sh curl java mvn
  bootstrap=$(testdata/kafka/kafka.sh start "$dir/kafka" | sed -n 's/^BOOTSTRAP=//p')
fi
go build -o "$dir/bench" ./testdata/bench
"$dir/bench" -bootstrap "$bootstrap" -dir "$dir" -records "${BENCH_RECORDS:-2000000}" -repeats "${BENCH_REPEATS:-3}"
