package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A broker that is asked for the first group of its life makes the topic of groups first, and has no coordinator for as
// long as that takes: longer than the client tries.
const (
	retryPause       = 100 * time.Millisecond
	retryDurationMax = 20 * time.Second
)

// retried calls again while Kafka says that this may help, within bounds and ctx.
func retried[T any](ctx context.Context, call func() (T, error)) (T, error) {
	end := time.Now().Add(retryDurationMax)
	for {
		answer, err := call()
		if !kerr.IsRetriable(err) || time.Now().After(end) {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, err
		case <-time.After(retryPause):
		}
	}
}
