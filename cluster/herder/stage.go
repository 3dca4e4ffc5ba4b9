package herder

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/berth-connect/berth/host"
)

// stage says what the worker is or was doing, for the text of a request that timed out (KIP-1017's Stage).
type stage struct {
	text  string
	began time.Time
	ended time.Time // zero: still at it
}

func (s *stage) completed() *stage { return &stage{s.text, s.began, time.Now()} }

// String is Connect's summary of a stage.
func (s *stage) String() string {
	began := s.began.UTC().Format(time.RFC3339Nano)
	if s.ended.IsZero() {
		return fmt.Sprintf("The worker is currently %s, which began at %s", s.text, began)
	}
	return fmt.Sprintf("The last operation the worker completed was %s, which began at %s and completed at %s",
		s.text, began, s.ended.UTC().Format(time.RFC3339Nano))
}

// Errors without a counterpart in package host.
var (
	// ErrForbidden is a request that the worker's configuration switches off.
	ErrForbidden = errors.New("forbidden")

	errStopping = &host.Error{Kind: host.ErrInternal, Message: "The worker is shutting down"}
)

// timedOut is the error of a request whose context has ended.
func (h *Herder) timedOut(ctx context.Context, at *stage) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("the client went away: %w", ctx.Err())
	}
	return &host.Error{Kind: host.ErrInternal, Message: "Request timed out. " + at.String()}
}

// timedCall replaces the error of a plugin call that ran into the request's deadline.
func (h *Herder) timedCall(ctx context.Context, at *stage, err error) error {
	if err != nil && ctx.Err() != nil {
		return h.timedOut(ctx, at)
	}
	return err
}

// unnamed is what the worker is doing, as all may read it who wait for their turn: where there are tenants, nobody
// learns what another one has.
func (h *Herder) unnamed(what string) string {
	if h.configs.AnyTenant() {
		return "serving another request"
	}
	return what
}
