package kafka

import (
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// NewMembership makes the client of the worker's place in its group; it needs one of its own. clientID as in Connect,
// client.id or "connect-<worker id>". It does no I/O; the caller closes it. Errors: *PropertyError, joined.
func NewMembership(worker map[string]string, clientID string, log *slog.Logger) (*kgo.Client, error) {
	opts, err := WorkerOptions(worker, clientID, log)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("making the client of the group membership: %w", err)
	}
	return client, nil
}
