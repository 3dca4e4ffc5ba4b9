#!/usr/bin/env bash
# A real Apache Kafka for tests: one node (broker and controller, KRaft), plaintext on 127.0.0.1.
#   kafka.sh start DATA_DIR [BASE_PORT]   creates it if needed, starts it, prints BOOTSTRAP=host:port (port 29092)
#   kafka.sh up    DATA_DIR               starts it again on its data
#   kafka.sh stop  DATA_DIR               clean shutdown
#   kafka.sh kill  DATA_DIR               kill -9
# BASE_PORT is the broker's port, BASE_PORT+1 the controller's. All commands may be repeated.
. "$(dirname "$0")/lib.sh"
version=4.1.1
usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
command=$1 data=$(realpath -m "$2") port=${3:-29092}
jars=$cache/kafka-$version

fetch_kafka() {
  fetch_jars "$jars" "org.apache.kafka:kafka_2.13:$version" \
    org.apache.logging.log4j:log4j-slf4j-impl:2.25.1 org.apache.logging.log4j:log4j-core:2.25.1
}

settings() {
  cat <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$data/log
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=8388608
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
P
  local topic
  for topic in offsets.topic transaction.state.log share.coordinator.state.topic; do
    printf '%s.num.partitions=4\n%s.replication.factor=1\n' $topic $topic
  done
  printf '%s.min.isr=1\n' transaction.state.log share.coordinator.state.topic
}

run_java() { exec java -Xms128m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$jars/*" "$@"; }

create() {
  mkdir -p "$data"; settings >"$data/server.properties"
  local id; id=$(head -c16 /dev/urandom | base64 | tr '+/' 'Aa' | cut -c1-22) # an id that begins with - is no argument
  (run_java kafka.tools.StorageTool format -t "$id" -c "$data/server.properties") >"$data/format.log" 2>&1 ||
    { cat "$data/format.log" >&2; fail "formatting the log directory failed"; }
  echo "$port" >"$data/port"
}

up() {
  [ -e "$data/port" ] || fail "nothing at $data: use start"
  port=$(cat "$data/port")
  fetch_kafka
  export -f run_java; export jars
  if ! alive "$data/pid"; then
    ! answers "$port" || fail "port $port is somebody else's: start DIR PORT takes another one"
    launch "$data/pid" "$data/server.log" bash -c 'run_java kafka.Kafka "$1"' kafka "$data/server.properties"
  fi
  await_port "$port" "$data/pid" "$data/server.log"
  echo "BOOTSTRAP=127.0.0.1:$port"
}

case $command in
start)
  fetch_kafka
  [ -e "$data/port" ] || create
  up ;;
up) up ;;
stop) end "$data/pid" TERM ;;
kill) end "$data/pid" KILL ;;
*) usage ;;
esac
