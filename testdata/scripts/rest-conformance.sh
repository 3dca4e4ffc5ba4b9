#!/usr/bin/env bash
# rest-conformance.sh DIR [SCENARIO...]: plays the recorded REST exchanges of Kafka Connect in DIR/*.json with DIR/replay
# against Berth on a real Kafka, one worker (or two) a profile, and prints what differs and, last, "N passed, N failed".
# PROFILES=plain,auth plays these alone; KEEP=DIR keeps the workers' logs there. See testdata/restconformance.
set -euo pipefail
scenarios=$(cd "${1:?the folder of the scenarios}" && pwd)
shift
cd "$(dirname "$0")/../.."
testdata/scripts/need.sh java mvn python3

dir=${KEEP:-$(mktemp -d)}
mkdir -p "$dir/plugins"
dir=$(cd "$dir" && pwd)
finish() {
  testdata/kafka/kafka.sh stop "$dir/kafka" >/dev/null 2>&1 || true
  [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap finish EXIT

CGO_ENABLED=0 go build -trimpath -o "$dir/berth" .
GOOS=wasip1 GOARCH=wasm go build -ldflags '-s -w' -o "$dir/plugins/conformance.wasm" ./testdata/guests/conformance
go build -o "$dir/restconformance" ./testdata/restconformance
# A port below those that the system hands out, so that nobody takes the next one, the controller's, meanwhile.
port=$(python3 - <<'P'
import random, socket
while True:
    port = random.randrange(15000, 30000, 2)
    try:
        with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
            break
    except OSError:
        continue
print(port)
P
)
bootstrap=$(testdata/kafka/kafka.sh start "$dir/kafka" "$port" | sed -n 's/^BOOTSTRAP=//p')
[ -n "$bootstrap" ] || { echo "testdata/kafka/kafka.sh printed no BOOTSTRAP="; exit 1; }
"$dir/restconformance" -berth "$dir/berth" -kafka "$bootstrap" -plugins "$dir/plugins" -dir "$dir" \
  -profiles "${PROFILES:-}" "$scenarios" "$@"
