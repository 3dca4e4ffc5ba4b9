// Package wasmbin reads what a WebAssembly module declares (types, imports, exports, memories, tables, sizes) in one
// pass that decodes no instructions, and refuses what the host does not take before anything expensive is done with it.
// The engine validates the rest when it compiles.
package wasmbin

import (
	"bytes"
	"fmt"

	"github.com/berth-connect/berth/host"
)

// Kind of an import or export.
type Kind byte

// Kinds, as in the binary format.
const (
	Function Kind = iota
	Table
	Memory
	Global
	tag
)

func (k Kind) String() string {
	if k <= tag {
		return [...]string{"function", "table", "memory", "global", "tag"}[k]
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// FunctionType holds value types as in the binary format; it shares the module's bytes.
type FunctionType struct{ Params, Results []byte }

// Equal compares parameters and results.
func (f FunctionType) Equal(g FunctionType) bool {
	return bytes.Equal(f.Params, g.Params) && bytes.Equal(f.Results, g.Results)
}

var valueNames = map[byte]string{
	0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64", 0x7b: "v128", 0x70: "funcref", 0x6f: "externref",
}

func (f FunctionType) String() string { return valueList(f.Params) + " -> " + valueList(f.Results) }

func valueList(types []byte) string {
	var names []string
	for _, t := range types {
		names = append(names, valueNames[t])
	}
	return fmt.Sprint(names)
}

// Import of a module. Type is set for functions.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         FunctionType
}

// Export of a module. Type is set for functions.
type Export struct {
	Kind Kind
	Type FunctionType
}

// Module is what a module declares.
type Module struct {
	Imports []Import
	Exports map[string]Export

	types     []FunctionType
	functions []uint32 // types of functions, imported ones first
	declared  int      // functions that the module defines itself
	bodies    int
	memories  int
	tables    int
}

const (
	header    = "\x00asm\x01\x00\x00\x00"
	component = "\x00asm\x0d\x00\x01\x00"
)

// Read checks a module's sections against the limits of the host. The error says what is wrong with which part and how
// to mend it.
func Read(wasm []byte) (*Module, error) {
	switch {
	case len(wasm) > host.ModuleBytesMax:
		return nil, fmt.Errorf("it has %d bytes; at most %d are taken: strip it (go build -ldflags='-s -w')",
			len(wasm), host.ModuleBytesMax)
	case bytes.HasPrefix(wasm, []byte(component)):
		return nil, fmt.Errorf("it is a component; build a core module for wasip1 instead (`berth plugin build`)")
	case bytes.HasPrefix(bytes.TrimSpace(wasm[:min(len(wasm), 64)]), []byte("(module")):
		return nil, fmt.Errorf("it is the text of a module; make a binary of it with wat2wasm")
	case !bytes.HasPrefix(wasm, []byte(header)):
		return nil, fmt.Errorf("it is no WebAssembly module: it does not begin with \\0asm version 1; " +
			"build one with `berth plugin build`")
	}
	m := &Module{Exports: map[string]Export{}}
	if err := m.readSections(&reader{bytes: wasm, at: len(header)}); err != nil {
		return nil, err
	}
	if m.declared != m.bodies {
		return nil, fmt.Errorf("it declares %d functions and has bodies for %d; build it again", m.declared, m.bodies)
	}
	return m, nil
}
