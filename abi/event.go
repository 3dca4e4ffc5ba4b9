package abi

import "fmt"

// Event is what poll gives: a kind, the host's number for it, and a body whose form depends on the kind.
type Event struct {
	Kind EventKind
	Seq  uint32
	Body []byte
}

// AppendEvent appends the encoding of an event.
func AppendEvent(dst []byte, kind EventKind, seq uint32, body []byte) []byte {
	return append(AppendEventHeader(dst, kind, seq, len(body)), body...)
}

// AppendEventHeader appends the part of an event before its body, for bodies that are written in place.
func AppendEventHeader(dst []byte, kind EventKind, seq uint32, bodyLen int) []byte {
	dst = le.AppendUint32(dst, uint32(kind))
	dst = le.AppendUint32(dst, seq)
	dst = le.AppendUint32(dst, uint32(bodyLen))
	return le.AppendUint32(dst, 0)
}

// EventHeaderBytes is the size of the part of an event before its body.
const EventHeaderBytes = 16

// ParseEvent reads an event that fills b; the body is a view. Kinds that this version does not know are errors.
func ParseEvent(b []byte) (Event, error) {
	if len(b) < EventHeaderBytes || len(b) > BatchBytesMax+EventHeaderBytes {
		return Event{}, fmt.Errorf("read event: %d bytes", len(b))
	}
	e := Event{EventKind(le.Uint32(b)), le.Uint32(b[4:]), b[EventHeaderBytes:]}
	if uint64(le.Uint32(b[8:])) != uint64(len(e.Body)) || le.Uint32(b[12:]) != 0 {
		return Event{}, fmt.Errorf("read event: body of %d bytes in %d, or reserved bytes set", le.Uint32(b[8:]), len(b))
	}
	if e.Kind < EventPlan || e.Kind > EventAlone {
		return Event{}, fmt.Errorf("read event: unknown kind %d", e.Kind)
	}
	return e, nil
}
