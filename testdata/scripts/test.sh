#!/usr/bin/env bash
# test.sh: all tests. What is missing on the machine is installed as root, or named in one line.
#
# They wait for brokers, timeouts and restarts about as long as they compute, so what needs a Kafka or another server runs
# beside what needs none, each a lane whose lines begin with its name. A lane ends at its first failure, the other goes on.
set -euo pipefail
cd "$(dirname "$0")/../.."
testdata/scripts/need.sh curl java javac mvn python3 openssl unzip wat2wasm

step() { echo "== $1 (after $SECONDS s)"; }

toolchain=testdata/toolchain/wasm-rust.sh
$toolchain ensure
$toolchain id

tags=
if [ "$(id -u)" = 0 ]; then tags=tmpfs; else echo "not root: the test that mounts a small disk is left out"; fi

without_servers() {
  step "Go, on the embedded broker"
  go test -tags "$tags" -timeout 40m ./testdata/e2e ./... ./testdata/bench ./testdata/demo/... ./testdata/docs \
    ./testdata/guests ./testdata/state ./testdata/vectors

  step "Rust"
  for dir in guest-sdk/rust guest-sdk/rust/kit modules/stock modules/registry modules/expr; do
    (cd "$dir" && nice cargo test --all-features)
  done

  step "recorded answers of Kafka Connect, through a worker's pipeline"
  testdata/scripts/vectors.sh ../shared/conformance/vectors -disputed testdata/vectors-disputed.md

  step "the REST API is what its description says"
  testdata/scripts/openapi.sh

  step "plugin projects of every kind, offline"
  make build
  testdata/scripts/scaffold.sh go rust

  step "the modules in the repository are what their sources build"
  nice modules/check.sh
}

with_servers() {
  local kafka registry bootstrap packages jars url
  kafka=$(mktemp -d) registry=$(mktemp -d)
  # shellcheck disable=SC2064 # as they are now
  trap "testdata/servers/schema-registry.sh stop $registry >/dev/null 2>&1 || true
    testdata/kafka/kafka.sh stop $kafka >/dev/null 2>&1 || true; rm -rf $kafka $registry" EXIT

  step "the packages that talk to Kafka again, on a real one"
  bootstrap=$(KAFKA_SECURED=1 testdata/kafka/kafka.sh start "$kafka" | sed -n 's/^BOOTSTRAP=//p')
  [ -n "$bootstrap" ] || { echo "testdata/kafka/kafka.sh printed no BOOTSTRAP="; return 1; }
  packages=$(git grep -lE 'BERTH_TEST_BOOTSTRAP|embedded/brokertest' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|')
  # Recorded exchanges have a step of their own.
  local not_about_kafka='^Test(RedTeam|RecordedExchanges|E2EHostile|Scene|Plugin|ConformanceOfSDKs)'
  # shellcheck disable=SC2086 # a list of packages
  BERTH_TEST_BOOTSTRAP=$bootstrap BERTH_TEST_KAFKA_DIR=$kafka go test -tags "realkafka,$tags" -count=1 -p=1 \
    -timeout 40m -skip "$not_about_kafka" $packages

  step "in turns and in one group with Kafka Connect's own worker"
  jars=$(. testdata/kafka/lib.sh && fetch_connect_jars && echo "$connect_jars")
  BERTH_TEST_JVM="$jars/*" BERTH_TEST_BOOTSTRAP=$bootstrap go test -tags jvm -count=1 -run 'JVM$' ./testdata/e2e ./cluster/group

  step "clients of the REST API on three workers of one group"
  testdata/scripts/clients.sh "$bootstrap"

  step "converters with a real schema registry"
  url=$(testdata/servers/schema-registry.sh start "$registry" | sed -n 's/^SCHEMA_REGISTRY=//p')
  [ -n "$url" ] || { echo "testdata/servers/schema-registry.sh printed no SCHEMA_REGISTRY="; return 1; }
  BERTH_TEST_REGISTRY=$url BERTH_TEST_REGISTRY_DIR=$registry go test -tags realregistry -count=1 -run TestE2ERegistry \
    ./testdata/e2e

  step "recorded exchanges of Kafka Connect's REST API"
  testdata/scripts/rest-conformance.sh ../shared/conformance/rest

  step "what Kafka Connect keeps and says in its group, recorded"
  go run ./testdata/state ../shared/conformance/state

  step "Kafka Connect's own integration tests, with Berth as the worker"
  testdata/scripts/kafka-integration.sh ../shared/conformance/kafka-integration
}

# lane NAME FUNCTION: its lines, each with the name before it. In the background, so that its first failure ends it.
lane() { (set -euo pipefail; "$2") 2>&1 | sed -u "s/^/$1| /"; }

lane servers with_servers &
servers=$!
lane alone without_servers &
alone=$!
failed=
wait $servers || failed+=" servers"
wait $alone || failed+=" alone"
[ -z "$failed" ] || { echo "failed:$failed; the lines of a lane begin with its name"; exit 1; }
step "all passed"
