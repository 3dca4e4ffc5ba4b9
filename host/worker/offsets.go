package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
)

// AlterOffsets asks the plugin of a connector that is stopped whether its offsets may be set from outside (KIP-875).
// It returns true when the plugin has taken care of offsets that it keeps in its own system, or keeps none. A nil
// Offset is deleted. Errors: host.ErrAlterUnsupported; host.ErrInternal with the plugin's own text.
func (w *Worker) AlterOffsets(ctx context.Context, tenant string, config host.Config,
	offsets []host.SourceOffset) (bool, error) {
	found, err := w.of(tenant).resolveConnector(config)
	if err != nil {
		return false, err
	}
	wanted, err := alteredOffsets(offsets)
	if err != nil {
		return false, err
	}
	altered, err := w.Registry.Of(tenant).AlterOffsets(ctx, found, config, wanted)
	var said *guest.Failure
	switch {
	case errors.As(err, &said):
		return false, &host.Error{Kind: host.ErrInternal, Message: said.Message}
	case err != nil:
		return false, err
	case !altered.Supported:
		return false, host.ErrAlterUnsupported
	}
	return altered.Managed, nil
}

func alteredOffsets(offsets []host.SourceOffset) ([]abi.AlteredOffset, error) {
	var wanted []abi.AlteredOffset
	for _, o := range offsets {
		partition, err := mapOf(o.Partition)
		if err != nil {
			return nil, err
		}
		offset, err := mapOf(o.Offset)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, abi.AlteredOffset{Partition: partition, Offset: offset})
	}
	return wanted, nil
}

// mapOf reads a partition or an offset, NULL for none. It may hold more than offsets can: the plugin says what it makes
// of that, and the store refuses it.
func mapOf(text []byte) (abi.Value, error) {
	if text == nil {
		return abi.Value{}, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return abi.Value{}, host.BadRequest(fmt.Sprintf("%.100s must be a JSON object: %v", text, err))
	}
	value, err := abi.ToValue(widened(object))
	if err != nil {
		return abi.Value{}, host.BadRequest(fmt.Sprintf("%.100s: %v", text, err))
	}
	return value, nil
}

// widened gives numbers the types that Connect's JSON converter gives them: long, or double.
func widened(x any) any {
	switch x := x.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, _ := x.Float64() // out of range: infinite, as in Java
		return f
	case map[string]any:
		for name := range x {
			x[name] = widened(x[name])
		}
	case []any:
		for i := range x {
			x[i] = widened(x[i])
		}
	}
	return x
}
