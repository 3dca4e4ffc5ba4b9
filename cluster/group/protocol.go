package group

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/berth-connect/berth/host"
)

// ProtocolType is what members of a Connect group say they are.
const ProtocolType = "connect"

// connectorTask is the task id that stands for the connector itself (ConnectProtocol.CONNECTOR_TASK).
const connectorTask = -1

// Metadata is what a member tells the leader when it joins.
type Metadata struct {
	URL          string      // advertised REST URL, ends with a slash
	ConfigOffset int64       // see ConfigView.Offset
	Allocation   *Assignment // what the member holds; nil before its first round; never with Eager

	// Loads are those of the member's tasks; nil: it does not tell. They are Berth's own, behind what Kafka Connect
	// writes; its workers ignore what follows there. Never with Eager.
	Loads map[host.TaskID]host.TaskLoad
}

var (
	protocolNames    = map[Protocol]string{Eager: "default", Compatible: "compatible", Sessioned: "sessioned"}
	protocolSettings = map[Protocol]string{Eager: "eager", Compatible: "compatible", Sessioned: "sessioned"}
)

// Name is the protocol's name in JoinGroup requests; "" for a version that Kafka Connect doesn't have.
func (p Protocol) Name() string { return protocolNames[p] }

// String is the protocol's name in the setting connect.protocol.
func (p Protocol) String() string { return protocolSettings[p] }

// Incremental says that members keep their work while they join.
func (p Protocol) Incremental() bool { return p != Eager }

// ProtocolOfName reads the name of a protocol as the coordinator chose it, in either case.
func ProtocolOfName(name string) (Protocol, error) {
	for p, known := range protocolNames {
		if known == strings.ToLower(name) {
			return p, nil
		}
	}
	return 0, fmt.Errorf("the group chose protocol %q, which is none of Kafka Connect's (default, compatible, "+
		"sessioned); does another kind of client use the same group.id?", name)
}

// ParseProtocol reads the setting connect.protocol, in either case.
func ParseProtocol(setting string) (Protocol, error) {
	for p, known := range protocolSettings {
		if known == strings.ToLower(setting) {
			return p, nil
		}
	}
	return 0, fmt.Errorf("connect.protocol is %q; it must be eager, compatible or sessioned", setting)
}

// Offer is a protocol that a member can do, with what it announces under it.
type Offer struct {
	Name     string
	Metadata []byte
}

// Offers lists what a worker that is configured for p offers, best first. Errors: as for EncodeMetadata.
func Offers(p Protocol, m Metadata) ([]Offer, error) {
	var offers []Offer
	for ; p >= Eager; p-- {
		bytes, err := EncodeMetadata(p, m)
		if err != nil {
			return nil, err
		}
		offers = append(offers, Offer{p.Name(), bytes})
	}
	return offers, nil
}

// EncodeMetadata writes what a member announces under protocol p. Errors: a URL or name of more than 32767 bytes.
func EncodeMetadata(p Protocol, m Metadata) ([]byte, error) {
	w := writer{}
	w.int16(int16(p))
	w.string("url", m.URL)
	w.int64(m.ConfigOffset)
	if p.Incremental() {
		w.allocation(p, m.Allocation)
		w.loads(m.Loads)
	}
	return w.bytes, w.err
}

// EncodeAssignment writes an assignment under protocol p; Eager has no room for Revoked and Delay. A task that is
// named twice stays so, a connector does not. Errors: as for EncodeMetadata.
func EncodeAssignment(p Protocol, a *Assignment) ([]byte, error) {
	w := writer{}
	w.int16(int16(p))
	w.int16(a.Error)
	w.string("leader", a.Leader)
	w.string("leader-url", a.LeaderURL)
	w.int64(a.ConfigOffset)
	w.work("assignment", a.Work)
	if p.Incremental() {
		w.work("revoked", a.Revoked)
		w.int32(int32(a.Delay.Milliseconds()))
	}
	return w.bytes, w.err
}

// writer appends Kafka's primitive types; err is the first error.
type writer struct {
	bytes []byte
	err   error
}

func (w *writer) int16(v int16) { w.bytes = binary.BigEndian.AppendUint16(w.bytes, uint16(v)) }
func (w *writer) int32(v int32) { w.bytes = binary.BigEndian.AppendUint32(w.bytes, uint32(v)) }
func (w *writer) int64(v int64) { w.bytes = binary.BigEndian.AppendUint64(w.bytes, uint64(v)) }

func (w *writer) string(field, s string) {
	if len(s) > math.MaxInt16 && w.err == nil {
		w.err = fmt.Errorf("%s has %d bytes, the group protocol carries at most %d: %.60q…", field, len(s), math.MaxInt16, s)
	}
	w.int16(int16(len(s)))
	w.bytes = append(w.bytes, s...)
}

func (w *writer) allocation(p Protocol, a *Assignment) {
	if a == nil {
		w.int32(-1)
		return
	}
	bytes, err := EncodeAssignment(p, a)
	if w.err == nil {
		w.err = err
	}
	w.int32(int32(len(bytes)))
	w.bytes = append(w.bytes, bytes...)
}

// work writes connectors in the order of the set, the connector itself before its tasks.
func (w *writer) work(field string, work Work) {
	var names []string
	tasks := map[string][]int32{}
	add := func(connector string, task int32) {
		if tasks[connector] == nil {
			names = append(names, connector)
		}
		tasks[connector] = append(tasks[connector], task)
	}
	for _, connector := range work.Connectors {
		if tasks[connector] == nil {
			add(connector, connectorTask)
		}
	}
	for _, id := range work.Tasks {
		add(id.Connector, int32(id.Task))
	}
	w.int32(int32(len(names)))
	for _, name := range names {
		w.string(field+".connector", name)
		w.int32(int32(len(tasks[name])))
		for _, task := range tasks[name] {
			w.int32(task)
		}
	}
}

// DecodeMetadata reads what a member announced. Fields that p does not know are not looked at; bytes that follow are
// ignored, as newer members may add fields. Errors name the field.
func DecodeMetadata(p Protocol, bytes []byte) (Metadata, error) {
	r := reader{rest: bytes}
	r.version()
	m := Metadata{URL: r.string("url"), ConfigOffset: r.int64("config-offset")}
	if p.Incremental() && !r.atEnd() {
		m.Allocation = r.allocation()
		m.Loads = r.loads()
	}
	if r.err != nil {
		return Metadata{}, fmt.Errorf("metadata of a group member: %w", r.err)
	}
	return m, nil
}

// DecodeAssignment reads an assignment of either layout; p only says which fields may come. Errors name the field.
func DecodeAssignment(p Protocol, bytes []byte) (*Assignment, error) {
	r := reader{rest: bytes}
	r.version()
	a := &Assignment{
		Error: r.int16("error"), Leader: r.string("leader"), LeaderURL: r.string("leader-url"),
		ConfigOffset: r.int64("config-offset"),
	}
	if p.Incremental() {
		a.Work = r.optionalWork("assignment")
		a.Revoked = r.optionalWork("revoked")
		if !r.atEnd() {
			a.Delay = time.Duration(r.int32("delay")) * time.Millisecond
		}
	} else {
		a.Work = r.work("assignment", r.int32("assignment"))
	}
	if r.err != nil {
		return nil, fmt.Errorf("assignment of a group member: %w", r.err)
	}
	return a, nil
}

// reader takes Kafka's primitive types off rest; after the first error all it gives is zero.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) atEnd() bool { return r.err != nil || len(r.rest) == 0 }

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) take(field string, n int) []byte {
	if r.err == nil && n > len(r.rest) {
		r.fail("field %s needs %d bytes, %d are left", field, n, len(r.rest))
	}
	if r.err != nil {
		return make([]byte, 8) // enough for any number
	}
	bytes := r.rest[:n]
	r.rest = r.rest[n:]
	return bytes
}

func (r *reader) int16(field string) int16 { return int16(binary.BigEndian.Uint16(r.take(field, 2))) }
func (r *reader) int32(field string) int32 { return int32(binary.BigEndian.Uint32(r.take(field, 4))) }
func (r *reader) int64(field string) int64 { return int64(binary.BigEndian.Uint64(r.take(field, 8))) }

// version takes any version but a negative one: a newer layout begins like those known.
func (r *reader) version() {
	if v := r.int16("version"); v < 0 {
		r.fail("version is %d, it can't be negative", v)
	}
}

// string replaces what is not UTF-8, as Java does.
func (r *reader) string(field string) string {
	n := r.int16(field)
	if n < 0 {
		r.fail("field %s has length %d, it can't be negative", field, n)
	}
	if r.err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(r.take(field, int(n))), "\uFFFD")
}

// allocation reads bytes with a negative length as none.
func (r *reader) allocation() *Assignment {
	n := r.int32("allocation")
	if n < 0 || r.err != nil {
		return nil
	}
	bytes := r.take("allocation", int(n))
	if r.err != nil {
		return nil
	}
	a, err := DecodeAssignment(Compatible, bytes)
	if err != nil {
		r.fail("field allocation: %w", err)
	}
	return a
}

// optionalWork may be null or missing at the end.
func (r *reader) optionalWork(field string) Work {
	if r.atEnd() {
		return Work{}
	}
	if n := r.int32(field); n > 0 {
		return r.work(field, n)
	}
	return Work{}
}

func (r *reader) work(field string, connectors int32) Work {
	r.checkCount(field, connectors)
	var work Work
	for range connectors {
		name := r.string(field + ".connector")
		tasks := r.int32(field + ".tasks")
		r.checkCount(field+".tasks", tasks)
		if r.err != nil {
			return Work{}
		}
		for range tasks {
			task := r.int32(field + ".tasks")
			if r.err != nil {
				return Work{}
			}
			if task == connectorTask {
				work.Connectors = append(work.Connectors, name)
			} else {
				work.Tasks = append(work.Tasks, host.TaskID{Connector: name, Task: int(task)})
			}
		}
	}
	return work
}

// checkCount refuses counts that the bytes left can't hold, before anything is made room for.
func (r *reader) checkCount(field string, n int32) {
	if n < 0 || int(n) > len(r.rest) {
		r.fail("field %s has %d entries, which is negative or more than the %d bytes left", field, n, len(r.rest))
	}
}
