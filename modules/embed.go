// Package modules holds the built modules that are part of the worker.
package modules

import (
	_ "embed"
	"strings"
)

// Module is a built module: modules/build.sh makes its files from the folder of its name, modules/check.sh proves that
// they agree with it.
type Module struct {
	Name     string
	Wasm     []byte
	Manifest []byte // what the module says of itself, so that it need not be compiled to be listed
	Warm     bool   // nearly every connector uses it
	Digest   string // of a module whose Wasm is packed with gzip: the SHA-256, hex, of what is in it; "": it is not packed
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

// mirror is MirrorMaker 2's connectors: 18 MB with a Kafka client, 4 MB packed.
//
//go:embed mirror.wasm.gz
var mirror []byte

//go:embed mirror.manifest
var mirrorManifest []byte

//go:embed mirror.digest
var mirrorDigest string

// All are the modules that every worker has.
func All() []Module {
	return []Module{
		{"stock", Stock, stockManifest, true, ""},
		{"registry", registry, registryManifest, false, ""},
		{"expr", expr, exprManifest, false, ""},
		{"mirror", mirror, mirrorManifest, false, artefact(mirrorDigest)},
	}
}

// artefact reads the SHA-256 of the module from what digest.sh wrote.
func artefact(digests string) string {
	_, rest, _ := strings.Cut(digests, "artefact")
	return strings.Fields(rest)[0]
}
