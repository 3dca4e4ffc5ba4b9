#!/usr/bin/env bash
# kafka-integration.sh DIR [TEST...]: Apache Kafka's own Connect integration tests with Berth in the worker's place. DIR is
# the folder with their runner (run); a TEST is CLASS or CLASS#method, without any all that its file tests lists. Prints
# what the runner prints, "N passed, N failed, N skipped" at last, and fails unless exactly those tests fail that
# testdata/kafka-integration-disputed.md names. KAFKA_IT_OUT keeps what was logged.
set -euo pipefail
suite=$(cd "${1:?the folder with the runner of the tests}" && pwd)
shift
cd "$(dirname "$0")/../.."
testdata/scripts/need.sh java javac mvn python3 unzip

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/plugins" "$dir/compiled"
CGO_ENABLED=0 go build -trimpath -o "$dir/berth" .
GOOS=wasip1 GOARCH=wasm go build -ldflags '-s -w' -o "$dir/plugins/integration.wasm" ./testdata/guests/integration

# Each worker has a folder of its own, and all of them the compiled modules.
cat >"$dir/worker" <<END
#!/usr/bin/env bash
data=\$(mktemp -d "$dir/data.XXXXXX")
ln -s "$dir/compiled" "\$data/compiled"
exec "$dir/berth" worker -c "\$1" -set "plugin.path=$dir/plugins" -set "berth.data.dir=\$data"
END
chmod +x "$dir/worker"
WORKER_CMD=$dir/worker KAFKA_IT_CACHE=${KAFKA_IT_CACHE:-$HOME/.cache/berth-kafka-integration} "$suite/run" "$@" |
  tee "$dir/outcomes" || true # a failure may be an expected one
tail -n1 "$dir/outcomes" | grep -q ' passed, ' || { echo "the runner ended without a result" >&2; exit 1; }

grep -o '`[A-Za-z]*#[A-Za-z]*`' testdata/kafka-integration-disputed.md | tr -d '`' | sort >"$dir/disputed"
sed -n 's/^FAIL \([^ (]*\).*/\1/p' "$dir/outcomes" | sort -u >"$dir/failed"
sed -n 's/^ok *\([^ (]*\).*/\1/p' "$dir/outcomes" | sort -u >"$dir/passed"
comm -13 "$dir/disputed" "$dir/failed" | sed 's/$/ fails and is not disputed/' >"$dir/unexpected"
comm -12 "$dir/disputed" "$dir/passed" | sed 's/$/ is disputed and passes/' >>"$dir/unexpected"
cat "$dir/unexpected" >&2
[ ! -s "$dir/unexpected" ]
