package task

import (
	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/recordjson"
)

// cellBytes is a record's key or value as the dead letter of a source holds it, where no converter has made bytes of
// it: text as UTF-8, bytes as they are, all else as JSON without schema. encoding says which ("" for null).
func cellBytes(batch *abi.Batch, tag abi.Tag, payload []byte, schema uint32) (data []byte, encoding string) {
	switch tag {
	case abi.TagNull:
		return nil, ""
	case abi.TagRaw, abi.TagBytes:
		return append([]byte{}, payload...), "bytes"
	case abi.TagString:
		return append([]byte{}, payload...), "string"
	}
	native, _, err := recordjson.Native(batch, abi.Value{Tag: tag, Payload: payload}, schema)
	if err != nil { // a guest's own fault; its bytes are still better than nothing
		return append([]byte{}, payload...), "berth " + tag.String() + " (unreadable: " + err.Error() + ")"
	}
	if text, isText := native.(string); isText { // with half a surrogate pair
		return []byte(text), "string"
	}
	return recordjson.AppendValue(nil, native), "json"
}
