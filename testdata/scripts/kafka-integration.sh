#!/usr/bin/env bash
# kafka-integration.sh DIR [TEST...]: Apache Kafka's own Connect integration tests with Berth in the worker's place. DIR is
# the folder with their runner (run); a TEST is CLASS or CLASS#method, without any all that its file tests lists. Ends with
# "N passed, N failed, N skipped". KAFKA_IT_OUT keeps what was logged.
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
WORKER_CMD=$dir/worker KAFKA_IT_CACHE=${KAFKA_IT_CACHE:-$HOME/.cache/berth-kafka-integration} "$suite/run" "$@"
