package validate

import (
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// classes answers what a JVM's class loader answers for the names in a configuration. Berth has no JVM: the plugins
// are its classes, and a few of Java's and Kafka's own names are known so that their misuse gets Connect's message.
type classes struct {
	plugins []host.PluginInfo
}

// interfaces are Kafka's plugin interfaces: loadable, but no plugin.
var interfaces = []string{
	"org.apache.kafka.connect.connector.Connector",
	"org.apache.kafka.connect.sink.SinkConnector",
	"org.apache.kafka.connect.source.SourceConnector",
	"org.apache.kafka.connect.storage.Converter",
	"org.apache.kafka.connect.storage.HeaderConverter",
	"org.apache.kafka.connect.transforms.Transformation",
	"org.apache.kafka.connect.transforms.predicates.Predicate",
}

// javaClasses are classes of the Java library that configurations (of tests, mostly) name.
var javaClasses = []string{
	"java.lang.Boolean", "java.lang.Byte", "java.lang.Double", "java.lang.Float", "java.lang.Integer", "java.lang.Long",
	"java.lang.Object", "java.lang.Short", "java.lang.String", "java.util.ArrayList", "java.util.HashMap",
	"java.util.Map$Entry",
}

// otherPlugins are plugins of kinds that the REST API does not describe; Berth has them built in.
var otherPlugins = []string{
	"org.apache.kafka.connect.connector.policy.AllConnectorClientConfigOverridePolicy",
	"org.apache.kafka.connect.connector.policy.AllowlistConnectorClientConfigOverridePolicy",
	"org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy",
	"org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy",
	"org.apache.kafka.common.config.provider.DirectoryConfigProvider",
	"org.apache.kafka.common.config.provider.EnvVarConfigProvider",
	"org.apache.kafka.common.config.provider.FileConfigProvider",
}

// load resolves a class name or alias to the class name.
func (c *classes) load(name string) (string, bool) {
	for _, p := range c.plugins {
		if p.Class == name {
			return name, true
		}
	}
	if class := c.alias(name); class != "" {
		return class, true
	}
	known := slices.Contains(javaClasses, name) || slices.Contains(interfaces, name) ||
		slices.Contains(otherPlugins, name) || slices.Contains(mirrorClasses, name) || len(c.nested(name)) > 0
	return name, known
}

// alias resolves an alias; one that names two classes resolves to none.
func (c *classes) alias(name string) string {
	class := ""
	for _, p := range c.plugins {
		if !slices.Contains(p.Aliases, name) || p.Class == class {
			continue
		}
		if class != "" {
			return ""
		}
		class = p.Class
	}
	return class
}

// nested lists the plugins that are nested classes of name, such as Cast$Key of Cast.
func (c *classes) nested(name string) []string {
	var found []string
	for _, p := range c.plugins {
		if strings.HasPrefix(p.Class, name+"$") && !slices.Contains(found, p.Class) {
			found = append(found, p.Class)
		}
	}
	slices.Sort(found)
	return found
}

// is tells whether class is a plugin of one of the kinds.
func (c *classes) is(class string, kinds ...host.PluginKind) bool {
	return slices.ContainsFunc(c.plugins, func(p host.PluginInfo) bool {
		return p.Class == class && slices.Contains(kinds, p.Kind)
	})
}

// ofKind lists the classes of a kind, sorted.
func (c *classes) ofKind(kind host.PluginKind) []string {
	var found []string
	for _, p := range c.plugins {
		if p.Kind == kind {
			found = append(found, p.Class)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// recommended lists the classes of a kind that a JVM worker with the same plugins would recommend, sorted: Kafka's and
// the users' own. Clients compare these lists.
func (c *classes) recommended(kind host.PluginKind) []string {
	rest := slices.DeleteFunc(slices.Clone(c.plugins), func(p host.PluginInfo) bool { return p.Additional })
	return (&classes{rest}).ofKind(kind)
}

// versions lists the versions in which a class is there as a plugin of the kind.
func (c *classes) versions(class string, kind host.PluginKind) []string {
	found := []string{}
	for _, p := range c.plugins {
		version := shownVersion(p.Version)
		if p.Class == class && p.Kind == kind && !slices.Contains(found, version) {
			found = append(found, version)
		}
	}
	return found
}

// shownVersion is a plugin's version as Connect names it: plugins without one are "undefined".
func shownVersion(version string) string {
	if version == "" {
		return "undefined"
	}
	return version
}

// check is a validator of keys that name a plugin of the kind; null passes.
func (c *classes) check(key string, class any, kind pluginKind) *abi.ConfigError {
	if class == nil {
		return nil
	}
	if problem := c.concrete(class.(string), kind); problem != "" {
		return wrong(key, problem)
	}
	return nil
}

// concrete says why class is no usable plugin of the kind, or "".
func (c *classes) concrete(class string, kind pluginKind) string {
	nested := c.nested(class)
	ofKind := slices.ContainsFunc(nested, func(child string) bool { return c.is(child, kind.host) })
	switch {
	case c.is(class, kind.host):
		return ""
	case class == kind.javaInterface:
		return "This class is abstract and cannot be created."
	case ofKind:
		return "This class is abstract and cannot be created. Did you mean " + strings.Join(nested, ", ") + "?"
	case slices.Contains(interfaces, class):
		return "Class interface " + class + " does not implement the " + kind.simpleName() + " interface"
	}
	return "Class class " + class + " does not implement the " + kind.simpleName() + " interface"
}

// pluginKind ties the words for a kind of plugin together.
type pluginKind struct {
	host          host.PluginKind
	abi           string
	javaInterface string
}

func (k pluginKind) simpleName() string {
	return k.javaInterface[strings.LastIndex(k.javaInterface, ".")+1:]
}

var (
	transformation = pluginKind{host.KindTransformation, abi.KindTransform,
		"org.apache.kafka.connect.transforms.Transformation"}
	predicate = pluginKind{host.KindPredicate, abi.KindPredicate,
		"org.apache.kafka.connect.transforms.predicates.Predicate"}
	converter = pluginKind{host.KindConverter, abi.KindConverter,
		"org.apache.kafka.connect.storage.Converter"}
	headerConverter = pluginKind{host.KindHeaderConverter, abi.KindHeaderConverter,
		"org.apache.kafka.connect.storage.HeaderConverter"}
)

// notDescribed is the error for a name that is no plugin with keys.
func (c *classes) notDescribed(name string) error {
	for _, other := range otherPlugins {
		if other == name || strings.HasSuffix(other, "."+name) {
			return host.BadRequest("Invalid plugin class " + name + ". Valid types are sink, source, converter, " +
				"header_converter, transformation, predicate.")
		}
	}
	if slices.Contains(javaClasses, name) {
		return &host.Error{Kind: host.ErrInternal, Message: "Instantiation error"}
	}
	return host.NotFound("Unknown plugin " + name + ".")
}
