package guest

import (
	"context"
	"errors"

	"github.com/berth-connect/berth/abi"
)

// Keys of a configuration under which a source says what it delivers exactly once (KIP-618).
const (
	keyExactlyOnce = "exactly.once.support"
	keyBoundary    = "transaction.boundary"
)

// exactlyOnce is what a source says, as answers for these keys.
func (p Plugin) exactlyOnce(config map[string]*string) []abi.KeyValidation {
	var answers []abi.KeyValidation
	for _, fact := range []struct {
		key string
		say func(map[string]*string) (Support, error)
	}{{keyExactlyOnce, p.ExactlyOnce}, {keyBoundary, p.TransactionBoundaries}} {
		if fact.say == nil {
			continue
		}
		answer := abi.KeyValidation{Name: fact.key, Visible: true}
		support, err := fact.say(config)
		switch {
		case err != nil:
			answer.Errors = []string{err.Error()}
		case support != Unsaid:
			text := string(support)
			answer.Value = &text
		}
		answers = append(answers, answer)
	}
	return answers
}

func (in *instance) alterOffsets(ctx context.Context, event abi.Event) error {
	in.at(abi.PhaseAlter, 0, abi.None)
	request, err := abi.ParseAlterRequest(event.Body)
	if err != nil {
		return err
	}
	p, err := in.find(request.Plugin, request.Kind)
	if err != nil {
		return err
	}
	altered := abi.Altered{Supported: true}
	if p.AlterOffsets != nil {
		if altered, err = p.alter(ctx, request); err != nil {
			return err
		}
	}
	in.at(abi.PhaseIdle, 0, abi.None)
	return in.put(ctx, abi.MessageAltered, event.Seq, nil, altered.Encode())
}

func (p Plugin) alter(ctx context.Context, request abi.AlterRequest) (abi.Altered, error) {
	var offsets []AlteredOffset
	for _, o := range request.Offsets {
		one, err := storedOffset(abi.SourceOffset(o))
		if err != nil {
			return abi.Altered{}, err
		}
		offsets = append(offsets, one)
	}
	managed, err := p.AlterOffsets(ctx, request.Config, offsets)
	if errors.Is(err, ErrAlterUnsupported) {
		return abi.Altered{}, nil
	}
	return abi.Altered{Supported: true, Managed: managed}, err
}
