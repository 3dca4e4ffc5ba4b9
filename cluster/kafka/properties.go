package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/berth-connect/berth/host"
)

// PropertyError says which client property can't be used and what to do about it.
type PropertyError struct{ Key, Value, Remedy string }

func (e *PropertyError) Error() string {
	return fmt.Sprintf("Invalid value %s for configuration %s: %s", e.Value, e.Key, e.Remedy)
}

// Unwrap makes it a host.ErrBadRequest.
func (e *PropertyError) Unwrap() error { return host.ErrBadRequest }

// properties are the merged client properties of one client (Java client names), with a record of what was looked at.
type properties struct {
	values map[string]string
	asked  map[string]bool
	errs   []error
}

func newProperties(layers ...map[string]string) *properties {
	p := &properties{values: map[string]string{}, asked: map[string]bool{}}
	for _, layer := range layers {
		maps.Copy(p.values, layer)
	}
	return p
}

// withPrefix returns the properties that begin with prefix, without it.
func withPrefix(all map[string]string, prefix string) map[string]string {
	out := map[string]string{}
	for k, v := range all {
		if rest, ok := strings.CutPrefix(k, prefix); ok {
			out[rest] = v
		}
	}
	return out
}

// overrides returns a connector's client overrides ("producer.override." and so on); a null one is left out.
func overrides(config host.Config, prefix string) map[string]string {
	out := map[string]string{}
	for k, v := range config {
		if rest, ok := strings.CutPrefix(k, prefix); ok && v != nil {
			out[rest] = *v
		}
	}
	return out
}

func (p *properties) bad(key, remedy string) {
	value := p.values[key]
	if secret(key) {
		value = "[hidden]"
	}
	p.errs = append(p.errs, &PropertyError{key, value, remedy})
}

func secret(key string) bool {
	return strings.Contains(key, "password") || strings.Contains(key, "jaas") || strings.HasSuffix(key, ".key")
}

func (p *properties) err() error { return errors.Join(p.errs...) }

// text returns a value, "" when it is absent or empty.
func (p *properties) text(key string) string {
	p.asked[key] = true
	return strings.TrimSpace(p.values[key])
}

func (p *properties) list(key string) []string {
	var out []string
	for item := range strings.SplitSeq(p.text(key), ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// number returns a whole number in [low, high], or fallback when it is absent.
func (p *properties) number(key string, fallback, low, high int64) int64 {
	text := p.text(key)
	if text == "" {
		return fallback
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < low || n > high {
		p.bad(key, fmt.Sprintf("use a whole number from %d to %d", low, high))
		return fallback
	}
	return n
}

// millis returns a duration given in milliseconds, or fallback when it is absent.
func (p *properties) millis(key string, fallback time.Duration) time.Duration {
	const maxMillis = int64(1<<63-1) / int64(time.Millisecond)
	text := p.text(key)
	if text == "9223372036854775807" { // Java's Long.MAX_VALUE, "for ever"
		return time.Duration(maxMillis) * time.Millisecond
	}
	return time.Duration(p.number(key, fallback.Milliseconds(), 0, maxMillis)) * time.Millisecond
}

func (p *properties) flag(key string, fallback bool) bool {
	switch strings.ToLower(p.text(key)) {
	case "":
		return fallback
	case "true":
		return true
	case "false":
		return false
	}
	p.bad(key, "use true or false")
	return fallback
}

// choice returns one of choices (the first is the default), compared without case.
func (p *properties) choice(key string, choices ...string) string {
	text := p.text(key)
	if text == "" {
		return choices[0]
	}
	for _, c := range choices {
		if strings.EqualFold(c, text) {
			return c
		}
	}
	p.bad(key, "use one of "+strings.Join(choices, ", "))
	return choices[0]
}

// withoutEffect are properties of the Java clients that mean nothing to this client: they tune its inner workings or
// say what is always so here. They are taken without a word, so that worker files can be used as they are.
var withoutEffect = map[string]bool{
	"key.serializer": true, "value.serializer": true, "key.deserializer": true, "value.deserializer": true,
	"send.buffer.bytes": true, "receive.buffer.bytes": true, "reconnect.backoff.ms": true, "batch.size": true,
	"reconnect.backoff.max.ms": true, "socket.connection.setup.timeout.max.ms": true, "client.dns.lookup": true,
	"max.block.ms": true, "metadata.max.idle.ms": true, "default.api.timeout.ms": true, "check.crcs": true,
	"enable.auto.commit": true, "auto.commit.interval.ms": true, "exclude.internal.topics": true,
	"metric.reporters": true, "metrics.num.samples": true, "metrics.recording.level": true,
	"metrics.sample.window.ms": true, "enable.metrics.push": true, "auto.include.jmx.reporter": true,
	"partitioner.adaptive.partitioning.enable": true, "partitioner.availability.timeout.ms": true,
	"partitioner.ignore.keys": true, "security.providers": true, "ssl.provider": true, "ssl.protocol": true,
	"ssl.secure.random.implementation": true, "ssl.keymanager.algorithm": true, "ssl.trustmanager.algorithm": true,
	"metadata.recovery.strategy": true, "metadata.recovery.rebootstrap.trigger.ms": true, "transaction.timeout.ms": true,
	"ssl.truststore.password": true, "ssl.keystore.password": true, "bootstrap.resolve.timeout.ms": true,
}

// warned keeps an unknown property from being reported by every task's client.
type warned struct {
	log  *slog.Logger
	seen sync.Map // "client kind, key" -> struct{}
}

// unknown warns of the given properties that nothing asked for.
func (w *warned) unknown(kind string, p *properties, given ...map[string]string) {
	var keys []string
	for _, layer := range given {
		for k := range layer {
			if p.asked[k] || withoutEffect[k] {
				continue
			}
			if _, seen := w.seen.LoadOrStore(kind+" "+k, struct{}{}); !seen {
				keys = append(keys, k)
			}
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		w.log.Warn("client property is not known and has no effect", "client", kind, "property", k)
	}
}
