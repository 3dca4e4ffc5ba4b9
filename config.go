package main

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/configprovider"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/host/oci"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/secrets"
	"github.com/berth-connect/berth/host/validate"
	"github.com/berth-connect/berth/web"
)

// config is a worker's configuration in the keys of Kafka Connect's worker .properties. Values are checked when it is
// loaded, so the accessors below cannot fail. Keys it does not know are kept: clients read theirs by prefix, and a
// file written for the Java worker must not be refused for a setting that has no meaning here.
type config struct {
	mode      *mode
	values    *koanf.Koanf
	providers *configprovider.Transformer // that config.providers declares
}

func (c config) text(key string) string { return c.values.String(key) }
func (c config) number(key string) int  { return c.values.Int(key) }
func (c config) bytes(key string) int64 { return c.values.Int64(key) }
func (c config) flag(key string) bool   { return c.values.Bool(key) }
func (c config) list(key string) []string {
	var items []string
	for item := range strings.SplitSeq(c.text(key), ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// listIfGiven tells a list that is empty from one that is not given, which is nil.
func (c config) listIfGiven(key string) []string {
	if !c.values.Exists(key) {
		return nil
	}
	return append([]string{}, c.list(key)...)
}

// fraction reads a number that need not be whole.
func (c config) fraction(key string) float64 { return c.values.Float64(key) }

// millis reads a key whose name ends in .ms.
func (c config) millis(key string) time.Duration {
	return time.Duration(c.values.Int64(key)) * time.Millisecond
}

// useKafka replaces bootstrap.servers.
func (c config) useKafka(address string) { _ = c.values.Set("bootstrap.servers", address) }

// allow grants folders beside those that berth.allow.dirs lists.
func (c config) allow(dirs []string) {
	all := append(c.list("berth.allow.dirs"), dirs...)
	_ = c.values.Set("berth.allow.dirs", strings.Join(all, ",")) // fails only for keys with a delimiter
}

// all returns every key as text, the unknown ones too.
func (c config) all() map[string]string {
	all := make(map[string]string)
	for _, key := range c.values.Keys() {
		all[key] = c.values.String(key)
	}
	return all
}

// noDelimiter keeps koanf's keys flat: key.converter and key.converter.schemas.enable stand side by side.
const noDelimiter = "\x00"

// mode is a kind of worker, by the definition of its keys.
type mode struct {
	definition abi.ConfigDef
	parse      func(host.Config, abi.ClassLoader) (abi.ConfigValues, error)
}

var (
	distributed = &mode{validate.DistributedConfig(), validate.ParseDistributed}
	standalone  = &mode{validate.StandaloneConfig(), validate.ParseStandalone}
)

// has tells whether a worker of this kind has a setting.
func (m *mode) has(s setting) bool {
	return strings.HasPrefix(s.key, ownPrefix) || m.definition.Key(s.key) != nil
}

// loadConfig loads a distributed worker's configuration.
func loadConfig(base map[string]string, environment []string, overrides map[string]string) (config, error) {
	return distributed.load(base, environment, overrides)
}

// load merges, the later the stronger: Connect's defaults, base (a file's content), environment variables named
// CONNECT_… and BERTH_…, overrides from the command line. The error lists every bad value with what to write instead.
func (m *mode) load(base map[string]string, environment []string, overrides map[string]string) (config, error) {
	c := config{mode: m, values: koanf.New(noDelimiter)}
	layers := []koanf.Provider{confmap.Provider(m.defaults(), ""), confmap.Provider(anyValues(base), "")}
	for _, prefix := range []string{"CONNECT_", "BERTH_"} {
		layers = append(layers, env.Provider("", env.Opt{
			Prefix:        prefix,
			EnvironFunc:   func() []string { return environment },
			TransformFunc: func(name, value string) (string, any) { return keyOfVariable(prefix, name), value },
		}))
	}
	layers = append(layers, confmap.Provider(anyValues(overrides), ""))
	for _, layer := range layers {
		if err := c.values.Load(layer, nil); err != nil {
			return config{}, fmt.Errorf("merge the worker's configuration: %w", err)
		}
	}
	if err := c.resolve(environment); err != nil {
		return config{}, err
	}
	if strings.TrimSpace(c.text("berth.time.zone")) == "" {
		_ = c.values.Set("berth.time.zone", processZone(environment, localtime)) // fails only for keys with a delimiter
	}
	return c, check(c)
}

// resolve replaces references to configuration providers, as in connectors' configurations, by their values.
func (c *config) resolve(environment []string) error {
	properties := host.ConfigOf(c.all())
	var err error
	if c.providers, err = configprovider.FromProperties(properties, environment); err != nil {
		return err
	}
	resolved, err := c.providers.Resolve(properties)
	if err != nil {
		return err
	}
	for _, key := range configprovider.KeysWithReferences(properties) {
		if err := c.values.Set(key, resolved.Get(key)); err != nil {
			return fmt.Errorf("put the value of a configuration provider into %s: %w", key, err)
		}
	}
	return nil
}

// keyOfVariable turns CONNECT_REST_ADVERTISED_HOST_NAME into rest.advertised.host.name, the way of the Connect images:
// one underscore is a dot, two are a dash, three are an underscore. Berth's own keys keep their first word:
// BERTH_ALLOW_DIRS is berth.allow.dirs.
func keyOfVariable(prefix, name string) string {
	key := strings.NewReplacer("___", "_", "__", "-", "_", ".").Replace(strings.ToLower(name[len(prefix):]))
	own := func(s setting) bool { return s.key == ownPrefix+key }
	ofMany := strings.HasPrefix(ownPrefix+key, secrets.Property+".") || strings.HasPrefix(ownPrefix+key, rolesPrefix)
	if prefix == "BERTH_" && (ofMany || slices.ContainsFunc(settings, own)) {
		return ownPrefix + key
	}
	return key
}

func anyValues(values map[string]string) map[string]any {
	result := make(map[string]any, len(values))
	for key, value := range values {
		result[key] = value
	}
	return result
}

// ownPrefix is that of Berth's own keys.
const ownPrefix = "berth."

// setting is a key that main or a layer reads. Keys of Kafka Connect have the defaults and checks of its
// DistributedConfig or StandaloneConfig; what stands here is what Berth asks for besides. fallback is the default of a
// key of Berth's own.
type setting struct {
	key, fallback string
	needed        bool
	is            func(value string) bool
	must          string // what a good value is, for the error message
}

// settings are Kafka Connect's worker keys (4.1) that have an effect here, and Berth's own under berth.
var settings = []setting{
	{"bootstrap.servers", "", true, isHostPorts, "be a list like broker1:9092,broker2:9092"},
	{"group.id", "", true, isText, "name the group of workers, like connect-cluster"},
	{"client.id", "", false, isText, ""},
	{"config.storage.topic", "", true, isText, "name a topic, like connect-configs"},
	{"offset.storage.topic", "", true, isText, "name a topic, like connect-offsets"},
	{"offset.storage.file.filename", "", true, isText, "name a file, like /var/lib/connect/offsets"},
	{"status.storage.topic", "", true, isText, "name a topic, like connect-status"},
	{"config.storage.replication.factor", "", true, isText, replicationRule},
	{"offset.storage.replication.factor", "", true, isText, replicationRule},
	{"status.storage.replication.factor", "", true, isText, replicationRule},
	{"offset.storage.partitions", "", true, isPositive, "be a number of partitions, 1 or more"},
	{"status.storage.partitions", "", true, isPositive, "be a number of partitions, 1 or more"},
	{"key.converter", "", true, isText, "name a converter, like org.apache.kafka.connect.json.JsonConverter"},
	{"value.converter", "", true, isText, "name a converter, like org.apache.kafka.connect.json.JsonConverter"},
	{"header.converter", "", true, isText, "name a converter"},
	{"listeners", "", true, isListeners, "be a list of URLs like http://:8083"},
	{"admin.listeners", "", false, isListeners, "be a list of URLs like http://:8083"},
	{"rest.advertised.host.name", "", false, isText, ""},
	{"rest.advertised.port", "", false, isPort, "be a port, 1 to 65535"},
	{"rest.advertised.listener", "", false, oneOf("http", "https"), "be http or https"},
	{"access.control.allow.origin", "", false, isText, ""},
	{"access.control.allow.methods", "", false, isText, ""},
	{"response.http.headers.config", "", false, isText, ""},
	{"offset.flush.interval.ms", "", true, isPositive, millisRule},
	{"offset.flush.timeout.ms", "", true, isPositive, millisRule},
	{"task.shutdown.graceful.timeout.ms", "", true, isPositive, millisRule},
	{"session.timeout.ms", "", true, isPositive, millisRule},
	{"heartbeat.interval.ms", "", true, isPositive, millisRule},
	{"rebalance.timeout.ms", "", true, isPositive, millisRule},
	{"scheduled.rebalance.max.delay.ms", "", true, isZeroOrMore, millisRule},
	{"worker.sync.timeout.ms", "", true, isPositive, millisRule},
	{"worker.unsync.backoff.ms", "", true, isZeroOrMore, millisRule},
	{"connect.protocol", "", true, isText, "be eager, compatible or sessioned"},
	{assignmentKey, assignByCount, true, oneOf(assignByCount, assignByLoad), "be count or load"},
	{"inter.worker.key.generation.algorithm", "", true, isText, "name an HMAC, like HmacSHA256"},
	{"inter.worker.key.size", "", false, isPositive, "be a number of bits"},
	{"inter.worker.key.ttl.ms", "", true, isZeroOrMore, millisRule},
	{"inter.worker.signature.algorithm", "", true, isText, "name an HMAC, like HmacSHA256"},
	{"inter.worker.verification.algorithms", "", true, isText, "list HMACs, like HmacSHA256"},
	{"retry.backoff.ms", "", true, isZeroOrMore, millisRule},
	{"retry.backoff.max.ms", "", true, isZeroOrMore, millisRule},
	{"exactly.once.source.support", "", true, isText, "be disabled, preparing or enabled"},
	{"connector.client.config.override.policy", "", true, isText, "be All, None, Principal or Allowlist"},
	{"topic.creation.enable", "", true, isText, booleanRule},
	{"topic.tracking.enable", "", true, isText, booleanRule},
	{"topic.tracking.allow.reset", "", true, isText, booleanRule},
	{"plugin.path", "", false, isText, ""},
	{"berth.data.dir", "berth-data", true, isText, "name a folder for modules and their compiled form"},
	{"berth.allow.dirs", "", false, isText, ""},
	{secrets.Property, "", false, isText, ""},
	{plugin.SignatureRequired, "false", true, oneOf("true", "false"), booleanRule},
	{plugin.SignatureKeys, "", false, isText, ""},
	{plugin.SignatureTenantKeys, "false", true, oneOf("true", "false"), booleanRule},
	{"berth.modules.storage.topic", "", false, isText, ""},
	{"berth.modules.storage.replication.factor", "", false, isText, replicationRule},
	{network.Property, "", false, isNetGrants, network.Rule},
	{oci.RegistriesProperty, "", false, isNetGrants, network.Rule},
	{oci.PlainProperty, "", false, isNetGrants, network.Rule},
	{oci.CredentialsProperty, "", false, isText, ""},
	{auditTopicKey, "", false, isText, ""},
	{"berth.audit.replication.factor", "", false, isText, replicationRule},
	{web.AmbiguousPathsKey, "false", false, oneOf("true", "false"), booleanRule},
	{web.OpenAPIKey, "true", true, oneOf("true", "false"), booleanRule},
	{host.KafkaQuirksKey, "false", true, oneOf("true", "false"), booleanRule},
	{"berth.rest.jwt.issuer", "", false, isText, ""},
	{"berth.rest.jwt.audience", "", false, isText, ""},
	{"berth.rest.jwt.keys", "", false, isText, ""},
	{"berth.rest.jwt.algorithms", "", false, isText, ""},
	{"berth.rest.jwt.principal.claim", "sub", false, isText, ""},
	{"berth.rest.mtls.principal", "", false, oneOf(certificateNames...), certificateRule},
	{"berth.time.zone", "", true, isTimeZone, timeZoneRule},
	{"berth.restart.max", "0", true, isZeroOrMore, "be a number of restarts of a failed task, 0 for none"},
	{"berth.restart.window.ms", "600000", true, isPositive, millisRule},
	{"berth.restart.backoff.ms", "1000", true, isZeroOrMore, millisRule},
	{"berth.restart.backoff.max.ms", "60000", true, isZeroOrMore, millisRule},
	{host.SwapWindowKey, inMillis(host.DefaultSwapPolicy.Window), true, isNumber(host.IsSwapWindow), host.SwapWindowRule},
	{host.SwapErrorRateKey, float(host.DefaultSwapPolicy.ErrorRateMax), true, isNumber(host.IsSwapErrorRate),
		host.SwapErrorRateRule},
	{host.SwapLatencyKey, float(host.DefaultSwapPolicy.LatencyRatio), true, isNumber(host.IsSwapLatency),
		host.SwapLatencyRule},
	{host.TrapMaxKey, number(host.TrapsPerMinuteMax), true, isZeroOrMore, "be a number of instances, 0 for none"},
	{"berth.limits.memory.bytes", number(host.MemoryBytesMax), true, isBytes, bytesRule},
	{"berth.limits.module.memory.bytes", number(host.ModuleMemoryBytesMax), true, isBytes, bytesRule},
	{"berth.limits.worker.memory.bytes", number(host.WorkerMemoryBytesMax), true, isBytes, bytesRule},
	{"berth.limits.batch.cpu.ms", inMillis(host.BatchCPUMax), true, isPositive, millisRule},
	{"berth.limits.second.cpu.ms", "1000", true, isPositive, millisRule},
	{"berth.limits.module.second.cpu.ms", "0", true, isZeroOrMore, cpuRule},
	{"berth.limits.worker.second.cpu.ms", "0", true, isZeroOrMore, cpuRule},
	{"berth.limits.batch.sleep.ms", inMillis(host.BatchSleepMax), true, isPositive, millisRule},
	{"berth.limits.start.ms", inMillis(host.StartDurationMax), true, isPositive, millisRule},
	{"berth.limits.describe.ms", inMillis(host.DescribeDurationMax), true, isPositive, millisRule},
	{"berth.limits.transform.ms", inMillis(host.TransformDurationMax), true, isPositive, millisRule},
	{"berth.limits.put.ms", inMillis(host.PutDurationMax), true, isPositive, millisRule},
	{"berth.limits.output.bytes", number(host.OutputBytesMax), true, isOutput, outputRule},
	{"berth.limits.log.lines", number(host.LogLinesPerSecondMax), true, isPositive, "be lines per second, 1 or more"},
	{"berth.limits.net.connections", number(host.NetConnectionsMax), true, isPositive,
		"be connections at a time, 1 or more"},
	{"berth.limits.net.second.bytes", number(host.NetBytesPerSecondMax), true, isBytes, bytesRule},
}

func float(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }

func number(n int64) string { return strconv.FormatInt(n, 10) }

func inMillis(d time.Duration) string { return number(d.Milliseconds()) }

const (
	replicationRule = "be -1 (the broker's default) or 1 or more"
	millisRule      = "be a number of milliseconds"
	booleanRule     = "be true or false"
	cpuRule         = "be milliseconds of CPU time in each second, such as 1500 for a core and a half, or 0 for no limit"
	timeZoneRule    = "name a time zone, like Europe/Berlin or UTC; if it is not set, that of TZ or /etc/localtime counts"
	bytesRule       = "be a number of bytes, 1048576 or more"
)

// outputRule: the bound of the ABI holds in any case.
var outputRule = fmt.Sprintf("be a number of bytes from 1048576 to %d", abi.BatchBytesMax)

func (m *mode) defaults() map[string]any {
	values := make(map[string]any)
	for _, s := range settings {
		if s.fallback != "" {
			values[s.key] = s.fallback
		}
		if k := m.definition.Key(s.key); k != nil && k.Default != nil {
			values[s.key] = *k.Default
		}
	}
	return values
}

// check reports all bad values at once, so that a file is mended in one go: in Connect's words, with what to write
// instead.
func check(c config) error {
	wrong := wrongKeys(c)
	var problems []error
	for _, s := range settings {
		value := strings.TrimSpace(c.text(s.key))
		switch {
		case !c.mode.has(s):
		case wrong[s.key] != "" && s.must != "":
			problems = append(problems, errors.New(strings.TrimSuffix(wrong[s.key], ".")+"; it must "+s.must))
		case wrong[s.key] != "":
			problems = append(problems, errors.New(wrong[s.key]))
		case value == "" && s.needed:
			problems = append(problems, fmt.Errorf("Missing required configuration %q: it must %s", s.key, s.must))
		case value != "" && !s.is(value):
			problems = append(problems, abi.InvalidValue(s.key, value, "it must "+s.must))
		}
		delete(wrong, s.key)
	}
	for _, key := range slices.Sorted(maps.Keys(wrong)) {
		problems = append(problems, errors.New(wrong[key]))
	}
	if c.mode == distributed && c.millis("heartbeat.interval.ms") >= c.millis("session.timeout.ms") {
		problems = append(problems, abi.InvalidValue("heartbeat.interval.ms", c.text("heartbeat.interval.ms"),
			"it must be less than session.timeout.ms="+c.text("session.timeout.ms")))
	}
	return errors.Join(problems...)
}

// wrongKeys is what Connect finds wrong, by key; empty values count as not set, since an environment often has them.
// Classes are looked up when modules are loaded.
func wrongKeys(c config) map[string]string {
	properties := c.all()
	maps.DeleteFunc(properties, func(_, value string) bool { return strings.TrimSpace(value) == "" })
	_, err := c.mode.parse(host.ConfigOf(properties), nil)
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	wrong := map[string]string{}
	for _, err := range all {
		var e *abi.ConfigError
		if errors.As(err, &e) {
			wrong[e.Key] = e.Message
		}
	}
	return wrong
}

func isNetGrants(value string) bool {
	for item := range strings.SplitSeq(value, ",") {
		if _, err := network.ParsePolicy([]string{strings.TrimSpace(item)}); err != nil {
			return false
		}
	}
	return true
}

func isText(string) bool { return true }

func isPositive(value string) bool { return numberFrom(value, 1) }

func isZeroOrMore(value string) bool { return numberFrom(value, 0) }

func isPort(value string) bool { return numberFrom(value, 1) && !numberFrom(value, 1<<16) }

func numberFrom(value string, least int64) bool {
	n, err := strconv.ParseInt(value, 10, 32)
	return err == nil && n >= least
}

func isNumber(valid func(float64) bool) func(string) bool {
	return func(value string) bool {
		n, err := strconv.ParseFloat(value, 64)
		return err == nil && valid(n)
	}
}

func isBytes(value string) bool {
	n, err := strconv.ParseInt(value, 10, 64)
	return err == nil && n >= 1<<20
}

func isOutput(value string) bool {
	n, err := strconv.ParseInt(value, 10, 64)
	return err == nil && n >= 1<<20 && n <= abi.BatchBytesMax
}

func oneOf(words ...string) func(string) bool {
	return func(value string) bool { return slices.Contains(words, strings.ToLower(value)) }
}

func isHostPorts(value string) bool {
	for item := range strings.SplitSeq(value, ",") {
		colon := strings.LastIndexByte(item, ':')
		if colon < 1 || !isPort(strings.TrimSpace(item[colon+1:])) {
			return false
		}
	}
	return true
}

func isListeners(value string) bool {
	for item := range strings.SplitSeq(value, ",") {
		u, err := url.Parse(strings.TrimSpace(item))
		if err != nil || !oneOf("http", "https")(u.Scheme) || u.Port() == "" {
			return false
		}
	}
	return true
}
