#!/usr/bin/env bash
# A real Apache Kafka for tests: one node (broker and controller, KRaft), plaintext on 127.0.0.1.
#   kafka.sh start DATA_DIR [BASE_PORT]   creates it if needed, starts it, prints BOOTSTRAP=host:port (port 29092)
#   kafka.sh up    DATA_DIR               starts it again on its data
#   kafka.sh stop  DATA_DIR               clean shutdown
#   kafka.sh kill  DATA_DIR               kill -9
# BASE_PORT is the broker's port, BASE_PORT+1 the controller's. All commands may be repeated. With KAFKA_SECURED=1 a new one
# listens also on BASE_PORT+2 (SSL, with client certificates), +3 (SASL_PLAINTEXT) and +4 (SASL_SSL); DATA_DIR/secured has the
# certificates, as PEM, and in login the user with its password, for PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
. "$(dirname "$0")/lib.sh"
version=4.1.1
usage() { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
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

secured_settings() {
  local more=,SSL://127.0.0.1:$((port + 2)),SASL_PLAINTEXT://127.0.0.1:$((port + 3)),SASL_SSL://127.0.0.1:$((port + 4))
  sed -i "s|^\(advertised\.\)\?listeners=.*|&$more|" "$data/server.properties"
  sed -i "s|^listener.security.protocol.map=.*|&,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL|" "$data/server.properties"
  cat <<P
ssl.keystore.type=PEM
ssl.keystore.location=$data/secured/server.keystore
ssl.truststore.type=PEM
ssl.truststore.location=$data/secured/ca.pem
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
P
  local listener scram modules=org.apache.kafka.common.security
  for listener in sasl_plaintext sasl_ssl; do
    echo "listener.name.$listener.plain.sasl.jaas.config=$modules.plain.PlainLoginModule required user_$user=\"$password\";"
    for scram in scram-sha-256 scram-sha-512; do
      echo "listener.name.$listener.$scram.sasl.jaas.config=$modules.scram.ScramLoginModule required;"
    done
  done
}

# certificates NAME...: a certificate authority, and what it has signed for 127.0.0.1.
certificates() {
  local name new=(openssl req -x509 -newkey rsa:2048 -nodes -days 30)
  "${new[@]}" -subj /CN=authority -keyout ca.key -out ca.pem
  for name in "$@"; do
    "${new[@]}" -subj "/CN=$name" -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
      -CA ca.pem -CAkey ca.key -keyout "$name.key" -out "$name.pem"
  done
}

secure() {
  need openssl openssl
  user=mirror password=$(head -c12 /dev/urandom | base64 | tr '+/' 'Aa')
  mkdir -p "$data/secured"
  (cd "$data/secured" && certificates server client && cat server.key server.pem >server.keystore) >"$data/certificates.log" 2>&1 ||
    { cat "$data/certificates.log" >&2; fail "making certificates failed"; }
  echo "$user $password" >"$data/secured/login"
  secured_settings >"$data/secured/settings"
  cat "$data/secured/settings" >>"$data/server.properties"
  format+=(-S "SCRAM-SHA-256=[name=$user,password=$password]" -S "SCRAM-SHA-512=[name=$user,password=$password]")
}

run_java() { exec java -Xms128m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$jars/*" "$@"; }

create() {
  mkdir -p "$data"; settings >"$data/server.properties"
  local id; id=$(head -c16 /dev/urandom | base64 | tr '+/' 'Aa' | cut -c1-22) # an id that begins with - is no argument
  local format=(-t "$id" -c "$data/server.properties")
  if [ -n "${KAFKA_SECURED:-}" ]; then secure; fi
  (run_java kafka.tools.StorageTool format "${format[@]}") >"$data/format.log" 2>&1 ||
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
