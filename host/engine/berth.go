package engine

import (
	"context"
	"math"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/berth-connect/berth/abi"
)

// Calls is what one guest reaches through the imports of module "berth". The engine checks pointers and lengths and
// passes views of guest memory, which end with the call. All methods run on the goroutine of Module.Run and return
// at once.
type Calls interface {
	// Poll writes the next event to dst and returns its length; 0: none; -n: it needs n bytes.
	Poll(dst []byte) int
	// Put takes a message head‖data.
	Put(kind, seq uint32, head, data []byte) abi.PutStatus
	// Commit takes the answer to FLUSH, or a source's transaction boundary.
	Commit(seq uint32, body []byte) abi.PutStatus
	// Log takes a line; level as in package abi.
	Log(level uint32, line []byte)
	// Metric adds to a counter (kind 0) or sets a gauge (kind 1).
	Metric(name []byte, kind uint32, value float64)
	// Ready tells whether Poll has an event and whether Put would take a batch.
	Ready() (readable, writable bool)
	// Owes tells whether the guest has an event that it must answer and has not.
	Owes() bool
	// Awaits tells whether the host has a request of the guest that it has not answered.
	Awaits() bool
	// Wake gets a token whenever Ready may have changed.
	Wake() <-chan struct{}
}

type berthFunction struct {
	name            string
	params, results []api.ValueType
	call            func(ctx context.Context, in *instance, mem api.Memory, stack []uint64)
}

const (
	i32 = api.ValueTypeI32
	f64 = api.ValueTypeF64
)

// berthFunctions is the import table of ABI version 1 (abi/LAYOUT.md, section 1).
var berthFunctions = []berthFunction{
	{abi.VersionImport, nil, nil, func(context.Context, *instance, api.Memory, []uint64) {}},
	{abi.ImportPoll, []api.ValueType{i32, i32}, []api.ValueType{i32}, berthPoll},
	{abi.ImportPut, []api.ValueType{i32, i32, i32, i32, i32, i32}, []api.ValueType{i32}, berthPut},
	{abi.ImportCommit, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}, berthCommit},
	{abi.ImportLog, []api.ValueType{i32, i32, i32}, nil, berthLog},
	{abi.ImportMetric, []api.ValueType{i32, i32, i32, f64}, nil, berthMetric},
	{abi.ImportPosition, []api.ValueType{i32}, nil, berthPosition},
	{abi.ImportNetDial, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}, netDial},
	{abi.ImportNetTLS, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}, netTLS},
	{abi.ImportNetResolve, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}, netResolve},
	{abi.ImportNetStatus, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}, netStatus},
}

func instantiateBerth(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(abi.HostModule)
	for _, f := range berthFunctions {
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(
			func(ctx context.Context, m api.Module, stack []uint64) {
				in := instanceOf(ctx)
				in.enter(ctx)
				f.call(ctx, in, m.Memory(), stack)
			}), f.params, f.results).Export(f.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

func berthPoll(_ context.Context, in *instance, mem api.Memory, stack []uint64) {
	dst, ok := mem.Read(uint32(stack[0]), uint32(stack[1]))
	if !ok {
		stack[0] = api.EncodeI32(0)
		in.fault("poll: buffer outside of memory")
		return
	}
	stack[0] = api.EncodeI32(int32(in.calls.Poll(dst)))
}

func berthPut(_ context.Context, in *instance, mem api.Memory, stack []uint64) {
	head, okHead := mem.Read(uint32(stack[2]), uint32(stack[3]))
	data, okData := mem.Read(uint32(stack[4]), uint32(stack[5]))
	if !okHead || !okData {
		stack[0] = encodeStatus(abi.PutBadPointer)
		return
	}
	status := in.calls.Put(uint32(stack[0]), uint32(stack[1]), head, data)
	kind := abi.MessageKind(stack[0])
	if status == abi.PutTaken && kind != abi.MessageRequest && kind != abi.MessageErrant { // neither is an answer
		in.clock.answered()
	}
	stack[0] = encodeStatus(status)
}

func encodeStatus(s abi.PutStatus) uint64 { return api.EncodeI32(int32(s)) }

func berthCommit(_ context.Context, in *instance, mem api.Memory, stack []uint64) {
	body, ok := mem.Read(uint32(stack[1]), uint32(stack[2]))
	if !ok {
		stack[0] = encodeStatus(abi.PutBadPointer)
		return
	}
	in.clock.answered()
	stack[0] = encodeStatus(in.calls.Commit(uint32(stack[0]), body))
}

func berthLog(_ context.Context, in *instance, mem api.Memory, stack []uint64) {
	n := min(uint32(stack[2]), abi.LogLineBytes)
	if line, ok := mem.Read(uint32(stack[1]), n); ok {
		in.calls.Log(uint32(stack[0]), line)
	}
}

// metricNameBytesMax bounds the name of a metric; more is cut.
const metricNameBytesMax = 256

func berthMetric(_ context.Context, in *instance, mem api.Memory, stack []uint64) {
	if name, ok := mem.Read(uint32(stack[0]), min(uint32(stack[1]), metricNameBytesMax)); ok {
		in.calls.Metric(name, uint32(stack[2]), math.Float64frombits(stack[3]))
	}
}

func berthPosition(_ context.Context, in *instance, _ api.Memory, stack []uint64) {
	in.positionPtr = uint32(stack[0])
}
