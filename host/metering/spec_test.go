package metering_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/berth-connect/berth/host/metering"
)

// The official core test suite, as the engine's module carries it in its source, is played twice: as it is, and with
// every module metered. Both must answer every command alike, and the first as the suite expects where the engine's
// public interface can say so. Slices are tiny, so that every kind of charge comes to its yield.

type specFile struct {
	Commands []specCommand `json:"commands"`
}

type specCommand struct {
	Type     string      `json:"type"`
	Line     int         `json:"line"`
	Name     string      `json:"name"`
	Filename string      `json:"filename"`
	As       string      `json:"as"`
	Module   string      `json:"module_type"`
	Action   specAction  `json:"action"`
	Expected []specValue `json:"expected"`
}

type specAction struct {
	Type   string      `json:"type"`
	Field  string      `json:"field"`
	Module string      `json:"module"`
	Args   []specValue `json:"args"`
}

type specValue struct {
	Type  string `json:"type"`
	Lane  string `json:"lane_type"`
	Value any    `json:"value"`
}

var proposals = map[string]api.CoreFeatures{
	"v1":             api.CoreFeaturesV1,
	"v2":             api.CoreFeaturesV2,
	"tail-call":      api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall,
	"extended-const": api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst,
	"threads":        api.CoreFeaturesV2 | experimental.CoreFeaturesThreads,
	"exception-handling": api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling |
		experimental.CoreFeaturesTypedFunctionReferences | experimental.CoreFeaturesTailCall,
	"typed-function-references": api.CoreFeaturesV2 | experimental.CoreFeaturesTypedFunctionReferences |
		experimental.CoreFeaturesTailCall,
}

func specFolder(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatalf("find the engine's source: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
}

func TestCoreSuiteAnswersAlikeWithMetering(t *testing.T) {
	root := specFolder(t)
	for proposal, features := range proposals {
		files, err := filepath.Glob(filepath.Join(root, proposal, "testdata", "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no test files of %s: %v", proposal, err)
		}
		for _, file := range files {
			t.Run(proposal+"/"+strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
				t.Parallel()
				playSpec(t, file, features)
			})
		}
	}
}

func playSpec(t *testing.T, file string, features api.CoreFeatures) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var suite specFile
	if err := json.Unmarshal(raw, &suite); err != nil {
		t.Fatal(err)
	}
	lenient := map[int]bool{}
	if filepath.Base(file) == "table.json" && features.IsEnabled(experimental.CoreFeaturesTypedFunctionReferences) {
		lenient[57], lenient[61] = true, true // the engine checks these initialisers in modules without globals only
	}
	plain, metered := newSpecPlayer(t, features, false), newSpecPlayer(t, features, true)
	defer plain.close()
	defer metered.close()
	for i, c := range suite.Commands {
		if next := i + 1; c.Type == "module" && next < len(suite.Commands) && suite.Commands[next].Type == "register" {
			c.As = suite.Commands[next].As
		}
		c.Filename = filepath.Join(filepath.Dir(file), c.Filename)
		want, got := plain.play(c), metered.play(c)
		if got != want && !lenient[c.Line] {
			t.Errorf("line %d, %s: plain %q, metered %q", c.Line, c.Type, want, got)
		}
		if ok := expects[c.Type]; ok != "" && c.Module != "text" && !strings.HasPrefix(want, ok) {
			t.Errorf("line %d, %s: %q", c.Line, c.Type, want)
		}
	}
}

// expects is how the answer to a command begins.
var expects = map[string]string{"module": "instantiated", "assert_return": "returned", "assert_trap": "failed",
	"assert_exhaustion": "failed: stack overflow", "assert_exception": "failed", "assert_invalid": "refused",
	"assert_malformed": "refused", "assert_unlinkable": "refused"}

type specPlayer struct {
	t       *testing.T
	ctx     context.Context
	runtime wazero.Runtime
	metered bool
	last    api.Module
	named   map[string]api.Module
}

func newSpecPlayer(t *testing.T, features api.CoreFeatures, metered bool) *specPlayer {
	p := &specPlayer{t: t, ctx: t.Context(), metered: metered, named: map[string]api.Module{}}
	p.runtime = wazero.NewRuntimeWithConfig(p.ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features).
		WithMemoryLimitPages(8192))
	host := p.runtime.NewHostModuleBuilder(metering.YieldModule)
	host.NewFunctionBuilder().WithFunc(func() uint32 { return metering.SliceUnitsMin }).Export(metering.YieldName)
	if _, err := host.Instantiate(p.ctx); err != nil {
		t.Fatal(err)
	}
	spectest, err := os.ReadFile(filepath.Join(specFolder(t), "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	named := wazero.NewModuleConfig().WithName("spectest")
	if _, err := p.runtime.InstantiateWithConfig(p.ctx, spectest, named); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *specPlayer) close() { _ = p.runtime.Close(p.ctx) }

// play carries a command out and says in words what came of it.
func (p *specPlayer) play(c specCommand) string {
	switch c.Type {
	case "module":
		m, err := p.instantiate(c.Filename, c.As)
		if err != nil {
			return "failed: " + reason(err)
		}
		p.last = m
		if c.Name != "" {
			p.named[c.Name] = m
		}
		return "instantiated"
	case "register": // was named when it was instantiated
		return ""
	case "action", "assert_return", "assert_trap", "assert_exhaustion", "assert_exception":
		return p.act(c.Action)
	case "assert_invalid", "assert_malformed", "assert_unlinkable", "assert_uninstantiable":
		if c.Module == "text" {
			return ""
		}
		if _, err := p.instantiate(c.Filename, ""); err != nil {
			return "refused"
		}
		return "accepted"
	}
	return "unknown command " + c.Type
}

func (p *specPlayer) instantiate(file, name string) (api.Module, error) {
	wasm, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.metered {
		if wasm, err = metering.Rewrite(wasm); err != nil {
			return nil, err
		}
	}
	return p.runtime.InstantiateWithConfig(p.ctx, wasm, wazero.NewModuleConfig().WithName(name).WithStartFunctions())
}

func (p *specPlayer) act(a specAction) string {
	m := p.last
	if a.Module != "" {
		m = p.named[a.Module]
	}
	if m == nil {
		return "no module"
	}
	if a.Type == "get" {
		return fmt.Sprintf("returned %x", m.ExportedGlobal(a.Field).Get())
	}
	f := m.ExportedFunction(a.Field)
	if f == nil {
		return "no function " + a.Field
	}
	results, err := f.Call(p.ctx, arguments(a.Args)...)
	if err != nil {
		return "failed: " + reason(err)
	}
	for i, t := range f.Definition().ResultTypes() {
		if t != api.ValueTypeI32 && t != api.ValueTypeI64 && t != api.ValueTypeF32 && t != api.ValueTypeF64 &&
			t != api.ValueTypeExternref && t != 0x7b {
			results[i] = min(results[i], 1) // a reference is an address
		}
	}
	return fmt.Sprintf("returned %x", results)
}

// reason is the first line of an error: the stack behind it has addresses and the functions that metering adds.
func reason(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func arguments(values []specValue) []uint64 {
	var all []uint64
	for _, v := range values {
		if v.Type != "v128" {
			all = append(all, argument(v.Type, v.Value))
			continue
		}
		var lanes []byte
		for _, lane := range v.Value.([]any) {
			lanes = binary.LittleEndian.AppendUint64(lanes, argument(v.Lane, lane))[:len(lanes)+laneBytes[v.Lane]]
		}
		all = append(all, binary.LittleEndian.Uint64(lanes), binary.LittleEndian.Uint64(lanes[8:]))
	}
	return all
}

var laneBytes = map[string]int{"i8": 1, "i16": 2, "i32": 4, "f32": 4, "i64": 8, "f64": 8}

func argument(typ string, value any) uint64 {
	text, _ := value.(string)
	switch {
	case text == "null" || value == nil:
		return 0
	case strings.HasPrefix(text, "nan"):
		if typ == "f32" {
			return uint64(math.Float32bits(float32(math.NaN())))
		}
		return math.Float64bits(math.NaN())
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		m, _ := strconv.ParseInt(text, 10, 64)
		n = uint64(m)
	}
	if typ == "externref" {
		n++ // 0 is null
	}
	return n
}
