package worker

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/task"
	"github.com/berth-connect/berth/host/validate"
)

// tolerance is what a connector's errors.* ask for.
func tolerance(kind string, c validate.Connector, config host.Config) (task.Tolerance, error) {
	t := task.Tolerance{
		All:           c.ErrorsTolerance == "all",
		RetryTimeout:  milliseconds(c.ErrorsRetryTimeoutMs),
		RetryDelayMax: milliseconds(c.ErrorsRetryDelayMaxMs),
		Log:           c.ErrorsLogEnable,
		LogRecords:    c.ErrorsLogIncludeMessages,
		DeadLetters: task.DeadLetters{Topic: c.DLQTopic, ReplicationFactor: c.DLQReplicationFactor,
			ContextHeaders: c.DLQContextHeaders},
	}
	if kind != abi.KindSource {
		return t, nil
	}
	var err error
	t.DeadLetters, err = sourceDeadLetters(config)
	return t, err
}

// milliseconds caps what a Duration can't hold, which is as good as without end; so is what is below zero.
func milliseconds(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return time.Duration(max(min(n, most), -1)) * time.Millisecond
}

// Keys of dead letters, which Connect knows for sinks only.
const (
	keyDLQ            = "errors.deadletterqueue.topic.name"
	keyDLQReplication = "errors.deadletterqueue.topic.replication.factor"
	keyDLQHeaders     = "errors.deadletterqueue.context.headers.enable"
)

// sourceDeadLetters reads for a source what Connect reads for sinks, with the same defaults.
func sourceDeadLetters(config host.Config) (task.DeadLetters, error) {
	d := task.DeadLetters{Topic: strings.TrimSpace(config.Get(keyDLQ)), ReplicationFactor: 3}
	if d.Topic == "" {
		return d, nil
	}
	if text := strings.TrimSpace(config.Get(keyDLQReplication)); text != "" {
		n, err := strconv.ParseInt(text, 10, 16)
		if err != nil {
			return d, badValue(keyDLQReplication, text, "Not a number of type SHORT")
		}
		d.ReplicationFactor = int16(n)
	}
	switch text := strings.ToLower(strings.TrimSpace(config.Get(keyDLQHeaders))); text {
	case "true":
		d.ContextHeaders = true
	case "", "false":
	default:
		return d, badValue(keyDLQHeaders, text, "Expected value to be either true or false")
	}
	return d, nil
}

func badValue(key, value, problem string) error {
	return host.BadRequest(fmt.Sprintf("Invalid value %s for configuration %s: %s", value, key, problem))
}

// trapMax is the connector's, or else the worker's.
func (w *Worker) trapMax(config host.Config) (int, error) {
	text := config[host.TrapMaxKey]
	if text == nil {
		return w.config.TrapMax, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(*text), 10, 32)
	if err != nil || n < 0 {
		return 0, badValue(host.TrapMaxKey, *text, "Value must be a number, at least 0")
	}
	return int(n), nil
}
