package kafka

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// clientLog passes the client's own messages on. Its information level is as chatty as our debugging one.
type clientLog struct{ log *slog.Logger }

func (l clientLog) Level() kgo.LogLevel {
	switch {
	case l.log.Enabled(context.Background(), slog.LevelDebug):
		return kgo.LogLevelInfo
	case l.log.Enabled(context.Background(), slog.LevelWarn):
		return kgo.LogLevelWarn
	}
	return kgo.LogLevelError
}

func (l clientLog) Log(level kgo.LogLevel, message string, keyvals ...any) {
	to := map[kgo.LogLevel]slog.Level{kgo.LogLevelError: slog.LevelError, kgo.LogLevelWarn: slog.LevelWarn}
	at, ok := to[level]
	if !ok {
		at = slog.LevelDebug
	}
	l.log.Log(context.Background(), at, "kafka client: "+message, keyvals...)
}
