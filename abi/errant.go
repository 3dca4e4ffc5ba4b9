package abi

// Errant is the body of the ERRANT message: a sink gives a record up that it was given in an earlier batch.
type Errant struct {
	Topic     string
	Partition int32
	Offset    int64
	Message   string // with lines for all else that is known, as a record's error
	Class     string // exception class to show; "": that of the code
}

// Encode returns the value body; the message is cut to ErrorMessageBytes.
func (e Errant) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.pairString("topic", e.Topic)
	b.pairInt32("partition", e.Partition)
	b.String("offset")
	b.Int64(e.Offset)
	b.pairString("message", CutMessage(e.Message))
	if e.Class != "" {
		b.pairString("class", cut(e.Class, ErrorClassBytes))
	}
	b.End()
	return b.Bytes()
}

// ParseErrant reads the body of the ERRANT message.
func ParseErrant(b []byte) (Errant, error) {
	var e Errant
	err := parseMap(b, "errant record", func(f *fields) {
		e = Errant{f.str("topic"), f.int32("partition"), f.int64("offset"), CutMessage(f.str("message")),
			cut(f.str("class"), ErrorClassBytes)}
	})
	return e, err
}
