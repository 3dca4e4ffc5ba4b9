package abi

import "strings"

// Limits of version 1. A decoder refuses what goes over; where it says "cut", the sender shortens instead.
const (
	BatchBytesMax       = 64 << 20 // a batch, an event or a message
	BatchRecordsMax     = 1 << 20
	DictionaryMax       = 65_536 // topics, schemas, partitions of a batch, each
	HeadersMax          = 4_096  // of one record
	DepthMax            = 1000   // of values and schemas
	ErrorMessageBytes   = 8 << 10
	ErrorClassBytes     = 256
	LogLineBytes        = 16 << 10 // cut
	ControlStringBytes  = 1 << 20  // one string in a plan or a manifest
	ManifestPluginsMax  = 256
	PlanStagesMax       = 64
	headerPrefixBytes   = 16 // of one header in a header block
	schemaParametersMax = 65_536
	schemaFieldsMax     = 65_536
)

// Sizes of the fixed parts of a batch.
const (
	HeaderBytes = 64
	EntryBytes  = 88
	ErrorBytes  = 24
)

// BatchMagic is the first u32 of a batch, the bytes BTR1.
const BatchMagic = 0x31525442

// CutMessage makes an error's message fit: valid UTF-8 of at most ErrorMessageBytes, without splitting a character.
func CutMessage(s string) string { return cut(s, ErrorMessageBytes) }

// CutLogLine does the same for a log line and LogLineBytes.
func CutLogLine(s string) string { return cut(s, LogLineBytes) }

func cut(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && s[limit]&0xC0 == 0x80 {
		limit--
	}
	return s[:limit]
}
