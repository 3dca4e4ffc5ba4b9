package kafka

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The loggers of clients: the classes of the Java clients.
const (
	adminLogger    = "org.apache.kafka.clients.admin.KafkaAdminClient"
	consumerLogger = "org.apache.kafka.clients.consumer.KafkaConsumer"
	producerLogger = "org.apache.kafka.clients.producer.KafkaProducer"
)

// clientLog passes the client's own messages on.
type clientLog struct{ log *slog.Logger }

// clientLevels are the client's levels with ours: its information is as chatty as our debugging, and what it says
// beyond that is our TRACE.
var clientLevels = []struct {
	client kgo.LogLevel
	ours   slog.Level
}{
	{kgo.LogLevelDebug, slog.LevelDebug - 4}, {kgo.LogLevelInfo, slog.LevelDebug}, {kgo.LogLevelWarn, slog.LevelWarn},
	{kgo.LogLevelError, slog.LevelError},
}

func (l clientLog) Level() kgo.LogLevel {
	for _, level := range clientLevels {
		if l.log.Enabled(context.Background(), level.ours) {
			return level.client
		}
	}
	return kgo.LogLevelNone
}

func (l clientLog) Log(level kgo.LogLevel, message string, keyvals ...any) {
	for _, known := range clientLevels {
		if known.client == level {
			l.log.Log(context.Background(), known.ours, "kafka client: "+message, keyvals...)
		}
	}
}
