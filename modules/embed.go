// Package modules holds the built modules that are part of the worker.
package modules

import _ "embed"

// Stock is the stock module: Kafka's standard plugins, the file connectors, a generator and a black hole. It is built
// from modules/stock by modules/build.sh; modules/check.sh proves that the two agree.
//
//go:embed stock.wasm
var Stock []byte
