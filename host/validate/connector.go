package validate

import (
	"cmp"
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

// ParseSource reads the configuration of a source; where the worker creates topics, TopicGroups reads the rest.
// Error: host.ErrBadRequest with Connect's text for the first problem found.
func ParseSource(config host.Config) (Connector, error) {
	c, values, err := parseConnector(config, sourceKeys())
	if err != nil {
		return Connector{}, err
	}
	c.ExactlyOnceRequired = strings.EqualFold(values[keyExactlyOnce].text, "required")
	c.TransactionBoundary = strings.ToLower(values[keyBoundary].text)
	c.TransactionBoundaryIntervalMs = -1
	if interval := values[keyBoundaryInterval]; interval.set {
		c.TransactionBoundaryIntervalMs = interval.integer()
	}
	c.OffsetsTopic = values[keyOffsetsTopic].text
	return c, nil
}

// ParseSink reads the configuration of a sink. Error: as ParseSource.
func ParseSink(config host.Config) (Connector, error) {
	c, values, err := parseConnector(config, sinkKeys())
	if err != nil {
		return Connector{}, err
	}
	if message, at := topicProblem(config); message != "" {
		shown := "null"
		if value := config[at[0]]; value != nil {
			shown = *value
		}
		return Connector{}, host.BadRequest(invalid(at[0], shown, message))
	}
	c.Topics = topicList(config.Get(keyTopics))
	c.TopicsRegex = values[keyTopicsRegex].text
	c.DLQTopic = values[keyDLQ].text
	c.DLQReplicationFactor = number[int16](values[keyDLQReplication])
	c.DLQContextHeaders = values[keyDLQHeaders].text == "true"
	return c, nil
}

// parseConnector reads what sources and sinks share. Classes are not looked up: whoever makes the plugins does that.
func parseConnector(config host.Config, specific []key) (Connector, map[string]parsed, error) {
	d := newDefinition(append(commonKeys(defaults{}), specific...)...)
	for _, r := range roles {
		d.byName[r.key].check = nil
	}
	for _, c := range chains {
		if err := d.addChain(config, c); err != nil {
			return Connector{}, nil, err
		}
	}
	values, problem := d.first(config, nil)
	if problem != "" {
		return Connector{}, nil, host.BadRequest(problem)
	}
	for _, k := range d.keys {
		if strings.HasSuffix(k.name, versionSuffix) && isUnbounded(values[k.name].text) {
			return Connector{}, nil, host.BadRequest("Unbounded range: " + values[k.name].text)
		}
	}
	c := Connector{
		Name:                     values[keyName].text,
		Class:                    values[keyConnectorClass].text,
		Version:                  values[keyConnectorVersion].text,
		TasksMax:                 int(values[keyTasksMax].integer()),
		EnforceTasksMax:          values[keyTasksMaxEnforce].text == "true",
		RestartOnReload:          values[keyReload].text == "restart",
		KeyConverter:             chosenConverter(config, roles[0]),
		ValueConverter:           chosenConverter(config, roles[1]),
		HeaderConverter:          chosenConverter(config, roles[2]),
		Predicates:               map[string]Predicate{},
		ErrorsTolerance:          values[keyTolerance].text,
		ErrorsRetryTimeoutMs:     values[keyRetryTimeout].integer(),
		ErrorsRetryDelayMaxMs:    values[keyRetryDelayMax].integer(),
		ErrorsLogEnable:          values[keyLogEnable].text == "true",
		ErrorsLogIncludeMessages: values[keyLogMessages].text == "true",
	}
	c.readChains(config, values)
	return c, values, nil
}

// addChain adds the keys of a chain's elements that the framework itself reads, after it checked what Connect checks
// before it parses anything else.
func (d *definition) addChain(config host.Config, c chain) error {
	list, _ := parse(c.key, config[c.key], abi.ConfigList, nil)
	if problem := uniqueAliases(c.key, list); list.set && problem != "" {
		return host.BadRequest(problem)
	}
	for _, alias := range list.items {
		prefix := c.prefix(alias)
		if config[prefix+"type"] == nil {
			return host.BadRequest(invalid(prefix+"type", "null", "Not a "+c.subject))
		}
		if problem := negateProblem(config, c, prefix); problem != "" {
			return host.BadRequest(problem)
		}
		d.add(needed(prefix+"type", abi.ConfigString, c.group+": "+alias, 0, "LONG", alias, "", nil))
		d.add(optional(prefix+"plugin.version", abi.ConfigString, nil, "HIGH", c.group+": "+alias, 1, "LONG", alias, "", nil))
		if c.kind.abi == abi.KindTransform {
			d.embed(prefix, c.group+": "+alias, 2, stageKeys)
		}
	}
	return nil
}

// negateProblem refuses a transformation with negate but without a predicate.
func negateProblem(config host.Config, c chain, prefix string) string {
	_, hasNegate := config[prefix+keyNegate]
	_, hasPredicate := config[prefix+keyPredicate]
	if c.kind.abi != abi.KindTransform || !hasNegate || hasPredicate {
		return ""
	}
	return "Config '" + prefix + keyNegate + "' was provided but there is no config '" + prefix + keyPredicate +
		"' defining a predicate to be negated."
}

// readChains fills in the transformations in their order and the predicates.
func (c *Connector) readChains(config host.Config, values map[string]parsed) {
	for _, alias := range values[keyTransforms].items {
		prefix := chains[0].prefix(alias)
		c.Transforms = append(c.Transforms, Transform{
			Alias:     alias,
			Type:      values[prefix+"type"].text,
			Version:   values[prefix+"plugin.version"].text,
			Predicate: values[prefix+keyPredicate].text,
			Negate:    values[prefix+keyNegate].text == "true",
			Config:    ownConfig(config, prefix, "type", "plugin.version", keyPredicate, keyNegate),
		})
	}
	for _, alias := range values[keyPredicates].items {
		prefix := chains[1].prefix(alias)
		c.Predicates[alias] = Predicate{Alias: alias, Type: values[prefix+"type"].text,
			Version: values[prefix+"plugin.version"].text, Config: ownConfig(config, prefix, "type", "plugin.version")}
	}
}

// chosenConverter is the connector's own converter for a role.
func chosenConverter(config host.Config, r role) Converter {
	class := trim(config.Get(r.key))
	if class == "" {
		return Converter{}
	}
	return Converter{Class: class, Version: trim(config.Get(r.key + versionSuffix)),
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

// integer is the exact value of an integer: a LONG need not fit a float.
func (v parsed) integer() int64 {
	n, _ := parseInteger(cmp.Or(v.text, "0"), abi.ConfigLong)
	return n
}
