package validate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// chain is one of the two lists of aliased plugins in a connector's configuration.
type chain struct {
	key     string // transforms
	group   string // Transforms
	subject string // Transformation
	kind    pluginKind
}

var chains = []chain{
	{keyTransforms, groupTransforms, "Transformation", transformation},
	{keyPredicates, groupPredicates, "Predicate", predicate},
}

func (c chain) prefix(alias string) string { return c.key + "." + alias + "." }

// Keys that every transformation has besides its own.
const (
	keyPredicate = "predicate"
	keyNegate    = "negate"
)

var stageKeys = []abi.ConfigKey{
	{Name: keyPredicate, Type: abi.ConfigString, HasDefault: true, Importance: abi.Medium, Order: -1,
		Width: abi.WidthNone, Display: keyPredicate,
		Doc: "Alias of the predicate that decides to which records this transformation applies; without it, to all."},
	{Name: keyNegate, Type: abi.ConfigBoolean, HasDefault: true, Default: text("false"), Importance: abi.Medium,
		Order: -1, Width: abi.WidthNone, Display: keyNegate,
		Doc: "Whether the transformation applies where the predicate is false instead."},
}

// element is one aliased plugin of a chain.
type element struct {
	prefix string
	class  string
	plugin abi.Plugin
	newest *string // version of the class; nil: there is no plugin of this class and kind
}

// enrich adds the keys of every aliased plugin to d, as ConnectorConfig.enrich does, and returns the usable ones. It
// goes on after a problem, and returns the first.
func (s *session) enrich(d *abi.ConfigDef, c chain) ([]element, *abi.ConfigError) {
	var usable []element
	var first *abi.ConfigError
	aliases := items(s.config, c.key)
	for i, alias := range aliases {
		if slices.Contains(aliases[:i], alias) {
			continue
		}
		e, problem := s.element(c, alias)
		s.addElement(d, c, alias, e, problem)
		if problem == nil {
			usable = append(usable, e)
		}
		first = cmp.Or(first, problem)
	}
	return usable, first
}

// element finds the plugin of an alias.
func (s *session) element(c chain, alias string) (element, *abi.ConfigError) {
	e := element{prefix: c.prefix(alias)}
	typeKey, versionKey := e.prefix+"type", e.prefix+"plugin.version"
	name := s.config[typeKey]
	if name == nil {
		return e, abi.InvalidValue(typeKey, "null", "Not a "+c.subject)
	}
	e.newest = s.latest(abi.TrimConfig(*name), c.kind.abi)
	class, problem := abi.ParseConfigValue(typeKey, abi.ConfigClass, *name, s.classes.load)
	if problem == nil {
		problem = s.classes.check(typeKey, class, c.kind)
	}
	if problem != nil {
		return e, problem
	}
	e.class = class.(string)
	plugin, missing := s.find(e.class, s.config.Get(versionKey), c.kind.abi)
	if missing != "" {
		return e, &abi.ConfigError{Key: versionKey, Message: missing, Class: pluginLoading}
	}
	e.plugin = plugin
	return e, nil
}

// addElement adds the keys of one aliased plugin: what it is, and what it declares if it can be used.
func (s *session) addElement(d *abi.ConfigDef, c chain, alias string, e element, problem *abi.ConfigError) {
	group, subject := c.group+": "+alias, strings.ToLower(c.subject)
	var versionProblem *abi.ConfigError
	if problem != nil && problem.Class == pluginLoading {
		versionProblem = problem
	}
	typeKey := needed(e.prefix+"type", abi.ConfigClass, group, 0, "LONG", c.subject+" type for "+alias,
		"The class of "+subject+" "+alias+".",
		custom("valid configs for "+alias+" "+subject, func(key string, class any) *abi.ConfigError {
			if problem := negateProblem(s.config, c, e.prefix); problem != nil {
				return problem
			}
			return cmp.Or(s.classes.check(key, class, c.kind), versionProblem)
		}))
	typeKey.Recommend = func(abi.ConfigValues) ([]string, bool) { return s.classes.recommended(c.kind.host), true }
	versionKey := optional(e.prefix+"plugin.version", abi.ConfigString, e.newest, "HIGH", group, 1, "LONG",
		c.subject+" version for "+alias, "The version of "+subject+" "+alias+".",
		custom("", func(string, any) *abi.ConfigError { return versionProblem }))
	versionKey.Recommend = func(values abi.ConfigValues) ([]string, bool) {
		return s.classes.versions(values.String(typeKey.Name), c.kind.host), true
	}
	d.Add(typeKey, versionKey)
	if problem != nil {
		return
	}
	keys := e.plugin.Config.Keys
	if c.kind.abi == abi.KindTransform {
		keys = withStageKeys(keys)
	}
	d.Embed(e.prefix, group, 2, define(keys...))
}

// negateProblem refuses a transformation with negate but without a predicate.
func negateProblem(config host.Config, c chain, prefix string) *abi.ConfigError {
	_, hasNegate := config[prefix+keyNegate]
	_, hasPredicate := config[prefix+keyPredicate]
	if c.kind.abi != abi.KindTransform || !hasNegate || hasPredicate {
		return nil
	}
	return wrong(prefix+"type", "Config '"+prefix+keyNegate+"' was provided but there is no config '"+prefix+
		keyPredicate+"' defining a predicate to be negated.")
}

// withStageKeys adds predicate and negate; they hide keys of the same names of the plugin.
func withStageKeys(keys []abi.ConfigKey) []abi.ConfigKey {
	hidden := func(k abi.ConfigKey) bool { return k.Name == keyPredicate || k.Name == keyNegate }
	return append(slices.DeleteFunc(slices.Clone(keys), hidden), stageKeys...)
}
