//go:build wasip1

// Command hostile is a guest that breaks the rules on purpose, at the step of its life and in the way that its
// configuration says: `misbehave` = STEP:HOW, for example `batch:loop`. It speaks the ABI without an SDK, since an SDK
// would not let it.
package main

import (
	"os"
	"strings"
	"time"
	"unsafe"

	"github.com/berth-connect/berth/abi"
)

// describe is set by the linker for modules that misbehave before they have a configuration, clings for one whose
// connectors can't give up other stages.
var describe, clings string

//go:wasmimport berth berth_abi_1
func abi1()

//go:wasmimport berth poll
func poll(ptr unsafe.Pointer, size uint32) int32

//go:wasmimport berth put
func put(kind, seq uint32, head unsafe.Pointer, headLen uint32, data unsafe.Pointer, dataLen uint32) int32

//go:wasmimport berth commit
func commit(seq uint32, ptr unsafe.Pointer, size uint32) int32

//go:wasmimport berth position
func position(ptr unsafe.Pointer)

//go:wasmimport berth log
func log(level uint32, ptr unsafe.Pointer, size uint32)

var (
	where  [abi.PositionBytes]byte
	config map[string]*string
)

func main() {
	abi1()
	position(unsafe.Pointer(&where))
	var g guest
	for {
		e := next()
		g.handle(e)
	}
}

type guest struct {
	kind string // of the stage
	seq  uint32
}

func (g *guest) handle(e abi.Event) {
	switch e.Kind {
	case abi.EventPlan:
		plan, err := abi.ParsePlan(e.Body)
		if err != nil {
			panic(err)
		}
		g.start(plan, e.Seq)
	case abi.EventBatch:
		at(abi.PhaseApply, 0)
		misbehave("batch", abi.MessageResult, e.Seq)
		batch, err := abi.ParseBatch(append([]byte(nil), e.Body...), nil)
		if err != nil {
			panic(err)
		}
		send(abi.MessageResult, e.Seq, answer(&batch, g.kind))
	case abi.EventFlush:
		at(abi.PhaseFlush, 0)
		misbehave("flush", abi.MessageKind(99), e.Seq)
		body := append([]byte(nil), e.Body...)
		commit(e.Seq, unsafe.Pointer(&body[0]), uint32(len(body)))
	case abi.EventAlone:
		at(abi.PhaseState, 0)
		misbehave("alone", abi.MessageState, e.Seq)
		send(abi.MessageState, e.Seq, abi.EncodeStates(nil))
	case abi.EventConfigs:
		at(abi.PhaseConfigs, 0)
		misbehave("configs", abi.MessageConfigs, e.Seq)
		send(abi.MessageConfigs, e.Seq, abi.EncodeTaskConfigs([]map[string]*string{config}))
	case abi.EventValidate:
		at(abi.PhaseValidate, 0)
		r, err := abi.ParseValidateRequest(e.Body)
		if err != nil {
			panic(err)
		}
		config = r.Config
		misbehave("validate", abi.MessageValidated, e.Seq)
		send(abi.MessageValidated, e.Seq, abi.EncodeKeyValidations(nil))
	case abi.EventStop:
		at(abi.PhaseStop, 0)
		misbehave("stop", abi.MessageReady, 0)
		os.Exit(0)
	}
}

func (g *guest) start(plan abi.Plan, seq uint32) {
	if plan.Role == abi.RoleDescribe {
		how(describe, abi.MessageManifest, 0)
		send(abi.MessageManifest, 0, manifest().Encode())
		os.Exit(0)
	}
	at(abi.PhaseStart, 0)
	if len(plan.Stages) > 0 {
		config, g.kind = plan.Stages[0].Config, plan.Stages[0].Kind
		if last := plan.Stages[len(plan.Stages)-1].Kind; last == abi.KindSink {
			g.kind = last
		}
	}
	if plan.Role == abi.RoleTask {
		misbehave("start", abi.MessageReady, seq)
	} else if plan.Role == abi.RoleConnector {
		misbehave("connector", abi.MessageReady, seq)
	}
	send(abi.MessageReady, seq, nil)
	if plan.Role == abi.RoleTask && g.kind == abi.KindSource {
		at(abi.PhasePoll, 3)
		misbehave("poll", abi.MessageRecords, 1)
		g.records()
	}
}

// records puts one batch of ten records.
func (g *guest) records() {
	var b abi.BatchBuilder
	topic := b.AddTopic(*config["topic"])
	for i := range 10 {
		b.Add(&abi.RecordFields{Topic: topic, Partition: -1, Timestamp: abi.NoTimestamp, Offset: -1, Origin: uint32(i),
			Key: abi.Cell{Schema: abi.None}, Value: abi.Cell{Schema: abi.None, Tag: abi.TagString, Bytes: []byte("hello")},
			SourcePartition: abi.None})
	}
	g.seq++
	send(abi.MessageRecords, g.seq, b.AppendTo(nil))
}

func answer(batch *abi.Batch, kind string) []byte {
	var b abi.BatchBuilder
	b.BeginResult(batch)
	if kind != abi.KindSink {
		var f abi.RecordFields
		for i := range batch.Len() {
			f.FromInput(batch.Entry(i))
			f.Origin = uint32(i)
			b.Add(&f)
		}
	}
	return b.AppendTo(nil)
}

func manifest() abi.Manifest {
	m := abi.Manifest{ABI: abi.Version, SDK: "none"}
	for _, kind := range []string{abi.KindSource, abi.KindSink, abi.KindTransform, abi.KindConverter} {
		class := "hostile." + strings.ToUpper(kind[:1]) + kind[1:]
		m.Plugins = append(m.Plugins, abi.Plugin{Class: class, Kind: kind, Version: "6.6.6",
			GoesAlone: clings == "" && (kind == abi.KindSource || kind == abi.KindSink)})
	}
	return m
}

func misbehave(step string, kind abi.MessageKind, seq uint32) {
	if v := config["misbehave"]; v != nil {
		if at, what, _ := strings.Cut(*v, ":"); at == step {
			how(what, kind, seq)
		}
	}
}

func how(what string, kind abi.MessageKind, seq uint32) {
	switch what {
	case "trap": // outside of memory: a trap of wasm itself
		sink = int(*(*byte)(unsafe.Pointer(uintptr(0xFFFF_FFF0))))
	case "panic":
		panic("on purpose")
	case "exit":
		os.Exit(0)
	case "exit3":
		os.Exit(3)
	case "loop":
		for i := 0; ; i++ {
			sink = i
		}
	case "spin": // computes, but calls the host all the time
		for {
			poll(nil, 0)
		}
	case "sleep":
		time.Sleep(time.Hour)
	case "memory":
		for {
			hoard = append(hoard, make([]byte, 16<<20))
		}
	case "recursion":
		recurse(1)
	case "garbage":
		send(kind, seq, []byte("garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage"))
	case "pointer":
		put(uint32(kind), seq, unsafe.Pointer(uintptr(0xFFFF_0000)), 0xFFFF, nil, 0)
	case "seq":
		send(kind, seq+17, nil)
	case "stage": // one that there is not
		send(kind, seq, abi.EncodeStates([]abi.StageState{{Stage: 17}}))
	case "kind":
		send(4711, seq, nil)
	case "flood":
		line := []byte(strings.Repeat("x", 1000))
		for range 100_000 {
			log(2, unsafe.Pointer(&line[0]), uint32(len(line)))
		}
	}
}

var (
	sink  int
	hoard [][]byte
)

func recurse(n int) int {
	var pad [1024]byte
	pad[n%1024] = byte(n)
	return recurse(n+1) + int(pad[(n*7)%1024])
}

func at(phase abi.Phase, record uint32) {
	where[4], where[8] = byte(record), byte(phase)
}

// next waits for an event; it sleeps in time.Sleep, as a guest without an SDK may.
func next() abi.Event {
	buf := make([]byte, 1<<20)
	for {
		n := poll(unsafe.Pointer(&buf[0]), uint32(len(buf)))
		if n > 0 {
			e, err := abi.ParseEvent(buf[:n])
			if err != nil {
				panic(err)
			}
			return e
		}
		time.Sleep(time.Millisecond)
	}
}

func send(kind abi.MessageKind, seq uint32, body []byte) {
	for {
		var p unsafe.Pointer
		if len(body) > 0 {
			p = unsafe.Pointer(&body[0])
		}
		if put(uint32(kind), seq, p, uint32(len(body)), nil, 0) != int32(abi.PutFull) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
