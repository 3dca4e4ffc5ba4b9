package pipeline

import (
	"strings"

	"github.com/berth-connect/berth/abi"
)

// Details is what is known of a record's error besides its message (abi/LAYOUT.md, section 4).
type Details struct {
	Class  string // exception class to show, "": that of the code
	Field  string // path in the key or value, "": not known
	Causes string // "Caused by: …" lines, outermost first
}

const (
	fieldLine = "\nField: "
	causeLine = "\nCaused by: "
)

// LateFailure is that of a record which a sink gave up after its answer.
func LateFailure(sink Stage, e *abi.Errant) RecordFailure {
	f := RecordFailure{Stage: sink, Code: abi.CodeErrant}
	f.Message, f.Details = splitDetails(e.Message, e.Class)
	return f
}

// splitDetails takes the text of an error of that class apart; what it does not know stays in the message.
func splitDetails(text, class string) (message string, d Details) {
	d.Class = class
	message, causes, found := strings.Cut(text, causeLine)
	if found {
		d.Causes = causeLine[1:] + causes
	}
	message, d.Field = cutLine(message, fieldLine)
	return message, d
}

// cutLine takes off the last line if it begins so.
func cutLine(text, prefix string) (rest, line string) {
	i := strings.LastIndex(text, prefix)
	if i < 0 || strings.Contains(text[i+len(prefix):], "\n") {
		return text, ""
	}
	return text[:i], text[i+len(prefix):]
}
