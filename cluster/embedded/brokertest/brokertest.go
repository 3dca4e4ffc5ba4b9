// Package brokertest gives tests a broker: the Kafka at BERTH_TEST_BOOTSTRAP when that is set, else an embedded one.
package brokertest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/embedded"
)

var names atomic.Int64

// Name returns a name for a topic, group or connector that no other test and no other run uses.
func Name(t testing.TB, prefix string) string {
	t.Helper()
	return fmt.Sprintf("%s-%x-%d", prefix, time.Now().UnixNano(), names.Add(1))
}

// Bootstrap returns the address of a broker that lives at least as long as the test.
func Bootstrap(t testing.TB) string {
	t.Helper()
	if addr := strings.TrimSpace(os.Getenv("BERTH_TEST_BOOTSTRAP")); addr != "" {
		return addr
	}
	b, _ := Embedded(t, embedded.Config{Dir: t.TempDir()})
	return b.Addr()
}

// Embedded runs an embedded broker until the test ends or stop is called.
func Embedded(t testing.TB, config embedded.Config) (b *embedded.Broker, stop func()) {
	t.Helper()
	config.Log = slog.New(slog.DiscardHandler)
	b = embedded.New(config)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var failure error
	go func() {
		defer close(ended)
		failure = b.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-ended
		if failure != nil {
			t.Errorf("the embedded broker ended with: %v", failure)
		}
	}
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	select {
	case <-b.Ready():
	case <-ended:
		t.Fatalf("the embedded broker did not start: %v", failure)
	}
	return b, stop
}
