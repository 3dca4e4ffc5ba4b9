package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/berth-connect/berth/cluster/embedded"
)

// startBroker starts an embedded broker whose log is in dir; stop returns when it has ended.
func startBroker(dir string) (bootstrap string, stop func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	broker := embedded.New(embedded.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() { ended <- broker.Run(ctx) }()
	select {
	case <-broker.Ready():
		return broker.Addr(), func() { cancel(); <-ended }, nil
	case err := <-ended:
		cancel()
		return "", nil, fmt.Errorf("start the embedded broker: %w", err)
	}
}
