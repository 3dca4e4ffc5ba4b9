#!/usr/bin/env bash
# clients.sh [BOOTSTRAP]: clients of Kafka Connect's REST API from Maven Central and PyPI, and the requests of Strimzi's
# operator, lead a connector through its life on three workers of one group, through a follower and through the leader.
# They use the Kafka at BOOTSTRAP, else one of their own. A line for each step and, last, "N passed, N failed".
# KEEP=DIR keeps the workers' logs there. See testdata/clients.
set -euo pipefail
cd "$(dirname "$0")/../.."
testdata/scripts/need.sh java javac mvn python3
. testdata/kafka/lib.sh
clients=$PWD/testdata/clients bootstrap=${1:-}
dir=${KEEP:-$(mktemp -d)}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

finish() {
  for i in 1 2 3; do end "$dir/worker-$i.pid" TERM & done
  wait
  testdata/kafka/kafka.sh stop "$dir/kafka" >/dev/null 2>&1 || true
  [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap finish EXIT

free_ports() {
  python3 - "$1" <<'P'
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*[s.getsockname()[1] for s in held])
P
}

fetch_clients() {
  jars=$cache/clients-sourcelab-4.0.5
  fetch_jars "$jars" org.sourcelab:kafka-connect-client:4.0.5 org.slf4j:slf4j-nop:1.7.36
  venv=$cache/clients-python-$(sha256sum "$clients/requirements.txt" | cut -c1-12)
  [ -e "$venv/done" ] || fetch_python
  javac -cp "$jars/*" -d "$dir/classes" "$clients"/*.java
}

fetch_python() {
  python3 -c 'import ensurepip' 2>/dev/null || need pyvenv python3-venv # Debian keeps it apart
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install -q --disable-pip-version-check -r "$clients/requirements.txt" >&2 ||
    fail "installing $clients/requirements.txt failed, see above"
  touch "$venv/done"
}

settings() {
  cat <<P
bootstrap.servers=$bootstrap
group.id=$group
config.storage.topic=$group-configs
offset.storage.topic=$group-offsets
status.storage.topic=$group-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=3
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
heartbeat.interval.ms=500
P
}

start_worker() { # NUMBER PORT
  mkdir -p "$dir/data-$1" "$dir/compiled"
  ln -sfn "$dir/compiled" "$dir/data-$1/compiled" # each module is compiled once
  launch "$dir/worker-$1.pid" "$dir/worker-$1.log" "$dir/berth" worker -c "$dir/worker.properties" \
    -set "listeners=http://127.0.0.1:$2" -set "berth.data.dir=$dir/data-$1"
}

# joined prints the last round of each worker: its generation and its leader.
joined() {
  local round='s/.*"joined the group".*"generation":\([0-9]*\).*"leader":"\([^"]*\)\/".*/\1 \2/p'
  for i in 1 2 3; do sed -n "$round" "$dir/worker-$i.log" | tail -1; done
}

# await_group returns when all three workers are in the same round.
await_group() {
  local n=0
  until [ "$(joined | wc -l) $(joined | sort -u | wc -l)" = "3 1" ]; do
    n=$((n + 1))
    for i in 1 2 3; do alive "$dir/worker-$i.pid" || n=9999; done
    [ $n -lt 1200 ] || { tail -n 20 "$dir"/worker-*.log >&2; fail "the three workers did not form a group"; }
    sleep 0.1
  done
}

# live COMMAND...: one client through a follower, then through the leader. It ends with 3 when it has said what failed.
live() {
  local door code
  for door in follower leader; do
    code=0
    case $door in
    follower) "$@" follower "$follower" "$leader" ;;
    leader) "$@" leader "$leader" "$follower" ;;
    esac || code=$?
    [ $code = 0 ] || [ $code = 3 ] || echo "FAIL $* at the $door ended with code $code"
  done
}

CGO_ENABLED=0 go build -trimpath -o "$dir/berth" .
fetch_clients
if [ -z "$bootstrap" ]; then
  read -r port <<<"$(free_ports 1)"
  bootstrap=$(testdata/kafka/kafka.sh start "$dir/kafka" "$port" | sed -n 's/^BOOTSTRAP=//p')
  [ -n "$bootstrap" ] || fail "testdata/kafka/kafka.sh printed no BOOTSTRAP="
fi
group=clients-$$-$RANDOM
settings >"$dir/worker.properties"
read -r -a ports <<<"$(free_ports 3)"
for i in 1 2 3; do start_worker $i "${ports[i - 1]}"; done
await_group
read -r _ leader < <(joined | sort -u)
for port in "${ports[@]}"; do
  [ "$leader" = "http://127.0.0.1:$port" ] || follower=http://127.0.0.1:$port
done

export PYTHONDONTWRITEBYTECODE=1 PATH=$venv/bin:$PATH
java=(java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$dir/classes:$jars/*")
{
  live "${java[@]}" Strimzi
  live "${java[@]}" SourceLab
  live python "$clients/kc.py"
  live python "$clients/manager.py"
} 2>&1 | tee "$dir/steps"
passed=$(grep -c '^ok ' "$dir/steps" || true) failed=$(grep -c '^FAIL ' "$dir/steps" || true)
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
