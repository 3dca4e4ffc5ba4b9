package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/offset"
)

// AlterOffsets asks the plugin of a connector that is stopped whether its offsets may be set from outside (KIP-875). It
// returns true when the plugin has taken care of offsets that it keeps in its own system, or keeps none. A nil Offset is
// deleted. Errors: host.ErrAlterUnsupported; host.ErrInternal with the plugin's own text.
func (w *Worker) AlterOffsets(ctx context.Context, config host.Config, offsets []host.SourceOffset) (bool, error) {
	found, err := w.resolveConnector(config)
	if err != nil {
		return false, err
	}
	wanted, err := alteredOffsets(offsets)
	if err != nil {
		return false, err
	}
	altered, err := w.Registry.AlterOffsets(ctx, found, config, wanted)
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
			return nil, fmt.Errorf("read source partition %s: %w", o.Partition, err)
		}
		one := abi.AlteredOffset{Partition: partition}
		if o.Offset != nil {
			if one.Offset, err = mapOf(o.Offset); err != nil {
				return nil, fmt.Errorf("read source offset %s: %w", o.Offset, err)
			}
		}
		wanted = append(wanted, one)
	}
	return wanted, nil
}

func mapOf(text []byte) (abi.Value, error) {
	payload, err := offset.ParseJSON(text)
	return abi.Value{Tag: abi.TagMap, Payload: payload}, err
}
