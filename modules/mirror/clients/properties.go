// Package clients makes the Kafka clients of a mirror, over connections that the host makes, from the keys of a
// connector's configuration.
package clients

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
)

// Side is one of the two clusters.
type Side string

// Sides, as their keys begin.
const (
	SourceSide Side = "source"
	TargetSide Side = "target"
)

// Kind of client, as its keys begin.
type Kind string

// Kinds.
const (
	Admin    Kind = "admin"
	Consumer Kind = "consumer"
	Producer Kind = "producer"
)

// prefixes are where the properties of a client stand; what comes later wins (MirrorConnectorConfig).
func prefixes(side Side, kind Kind) []string {
	return []string{string(side) + ".cluster.", string(kind) + ".", string(side) + "." + string(kind) + "."}
}

// Property returns what a configuration says about a client, "" for nothing.
func Property(config map[string]*string, side Side, kind Kind, name string) string {
	return (&properties{config: config, prefixes: prefixes(side, kind)}).text(name)
}

// properties reads those of one client and collects what is wrong with them.
type properties struct {
	config   map[string]*string
	prefixes []string
	errs     []error
}

// find returns a property and the key that it stands under; without one, the first that it could stand under.
func (p *properties) find(name string) (key, value string, given bool) {
	for i := len(p.prefixes) - 1; i >= 0; i-- {
		if v := p.config[p.prefixes[i]+name]; v != nil {
			return p.prefixes[i] + name, strings.TrimSpace(*v), true
		}
	}
	return p.prefixes[0] + name, "", false
}

// bad notes that a property can't be used.
func (p *properties) bad(name, remedy string) {
	key, value, given := p.find(name)
	if !given {
		p.errs = append(p.errs, &abi.ConfigError{Key: key, Message: fmt.Sprintf("%s is missing: %s", key, remedy)})
		return
	}
	if isSecret(name) {
		value = abi.Hidden
	}
	p.errs = append(p.errs, abi.InvalidValue(key, value, remedy))
}

func isSecret(name string) bool {
	return strings.Contains(name, "password") || strings.Contains(name, "jaas") || strings.HasSuffix(name, ".key")
}

func (p *properties) err() error { return errors.Join(p.errs...) }

func (p *properties) text(name string) string {
	_, value, _ := p.find(name)
	return value
}

// choice returns one of words, the first if nothing is said; case does not matter.
func (p *properties) choice(name string, words ...string) string {
	value := p.text(name)
	if value == "" {
		return words[0]
	}
	for _, word := range words {
		if strings.EqualFold(value, word) {
			return word
		}
	}
	p.bad(name, "use "+strings.Join(words[:len(words)-1], ", ")+" or "+words[len(words)-1])
	return words[0]
}

func (p *properties) number(name string, preset, least, most int64) int64 {
	value := p.text(name)
	if value == "" {
		return preset
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < least || n > most {
		p.bad(name, fmt.Sprintf("use a whole number from %d to %d", least, most))
		return preset
	}
	return n
}

func (p *properties) millis(name string, preset time.Duration) time.Duration {
	return time.Duration(p.number(name, preset.Milliseconds(), 0, 1<<31-1)) * time.Millisecond
}

// list returns the parts of a value that stand between commas.
func (p *properties) list(name string) []string {
	var parts []string
	for part := range strings.SplitSeq(p.text(name), ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
