#!/usr/bin/env bash
# kafka-integration.sh DIR [TEST...]: Apache Kafka's own Connect integration tests with Berth in the worker's place. DIR is
# the folder with their runner (run); a TEST is CLASS or CLASS#method, without any all that its file tests and
# testdata/kafka-integration-events list. Prints what the runner prints, "N passed, N failed, N skipped" at last, and fails
# unless exactly those tests fail that testdata/kafka-integration-disputed.md names. KAFKA_IT_OUT keeps what was logged.
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
exec "$dir/berth" worker -c "\$1" -set "plugin.path=$dir/plugins" -set "berth.data.dir=\$data" \\
  -set berth.limits.log.lines=1000000
END
chmod +x "$dir/worker"
export WORKER_CMD=$dir/worker KAFKA_IT_CACHE=${KAFKA_IT_CACHE:-$HOME/.cache/berth-kafka-integration}

play() { # TEST...: a failure may be an expected one
  "$suite/run" "$@" | tee -a "$dir/outcomes" || true
  tail -n1 "$dir/outcomes" | grep -q ' passed, ' || { echo "the runner ended without a result" >&2; exit 1; }
}

# An agent tells the tests what happens inside of workers, which they would hear from plugins in their own JVM.
compile_agent() {
  local classes=$KAFKA_IT_CACHE/kafka-integration
  mkdir "$dir/agent"
  javac -nowarn -d "$dir/agent" -cp "$classes/kafka-tests:$classes/jars/*" testdata/java/HandleEvents.java
  printf 'Premain-Class: HandleEvents\n' >"$dir/agent/manifest"
  (cd "$dir/agent" && jar cfm ../agent.jar manifest ./*.class)
}

if [ $# -eq 0 ]; then play; fi # it also fetches the jars
compile_agent
export JDK_JAVA_OPTIONS="-javaagent:$dir/agent.jar"
mapfile -t more < <(grep -v '^#' testdata/kafka-integration-events)
if [ $# -gt 0 ]; then more=("$@"); fi
play "${more[@]}"
awk '/ passed, /{p+=$1; f+=$3; s+=$5} END{print p " passed, " f " failed, " s " skipped"}' "$dir/outcomes"

{ grep -o '`[A-Za-z]*#[A-Za-z]*`' testdata/kafka-integration-disputed.md || true; } | tr -d '`' | sort >"$dir/disputed"
sed -n 's/^FAIL \([^ (]*\).*/\1/p' "$dir/outcomes" | sort -u >"$dir/failed"
sed -n 's/^ok *\([^ (]*\).*/\1/p' "$dir/outcomes" | sort -u >"$dir/passed"
comm -13 "$dir/disputed" "$dir/failed" | sed 's/$/ fails and is not disputed/' >"$dir/unexpected"
comm -12 "$dir/disputed" "$dir/passed" | sed 's/$/ is disputed and passes/' >>"$dir/unexpected"
cat "$dir/unexpected" >&2
[ ! -s "$dir/unexpected" ]
