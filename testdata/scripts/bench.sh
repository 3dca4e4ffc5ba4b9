#!/usr/bin/env bash
# bench.sh speed|footprint|tenants|shadow [jvm]: the benchmark on a real Kafka; jvm lets Kafka Connect's own worker take turns.
#   BENCH_PIPELINES  names, like "P1 P2" (all)          BENCH_RECORDS     of a repeat (1000000)
#   BENCH_REPEATS    of each system (3)                 BENCH_TABLE       a file that gets the table, too
#   BENCH_JVM_WARMUP of the JVM worker (60s)            BENCH_BOOTSTRAP   a broker that is there already
#   BENCH_BROKER_PID its process, to show its CPU       BENCH_CONNECTORS  numbers of idle ones ("0 1 10 100")
#   BENCH_IDLE       time of measuring idle CPU (15s)   BENCH_LATENCY     time of measuring latency (20s)
#   BENCH_TENANTS    of the worker that has many (100)
set -euo pipefail
cd "$(dirname "$0")/../.."
mode=${1:?speed, footprint, tenants or shadow} with=${2:-}
dir=$(mktemp -d)
trap 'testdata/kafka/kafka.sh stop "$dir/kafka" >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT

# row_source makes a folder with the module of P4's source.
row_source() {
  local toolchain=testdata/toolchain/wasm-rust.sh
  mkdir "$dir/plugins"
  $toolchain ensure
  cp "$($toolchain build testdata/bench/rows rows)" "$dir/plugins/"
  echo "$dir/plugins"
}

# jvm_class_path: Kafka Connect 4.1.1 from Maven Central and the null sink, which is compiled here.
jvm_class_path() {
  . testdata/kafka/lib.sh
  fetch_connect_jars
  javac -cp "$connect_jars/*" -d "$dir/classes" testdata/bench/*.java >&2
  echo "$connect_jars/*:$dir/classes"
}

bootstrap=${BENCH_BOOTSTRAP:-} broker=${BENCH_BROKER_PID:-0}
if [ -z "$bootstrap" ]; then
  testdata/scripts/need.sh curl java mvn
  bootstrap=$(testdata/kafka/kafka.sh start "$dir/kafka" | sed -n 's/^BOOTSTRAP=//p')
  read -r broker _ <"$dir/kafka/pid"
fi
plugins=
[ "$mode" = tenants ] || [ "$mode" = shadow ] || plugins=$(row_source)
options=(-bootstrap "$bootstrap" -broker-pid "$broker" -dir "$dir" -pipelines "${BENCH_PIPELINES:-}"
  -records "${BENCH_RECORDS:-1000000}" -repeats "${BENCH_REPEATS:-3}" -table "${BENCH_TABLE:-}"
  -plugins "$plugins" -connectors "${BENCH_CONNECTORS:-0 1 10 100}" -idle "${BENCH_IDLE:-15s}" -latency "${BENCH_LATENCY:-20s}"
  -tenants "${BENCH_TENANTS:-100}")
if [ "$with" = jvm ]; then
  testdata/scripts/need.sh java javac mvn
  options+=(-jvm "$(jvm_class_path)" -jvm-warm-up "${BENCH_JVM_WARMUP:-60s}")
fi
go build -o "$dir/bench" ./testdata/bench
"$dir/bench" "${options[@]}" "$mode"
