// Package modules holds the built modules that are part of the worker.
package modules

import _ "embed"

// Module is a built module: modules/build.sh makes both files from the folder of its name, modules/check.sh proves that
// they agree with it.
type Module struct {
	Name     string
	Wasm     []byte
	Manifest []byte // what the module says of itself, so that it need not be compiled to be listed
	Warm     bool   // nearly every connector uses it
}

// Stock is Kafka's standard plugins, the file connectors, a generator and a black hole.
//
//go:embed stock.wasm
var Stock []byte

//go:embed stock.manifest
var stockManifest []byte

//go:embed registry.wasm
var registry []byte

//go:embed registry.manifest
var registryManifest []byte

//go:embed expr.wasm
var expr []byte

//go:embed expr.manifest
var exprManifest []byte

// All are the modules that every worker has.
func All() []Module {
	return []Module{
		{"stock", Stock, stockManifest, true},
		{"registry", registry, registryManifest, false},
		{"expr", expr, exprManifest, false},
	}
}
