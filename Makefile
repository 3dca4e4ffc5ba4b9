# Every task of the project; `make` alone lists them. Taskfile.yml offers the same names.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help build modules docs demo test vectors rest-conformance state-conformance swap-proof kafka-integration clients bench bench-jvm bench-footprint bench-tenants bench-shadow bench-metering bench-sandbox lint red-team openapi fuzz clean

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 20s
DIR ?= ../shared/conformance/vectors

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 25

build: ## bin/berth, one static binary; needs Go alone
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/berth .

modules: ## build the first-party plugin modules again (needs Rust for wasm; installs it as root)
	modules/build.sh

docs: ## the pages about the bundled plugins, modules/docs/*.md: run their examples and write them again
	go run ./testdata/docs modules

demo: build ## a real data set through file source, transforms, Kafka and file sink, live on the terminal
	testdata/scripts/demo.sh

test: ## everything: Go on the embedded broker, then on a real Kafka; Rust; the built modules
	testdata/scripts/test.sh

vectors: ## play what Kafka Connect answered, in DIR, through the plugins and their libraries; V=1: a table by file, too
	testdata/scripts/vectors.sh $(DIR) $(if $(V),-v)

rest-conformance: DIR = ../shared/conformance/rest
rest-conformance: ## play recorded REST exchanges of Kafka Connect, in DIR, against workers of each profile on a real Kafka
	testdata/scripts/rest-conformance.sh $(DIR)

state-conformance: DIR = ../shared/conformance/state
state-conformance: ## play what Kafka Connect keeps in its topics and says in its group, as recorded in DIR
	go run ./testdata/state $(DIR)

kafka-integration: DIR = ../shared/conformance/kafka-integration
kafka-integration: ## Apache Kafka's own Connect integration tests, by the runner in DIR, with Berth as the worker
	testdata/scripts/kafka-integration.sh $(DIR)

swap-proof: SWAPS = 1000
swap-proof: ## SWAPS versions take turns under load (RATE=0: all that the machine does; STAMP=go: the stamp in Go), on one worker and on three of which two are killed: each record by the right one
	BERTH_E2E_SWAPS=$(SWAPS) BERTH_E2E_SWAP_RATE=$(RATE) BERTH_E2E_STAMP=$(STAMP) go test ./testdata/e2e -run 'TestE2ESwaps(AreExact|OutOfTheConnectorsInstanceAreExact|SurviveKills)' -count 1 -timeout 90m -v

clients: ## public clients of the REST API against three workers of one group on a real Kafka
	testdata/scripts/clients.sh

bench: build ## Berth against a bare client loop on a real Kafka: CPU seconds per million records
	testdata/scripts/bench.sh speed

bench-jvm: build ## the same with Kafka Connect's JVM worker taking turns
	testdata/scripts/bench.sh speed jvm

bench-footprint: build ## Berth and the JVM worker: start, memory, idle CPU, latency
	testdata/scripts/bench.sh footprint jvm

bench-tenants: build ## 100 tenants with 10 connectors each on one worker; fails over 1 GiB of memory
	testdata/scripts/bench.sh tenants

bench-shadow: build ## what a shadow costs the live path; in short: BENCH_RECORDS=20000 BENCH_REPEATS=1 BENCH_LATENCY=2s
	testdata/scripts/bench.sh shadow

bench-sandbox: ## chains of the stock module in the sandbox against the same natively
	testdata/scripts/bench-sandbox.sh

bench-metering: ## what counting costs guests, in turns with and without
	testdata/scripts/bench-metering.sh

lint: ## gofmt, vet for host and guest, staticcheck, cargo fmt and clippy, shell syntax
	STATICCHECK=$(STATICCHECK) testdata/scripts/lint.sh

red-team: ## attacks on a running worker that looks for data races
	testdata/scripts/need.sh gcc wat2wasm
	BERTH_RACE=1 go test -race -count=1 -timeout 40m -run '^TestRedTeam' ./testdata/e2e

openapi: ## requests made from /openapi.json against a worker, and what its answers must be
	testdata/scripts/openapi.sh

fuzz: ## every fuzz target for FUZZTIME (20s)
	FUZZTIME=$(FUZZTIME) testdata/scripts/fuzz.sh

clean: ## remove what the other targets built
	rm -rf bin .cache
	find . -name target -type d -path '*/target' -not -path './.git/*' -prune -exec rm -rf {} +
