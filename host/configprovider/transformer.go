// Package configprovider puts values from outside into configurations: ${provider:path:key} becomes what a provider has
// under that path and key (KIP-297). Configurations are stored and shown with the references; only who runs or checks a
// connector has the values.
package configprovider

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// Provider holds values by path and key (ConfigProvider).
type Provider interface {
	// Get returns the values of keys under a path; nil keys are all. What is not there is left out. Error:
	// *abi.ConfigError.
	Get(path string, keys []string) (Data, error)
}

// Data is what a provider has under a path.
type Data struct {
	Values map[string]string
	TTL    time.Duration // after which the values are old; negative: never
}

// Transformer replaces references. nil has no providers. It is safe for concurrent use.
type Transformer struct {
	providers map[string]Provider
	granted   func(provider, path, key string) bool // nil: everything is
}

// NewTransformer makes a transformer that knows providers by their names.
func NewTransformer(providers map[string]Provider) *Transformer {
	return &Transformer{providers: providers}
}

// Resolved is a configuration with the values in place.
type Resolved struct {
	Config host.Config
	TTLs   map[string]time.Duration // by path, where values get old
}

// reference is a provider, a path (with its colon, or nothing) and a key. The first colon ends the provider, the second
// the path.
var reference = regexp.MustCompile(`\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`)

// Transform replaces every reference that can be. One to an unknown provider, path or key stays as it is, and a value
// that looks like a reference is none. Error: *abi.ConfigError of a provider.
func (t *Transformer) Transform(config host.Config) (Resolved, error) {
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if refused := t.refused(config[key]); refused != "" {
			return Resolved{}, &abi.ConfigError{Key: key, Message: refused}
		}
	}
	wanted := t.wanted(config)
	found := map[place]map[string]string{}
	resolved := Resolved{Config: make(host.Config, len(config)), TTLs: map[string]time.Duration{}}
	for at, keys := range wanted {
		data, err := t.providers[at.provider].Get(at.path, keys)
		if err != nil {
			return Resolved{}, err
		}
		found[at] = data.Values
		if data.TTL >= 0 {
			resolved.TTLs[at.path] = data.TTL
		}
	}
	for name, value := range config {
		if value != nil {
			text := replace(*value, found)
			value = &text
		}
		resolved.Config[name] = value
	}
	return resolved, nil
}

// Resolve is Transform for those whom it does not concern when values get old.
func (t *Transformer) Resolve(config host.Config) (host.Config, error) {
	resolved, err := t.Transform(config)
	return resolved.Config, err
}

// place is where values lie.
type place struct{ provider, path string }

// wanted collects the keys that a configuration refers to, so that each place is read once.
func (t *Transformer) wanted(config host.Config) map[place][]string {
	wanted := map[place][]string{}
	if t == nil {
		return wanted
	}
	for _, value := range config {
		if value == nil {
			continue
		}
		for _, match := range reference.FindAllStringSubmatch(*value, -1) {
			at, key := place{match[1], match[3]}, match[4]
			if t.providers[at.provider] != nil && !slices.Contains(wanted[at], key) {
				wanted[at] = append(wanted[at], key)
			}
		}
	}
	return wanted
}

func replace(value string, found map[place]map[string]string) string {
	return reference.ReplaceAllStringFunc(value, func(text string) string {
		match := reference.FindStringSubmatch(text)
		if replacement, ok := found[place{match[1], match[3]}][match[4]]; ok {
			return replacement
		}
		return text
	})
}

// KeysWithReferences lists the keys, sorted, whose values hold something that looks like a reference.
func KeysWithReferences(config host.Config) []string {
	keys := []string{}
	for name, value := range config {
		if value != nil && reference.MatchString(*value) {
			keys = append(keys, name)
		}
	}
	slices.Sort(keys)
	return keys
}

// Restore puts the references of a connector's configuration back into configurations that were made of it, so that a
// task's configuration is stored without the values.
func Restore(connector host.Config, made []host.Config) {
	for _, key := range KeysWithReferences(connector) {
		for _, config := range made {
			if _, has := config[key]; has {
				config[key] = connector[key]
			}
		}
	}
}

// FromProperties makes the providers that a worker's properties declare: config.providers lists their names, and
// config.providers.NAME.class and config.providers.NAME.param.* say what each is. environment is the worker's, as
// os.Environ gives it. Error: *abi.ConfigError, which says what to write.
func FromProperties(properties host.Config, environment []string) (*Transformer, error) {
	names, _ := abi.ParseConfigValue(keyProviders, abi.ConfigList, properties.Get(keyProviders), nil)
	providers := map[string]Provider{}
	for _, name := range names.([]string) {
		prefix := keyProviders + "." + name + "."
		class := abi.TrimConfig(properties.Get(prefix + "class"))
		parameters := host.Config{}
		for key, value := range properties {
			if parameter, ok := strings.CutPrefix(key, prefix+"param."); ok {
				parameters[parameter] = value
			}
		}
		make := makers[strings.TrimSuffix(strings.TrimPrefix(class, kafkaPackage), "ConfigProvider")]
		if make == nil {
			return nil, &abi.ConfigError{Key: prefix + "class", Message: fmt.Sprintf(
				"Invalid value %s for configuration %sclass: it must be FileConfigProvider, DirectoryConfigProvider or "+
					"EnvVarConfigProvider", class, prefix)}
		}
		provider, err := make(parameters, environment)
		if err != nil {
			return nil, err
		}
		providers[name] = provider
	}
	return NewTransformer(providers), nil
}

const (
	keyProviders = "config.providers"
	kafkaPackage = "org.apache.kafka.common.config.provider."
)

// makers make the providers that Kafka brings, by their classes' short names.
var makers = map[string]func(parameters host.Config, environment []string) (Provider, error){
	"File": func(parameters host.Config, _ []string) (Provider, error) { return NewFile(parameters) },
	"Directory": func(parameters host.Config, _ []string) (Provider, error) {
		return NewDirectory(parameters)
	},
	"EnvVar": NewEnvironment,
}
