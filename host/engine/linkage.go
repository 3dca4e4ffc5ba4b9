package engine

import (
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/wasmbin"
)

// wasiModule is the name of WASI preview 1.
const wasiModule = "wasi_snapshot_preview1"

// served are the functions that a guest may import, by module and name.
type served map[string]map[string]wasmbin.FunctionType

// servedBy lists what the host modules of a runtime export.
func servedBy(r wazero.Runtime) served {
	all := served{}
	for _, module := range []string{abi.HostModule, wasiModule} {
		all[module] = map[string]wasmbin.FunctionType{}
		for name, f := range r.Module(module).ExportedFunctionDefinitions() {
			all[module][name] = typeOf(f)
		}
	}
	return all
}

func typeOf(f api.FunctionDefinition) wasmbin.FunctionType {
	return wasmbin.FunctionType{Params: f.ParamTypes(), Results: f.ResultTypes()}
}

// check refuses, before a module is compiled, what this host can't serve: so the user reads at once which part is at
// fault instead of a link error.
func (s served) check(wasm []byte) error {
	m, err := wasmbin.Read(wasm)
	if err != nil {
		return err
	}
	marked := false
	for _, f := range m.Imports {
		if err := s.checkImport(f); err != nil {
			return err
		}
		marked = marked || f.Module == abi.HostModule && f.Name == abi.VersionImport
	}
	if memory, ok := m.Exports["memory"]; !ok || memory.Kind != wasmbin.Memory {
		return fmt.Errorf("exports no memory named \"memory\"; build a command module (_start)")
	}
	start, ok := m.Exports["_start"]
	if !ok || start.Kind != wasmbin.Function {
		return fmt.Errorf("exports no function _start; build a command module, not a reactor or library")
	}
	if !start.Type.Equal(wasmbin.FunctionType{}) {
		return fmt.Errorf("export _start has signature %v; it must have none: build a command module", start.Type)
	}
	if !marked {
		return fmt.Errorf("does not import %s.%s, so it is no Berth plugin; build it with a Berth SDK (`berth plugin new`)",
			abi.HostModule, abi.VersionImport)
	}
	return nil
}

func (s served) checkImport(f wasmbin.Import) error {
	functions, ok := s[f.Module]
	if !ok {
		return fmt.Errorf("import %s.%s: unknown module %q; a guest may import %q and %q only",
			f.Module, f.Name, f.Module, abi.HostModule, wasiModule)
	}
	want, ok := functions[f.Name]
	remedy := "rebuild with a matching SDK"
	if f.Module == wasiModule {
		remedy = "build for wasip1"
	}
	switch {
	case !ok && f.Module == wasiModule:
		return fmt.Errorf("import %s.%s: WASI preview 1 has no such function; %s", f.Module, f.Name, remedy)
	case !ok && strings.HasPrefix(f.Name, "berth_abi_"):
		return fmt.Errorf("import %s.%s: this worker speaks %s; %s", f.Module, f.Name, abi.VersionImport, remedy)
	case !ok:
		return fmt.Errorf("import %s.%s: %s has no such function; %s", f.Module, f.Name, abi.VersionImport, remedy)
	case !want.Equal(f.Type):
		return fmt.Errorf("import %s.%s has signature %v; it must be %v: %s", f.Module, f.Name, f.Type, want, remedy)
	}
	return nil
}
