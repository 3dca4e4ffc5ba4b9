#!/usr/bin/env bash
# vectors.sh DIR [-v]: plays the recorded answers of Kafka Connect in DIR/*.jsonl through the worker's own parts and
# prints what differs and, last, "N passed, N failed". See testdata/vectors.
set -euo pipefail
vectors=$(cd "${1:?the folder of the vectors}" && pwd)
shift
cd "$(dirname "$0")/../.."
toolchain=testdata/toolchain/wasm-rust.sh
$toolchain ensure
probe=$($toolchain build modules/stock probe vectors)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/vectors" ./testdata/vectors
"$dir/vectors" -probe "$probe" "$@" "$vectors"
