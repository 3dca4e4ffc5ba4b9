package cli

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// UntilSignal runs until SIGINT or SIGTERM asks it to end softly; a second one is passed on as hurry.
func UntilSignal(run func(ctx context.Context, hurry <-chan os.Signal) error) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	hurry := make(chan os.Signal, 1)
	go func() {
		slog.Info("stopping", "signal", (<-signals).String())
		cancel()
		hurry <- <-signals
	}()
	return run(ctx, hurry)
}
