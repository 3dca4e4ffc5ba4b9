package guest

import (
	"github.com/berth-connect/berth/abi"
)

// Config is what a plugin is started with: typed values of the keys that it declares, and what surrounds it.
type Config struct {
	abi.ConfigValues
	All       map[string]*string // as it was given, with keys that are not declared
	Key       bool               // converters: for keys
	Connector string
	Task      int
	Worker    string
	Files     []string // directories that the operator granted
	Stdio     bool     // standard input and output are the worker's
	Offsets   []StoredOffset

	stored *storedOffsets // finds one of Offsets; nil: by looking at each
}

// Text returns a value as it was given, "" when it is absent or null.
func (c Config) Text(key string) string {
	if s := c.All[key]; s != nil {
		return *s
	}
	return ""
}

// Offset returns what is stored for a source partition. Integers of any width are equal when their numbers are, and
// come back as int64: Connect stores them as JSON.
func (c Config) Offset(partition map[string]any) (map[string]any, bool) {
	if len(c.Offsets) == 0 {
		return nil, false
	}
	want := widen(partition)
	candidates := c.Offsets
	if c.stored != nil {
		candidates = c.stored.like(want)
	}
	for _, o := range candidates {
		if same(o.Partition, want) {
			return o.Offset, true
		}
	}
	return nil, false
}

// widen gives numbers their widest type and maps one form.
func widen(x any) any {
	switch x := x.(type) {
	case int:
		return int64(x)
	case int8:
		return int64(x)
	case int16:
		return int64(x)
	case int32:
		return int64(x)
	case float32:
		return float64(x)
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, v := range x {
			m[k] = widen(v)
		}
		return m
	case *abi.OrderedMap:
		m := make(map[string]any, len(x.Pairs))
		for _, p := range x.Pairs {
			if k, ok := p.Key.(string); ok {
				m[k] = widen(p.Value)
			}
		}
		return m
	case []any:
		list := make([]any, len(x))
		for i, v := range x {
			list[i] = widen(v)
		}
		return list
	}
	return x
}

// config parses a stage's configuration.
func (in *instance) config(p Plugin, s abi.Stage) (Config, error) {
	values, err := p.Config.Parse(s.Config)
	if err != nil {
		return Config{}, err
	}
	if in.offsets == nil {
		if in.offsets, err = decodeOffsets(in.plan.Offsets); err != nil {
			return Config{}, err
		}
	}
	return Config{
		ConfigValues: values, All: s.Config, Key: s.Kind == abi.KindKeyConverter, Connector: in.plan.Connector,
		Task: int(in.plan.Task), Worker: in.plan.Worker, Files: in.plan.Files, Stdio: in.plan.Stdio, Offsets: in.offsets.list,
		stored: in.offsets,
	}, nil
}
