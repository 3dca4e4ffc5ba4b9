package abi

import (
	"errors"
	"fmt"
)

// Request is the body of the REQUEST message: a stage asks for something that only the host may fetch.
type Request struct {
	Stage      int32  // index in the plan: whose capability it is, and whose configuration decides
	Capability string // one of Capability…
	Call       string
	Arguments  Value // a MAP
}

// Encode returns the value body.
func (r Request) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.pairInt32("stage", r.Stage)
	b.pairString("capability", r.Capability)
	b.pairString("call", r.Call)
	b.String("arguments")
	b.Put(r.Arguments)
	b.End()
	return b.Bytes()
}

// ParseRequest reads the body of the REQUEST message; Arguments is a view of b.
func ParseRequest(b []byte) (Request, error) {
	var r Request
	err := parseMap(b, "request", func(f *fields) {
		r = Request{f.int32("stage"), f.str("capability"), f.str("call"), Value{}}
		var ok bool
		if r.Arguments, ok = f.get("arguments", TagMap); !ok && f.err == nil {
			f.err = errors.New("no arguments")
		}
	})
	return r, err
}

// Reply is the body of the REPLY event.
type Reply struct {
	Request uint32 // seq of the REQUEST
	Code    Code   // 0: it was answered
	Message string // of the error
	Result  Value  // NULL unless answered
}

// Encode returns the value body; the message is cut to ErrorMessageBytes.
func (r Reply) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.String("request")
	b.Int64(int64(r.Request))
	b.pairInt32("code", int32(r.Code))
	b.pairString("message", CutMessage(r.Message))
	b.String("result")
	b.Put(r.Result)
	b.End()
	return b.Bytes()
}

// ParseReply reads the body of the REPLY event; Result is a view of b.
func ParseReply(b []byte) (Reply, error) {
	var r Reply
	err := parseMap(b, "reply", func(f *fields) {
		seq := f.int64("request")
		r = Reply{uint32(seq), Code(f.int32("code")), f.str("message"), Value{}}
		if f.err == nil && (seq < 0 || seq > None) {
			f.err = fmt.Errorf("request %d", seq)
		}
		if f.err == nil && r.Code > CodeInternal {
			f.err = fmt.Errorf("unknown code %d", r.Code)
		}
		if result, ok := f.v.Get("result"); ok {
			r.Result = result
		}
	})
	return r, err
}
