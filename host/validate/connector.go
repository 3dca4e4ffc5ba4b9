package validate

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// Converter is a converter that the connector chooses; Class "" = the worker's.
type Converter struct {
	Class   string
	Version string      // "" = newest
	Config  host.Config // its own keys, without prefix
}

// Transform is one transformation of a connector's chain.
type Transform struct {
	Alias     string
	Type      string
	Version   string // "" = newest
	Predicate string // alias; "" = applies to all records
	Negate    bool
	Config    host.Config // its own keys, without prefix; type, plugin.version, predicate and negate are left out
}

// Predicate is one predicate of a connector.
type Predicate struct {
	Alias   string
	Type    string
	Version string
	Config  host.Config
}

// Connector is the framework's part of a connector configuration, typed.
type Connector struct {
	Name            string
	Class           string
	Version         string // "" = newest
	TasksMax        int
	EnforceTasksMax bool
	RestartOnReload bool // config.action.reload

	KeyConverter    Converter
	ValueConverter  Converter
	HeaderConverter Converter
	Transforms      []Transform
	Predicates      map[string]Predicate

	ErrorsTolerance          string // none or all
	ErrorsRetryTimeoutMs     int64  // -1 = without end
	ErrorsRetryDelayMaxMs    int64
	ErrorsLogEnable          bool
	ErrorsLogIncludeMessages bool

	// Sinks only.
	Topics               []string
	TopicsRegex          string // "" = Topics applies
	DLQTopic             string // "" = none
	DLQReplicationFactor int16
	DLQContextHeaders    bool

	// Sources only.
	ExactlyOnceRequired           bool
	TransactionBoundary           string // poll, interval or connector
	TransactionBoundaryIntervalMs int64  // -1 = the worker's
	OffsetsTopic                  string // "" = the worker's
}

// ParseConnector reads what the configurations of all connectors have. Classes are looked up, as are the plugins of
// transformations and predicates, but what only they can check is left to their start. Error: *Exception with the first
// problem found.
func (v *Validator) ParseConnector(config host.Config) (Connector, error) {
	c, _, err := v.parseConnector("", config)
	return c, err
}

// ParseSource reads the configuration of a source; where the worker creates topics, TopicGroups reads the rest.
// Error: as ParseConnector.
func (v *Validator) ParseSource(config host.Config) (Connector, error) {
	c, values, err := v.parseConnector(abi.KindSource, config)
	if err != nil {
		return Connector{}, err
	}
	c.ExactlyOnceRequired = strings.EqualFold(values.String(keyExactlyOnce), "required")
	c.TransactionBoundary = strings.ToLower(values.String(keyBoundary))
	c.TransactionBoundaryIntervalMs = -1
	if values.Has(keyBoundaryInterval) {
		c.TransactionBoundaryIntervalMs = values.Int(keyBoundaryInterval)
	}
	c.OffsetsTopic = values.String(keyOffsetsTopic)
	return c, nil
}

// ParseSink reads the configuration of a sink. Error: as ParseConnector.
func (v *Validator) ParseSink(config host.Config) (Connector, error) {
	c, values, err := v.parseConnector(abi.KindSink, config)
	if err != nil {
		return Connector{}, err
	}
	if message, at := topicProblem(config); message != "" {
		shown := "null"
		if value := config[at[0]]; value != nil {
			shown = *value
		}
		return Connector{}, &Exception{abi.InvalidValue(at[0], shown, message)}
	}
	c.Topics = topicList(config)
	c.TopicsRegex = values.String(keyTopicsRegex)
	c.DLQTopic = values.String(keyDLQ)
	c.DLQReplicationFactor = int16(values.Int(keyDLQReplication))
	c.DLQContextHeaders = values.Bool(keyDLQHeaders)
	return c, nil
}

// Enrich is the definition of the framework's keys of a connector of that kind (abi.KindSource, abi.KindSink; "": what
// all connectors have), with those of its transformations and predicates. Error: *Exception for the first of these
// that can't be used; the definition has the others.
func (v *Validator) Enrich(kind string, config host.Config) (abi.ConfigDef, error) {
	s := v.session(config, kind)
	d := s.definition(defaults{})
	var first *abi.ConfigError
	for _, c := range chains {
		_, problem := s.enrich(&d, c)
		first = cmp.Or(first, problem)
	}
	if first != nil {
		return d, &Exception{first}
	}
	return d, nil
}

// FirstProblem is the error that Connect raises where a Parse of this validator found err: Connect checks all keys of
// transformations and predicates in order of definition, while those that only a plugin can check show when it starts.
// So the plugins are asked, which costs instances; if they can't be, the error is err.
func (v *Validator) FirstProblem(ctx context.Context, kind string, config host.Config, err error) error {
	var found *Exception
	if !errors.As(err, &found) {
		return err
	}
	if _, unusable := v.Enrich(kind, config); unusable != nil {
		return err // Connect looks at no values where it can't use a plugin
	}
	results, failed := v.ValidateFramework(ctx, kind, config)
	i := slices.IndexFunc(results, func(r abi.KeyValidation) bool { return len(r.Errors) > 0 })
	if failed != nil || i < 0 || !isOfChain(results[i].Name) || results[i].Errors[0] == found.Message {
		return err
	}
	return &Exception{&abi.ConfigError{Key: results[i].Name, Message: results[i].Errors[0]}}
}

// isOfChain tells keys of aliased plugins from others.
func isOfChain(key string) bool {
	return slices.ContainsFunc(chains, func(c chain) bool { return strings.HasPrefix(key, c.key+".") })
}

// parseConnector parses the framework's own keys before it looks at transformations and predicates, as Connect does.
func (v *Validator) parseConnector(kind string, config host.Config) (Connector, abi.ConfigValues, error) {
	base := v.session(config, kind).definition(defaults{})
	if _, err := Parse(base, config); err != nil {
		return Connector{}, abi.ConfigValues{}, err
	}
	d, err := v.Enrich(kind, config)
	if err != nil {
		return Connector{}, abi.ConfigValues{}, err
	}
	values, err := Parse(d, config)
	if err != nil {
		return Connector{}, values, err
	}
	c := Connector{
		Name:                     values.String(keyName),
		Class:                    values.String(keyConnectorClass),
		Version:                  values.String(keyConnectorVersion),
		TasksMax:                 int(values.Int(keyTasksMax)),
		EnforceTasksMax:          values.Bool(keyTasksMaxEnforce),
		RestartOnReload:          values.String(keyReload) == "restart",
		KeyConverter:             chosenConverter(config, roles[0]),
		ValueConverter:           chosenConverter(config, roles[1]),
		HeaderConverter:          chosenConverter(config, roles[2]),
		Predicates:               map[string]Predicate{},
		ErrorsTolerance:          values.String(keyTolerance),
		ErrorsRetryTimeoutMs:     values.Int(keyRetryTimeout),
		ErrorsRetryDelayMaxMs:    values.Int(keyRetryDelayMax),
		ErrorsLogEnable:          values.Bool(keyLogEnable),
		ErrorsLogIncludeMessages: values.Bool(keyLogMessages),
	}
	c.readChains(config, values)
	return c, values, nil
}

// readChains fills in the transformations in their order and the predicates.
func (c *Connector) readChains(config host.Config, values abi.ConfigValues) {
	for _, alias := range values.List(keyTransforms) {
		prefix := chains[0].prefix(alias)
		c.Transforms = append(c.Transforms, Transform{
			Alias:     alias,
			Type:      values.String(prefix + "type"),
			Version:   abi.TrimConfig(config.Get(prefix + "plugin.version")),
			Predicate: values.String(prefix + keyPredicate),
			Negate:    values.Bool(prefix + keyNegate),
			Config:    ownConfig(config, prefix, "type", "plugin.version", keyPredicate, keyNegate),
		})
	}
	for _, alias := range values.List(keyPredicates) {
		prefix := chains[1].prefix(alias)
		c.Predicates[alias] = Predicate{Alias: alias, Type: values.String(prefix + "type"),
			Version: abi.TrimConfig(config.Get(prefix + "plugin.version")),
			Config:  ownConfig(config, prefix, "type", "plugin.version")}
	}
}

// chosenConverter is the connector's own converter for a role.
func chosenConverter(config host.Config, r role) Converter {
	class := abi.TrimConfig(config.Get(r.key))
	if class == "" {
		return Converter{}
	}
	return Converter{Class: class, Version: abi.TrimConfig(config.Get(r.key + versionSuffix)),
		Config: ConverterConfig(config, r.key)}
}

// ConverterConfig returns the keys of a converter under its own prefix (key.converter and so on) as the converter gets
// them, with converter.type. It serves the worker's converters as well.
func ConverterConfig(config host.Config, key string) host.Config {
	own := ownConfig(config, key+".", "plugin.version")
	i := slices.IndexFunc(roles, func(r role) bool { return r.key == key })
	if own["converter.type"] == nil && i >= 0 {
		own["converter.type"] = text(roles[i].typ)
	}
	return own
}

func ownConfig(config host.Config, prefix string, but ...string) host.Config {
	own := stripped(config, prefix)
	for _, name := range but {
		delete(own, name)
	}
	return own
}
