package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/metering"
)

// wasiModule is the name of WASI preview 1.
const wasiModule = "wasi_snapshot_preview1"

// checkLinkage refuses, before anything runs, a module that this host can't serve: so the user reads which import or
// export is at fault instead of a link error.
func checkLinkage(code wazero.CompiledModule) error {
	marked := false
	for _, f := range code.ImportedFunctions() {
		module, name, _ := f.Import()
		switch {
		case module == wasiModule && !slices.Contains(wasiFunctions, name):
			return fmt.Errorf("import %s.%s: WASI preview 1 has no such function; build for wasip1", module, name)
		case module == wasiModule, module == metering.YieldModule:
		case module != abi.HostModule:
			return fmt.Errorf("import %s.%s: unknown module %q; a guest may import %q and %q only",
				module, name, module, abi.HostModule, wasiModule)
		case name == abi.VersionImport:
			marked = true
		case strings.HasPrefix(name, "berth_abi_"):
			return fmt.Errorf("import %s.%s: this worker speaks %s; rebuild with a matching SDK",
				module, name, abi.VersionImport)
		default:
			if err := checkSignature(f); err != nil {
				return err
			}
		}
	}
	if len(code.ImportedMemories()) > 0 {
		return fmt.Errorf("imports a memory; a guest must define and export its own as \"memory\"")
	}
	if _, ok := code.ExportedMemories()["memory"]; !ok {
		return fmt.Errorf("exports no memory named \"memory\"; build a command module (_start)")
	}
	if _, ok := code.ExportedFunctions()["_start"]; !ok {
		return fmt.Errorf("exports no function _start; build a command module, not a reactor or library")
	}
	if !marked {
		return fmt.Errorf("does not import %s.%s, so it is no Berth plugin; build it with a Berth SDK (`berth plugin new`)",
			abi.HostModule, abi.VersionImport)
	}
	return nil
}

func checkSignature(f api.FunctionDefinition) error {
	_, name, _ := f.Import()
	i := slices.IndexFunc(berthFunctions, func(b berthFunction) bool { return b.name == name })
	if i < 0 {
		return fmt.Errorf("import berth.%s: %s has no such function; rebuild with a matching SDK", name, abi.VersionImport)
	}
	want := berthFunctions[i]
	if !slices.Equal(want.params, f.ParamTypes()) || !slices.Equal(want.results, f.ResultTypes()) {
		return fmt.Errorf("import berth.%s: its signature is not the one of %s; rebuild with a matching SDK",
			name, abi.VersionImport)
	}
	return nil
}
