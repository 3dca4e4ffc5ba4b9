package validate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
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

var stageKeys = []key{
	{name: keyPredicate, kind: abi.ConfigString, importance: "MEDIUM", order: -1, width: "NONE", display: keyPredicate,
		doc: "Alias of the predicate that decides to which records this transformation applies; without it, to all."},
	{name: keyNegate, kind: abi.ConfigBoolean, importance: "MEDIUM", fallback: text("false"), order: -1, width: "NONE",
		display: keyNegate, doc: "Whether the transformation applies where the predicate is false instead."},
}

// element is one aliased plugin of a chain whose class and version were found.
type element struct {
	prefix string
	plugin abi.Plugin
}

// enrich adds the keys of every aliased plugin to d, as ConnectorConfig.enrich does.
func (s *session) enrich(d *definition, c chain) []element {
	var found []element
	list, _ := parse(c.key, s.config[c.key], abi.ConfigList, nil)
	for i, alias := range list.items {
		if slices.Contains(list.items[:i], alias) {
			continue
		}
		if e, ok := s.enrichOne(d, c, alias); ok {
			found = append(found, e)
		}
	}
	return found
}

func (s *session) enrichOne(d *definition, c chain, alias string) (element, bool) {
	prefix, group := c.prefix(alias), c.group+": "+alias
	class, isLoadable := "", false
	if name := s.config[prefix+"type"]; name != nil {
		class, isLoadable = s.classes.load(trim(*name))
	}
	var plugin abi.Plugin
	usable, versionProblem := false, ""
	var version *string
	if isLoadable && s.classes.is(class, c.kind.host) {
		plugin, versionProblem = s.find(class, s.config.Get(prefix+"plugin.version"), c.kind.abi)
		usable = versionProblem == ""
		version = s.latest(class, c.kind.abi)
	}
	typeKey := needed(prefix+"type", abi.ConfigClass, group, 0, "LONG", c.subject+" type for "+alias,
		"The class of "+strings.ToLower(c.subject)+" "+alias+".", s.typeCheck(c, prefix, versionProblem))
	typeKey.recommend = func(map[string]parsed) ([]string, bool) { return s.classes.ofKind(c.kind.host), true }
	versionKey := optional(prefix+"plugin.version", abi.ConfigString, version, "HIGH", group, 1, "LONG",
		c.subject+" version for "+alias, "The version of "+strings.ToLower(c.subject)+" "+alias+".",
		func(string, parsed) string { return versionProblem })
	versionKey.recommend = func(values map[string]parsed) ([]string, bool) {
		return s.classes.versions(values[prefix+"type"].text, c.kind.host), true
	}
	d.add(typeKey)
	d.add(versionKey)
	if usable {
		keys := keysOf(plugin)
		if c.kind.abi == abi.KindTransform {
			keys = withStageKeys(keys)
		}
		d.embed(prefix, group, 2, keys)
	}
	return element{prefix, plugin}, usable
}

// typeCheck checks the class of an aliased plugin, once it was found.
func (s *session) typeCheck(c chain, prefix, versionProblem string) check {
	return func(_ string, v parsed) string {
		if problem := negateProblem(s.config, c, prefix); problem != "" {
			return problem
		}
		if !v.set {
			return ""
		}
		return cmp.Or(s.classes.concrete(v.text, c.kind), versionProblem)
	}
}

// withStageKeys adds predicate and negate; they hide keys of the same names of the plugin.
func withStageKeys(keys []key) []key {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k key) bool { return k.name == keyPredicate || k.name == keyNegate })
	return append(keys, stageKeys...)
}

// embed adds the keys of another definition under a prefix, in ConfigDef's display order. Checks keep on using the
// plugin's own names.
func (d *definition) embed(prefix, group string, order int, keys []key) {
	for i, k := range sortedForDisplay(keys) {
		own := k
		k.name = prefix + own.name
		k.group = group
		if own.group != "" {
			k.group += ": " + own.group
		}
		k.order = order + i
		k.dependents = nil
		for _, dependent := range own.dependents {
			k.dependents = append(k.dependents, prefix+dependent)
		}
		if own.check != nil {
			k.check = func(_ string, v parsed) string { return own.check(own.name, v) }
		}
		d.add(k)
	}
}

var importances = []string{"HIGH", "MEDIUM", "LOW"}

// sortedForDisplay orders keys by group, order, required first, importance and name.
func sortedForDisplay(keys []key) []key {
	var groups []string
	for _, k := range keys {
		if k.group != "" && !slices.Contains(groups, k.group) {
			groups = append(groups, k.group)
		}
	}
	sorted := slices.Clone(keys)
	slices.SortStableFunc(sorted, func(a, b key) int {
		return cmp.Or(
			cmp.Compare(slices.Index(groups, a.group), slices.Index(groups, b.group)),
			cmp.Compare(a.order, b.order),
			-compareBool(a.required, b.required),
			cmp.Compare(slices.Index(importances, a.importance), slices.Index(importances, b.importance)),
			strings.Compare(a.name, b.name))
	})
	return sorted
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
