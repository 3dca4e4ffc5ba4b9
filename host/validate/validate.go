// Package validate knows Connect's connector configuration: the keys that the framework defines, how their values are
// parsed and checked, and what the REST API tells about them. It answers PUT of a plugin's config/validate and GET of
// its config, and reads the typed configuration that a worker runs a connector with.
package validate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// Plugins is what validation needs of the plugin registry.
type Plugins interface {
	// Find returns the newest plugin of one of kinds (ABI words) that has this class or alias and whose version the
	// specification allows: "" = any, a version, or a Maven range. Errors: host.ErrNotFound, host.ErrBadRequest.
	Find(name, version string, kinds ...string) (abi.Plugin, error)
	// Infos lists every plugin.
	Infos() []host.PluginInfo
	// Check asks the plugin itself, in the guest, within a bounded time. It answers only keys that have something to say.
	Check(ctx context.Context, plugin abi.Plugin, kind string, config map[string]*string) ([]abi.KeyValidation, error)
}

// Worker is what a connector's validation depends on at the worker.
type Worker struct {
	KeyConverter    string // class or alias; "" = no default is shown
	ValueConverter  string
	HeaderConverter string
	GroupID         string // the worker's own group; "" in standalone mode
	Tenant          string // whose connectors these are; part of the ids of their groups
	Standalone      bool   // skips the checks that only a distributed worker makes
	ExactlyOnce     bool   // exactly.once.source.support is enabled
}

// Validator validates connector configurations. It is safe for concurrent use.
type Validator struct {
	plugins Plugins
	policy  OverridePolicy
	worker  Worker
}

// New makes a validator for a distributed worker with JsonConverter as key and value converter and without
// exactly-once support; WithWorker sets other properties.
func New(plugins Plugins, policy OverridePolicy) *Validator {
	const json = "org.apache.kafka.connect.json.JsonConverter"
	return &Validator{plugins: plugins, policy: policy, worker: Worker{KeyConverter: json, ValueConverter: json,
		HeaderConverter: "org.apache.kafka.connect.storage.SimpleHeaderConverter"}}
}

// WithWorker returns a validator for another worker's properties.
func (v *Validator) WithWorker(worker Worker) *Validator {
	return &Validator{plugins: v.plugins, policy: v.policy, worker: worker}
}

// Of returns a validator for the connectors of a tenant, which sees these plugins.
func (v *Validator) Of(tenant string, plugins Plugins) *Validator {
	worker := v.worker
	worker.Tenant = tenant
	return &Validator{plugins: plugins, policy: v.policy, worker: worker}
}

// CheckRequested refuses a configuration whose connector.class is not the plugin in the request's path. Both are
// compared without the suffix Connector, and the path may name the end of the class. Errors: host.ErrBadRequest.
func CheckRequested(plugin string, config host.Config) error {
	class := config[keyConnectorClass]
	if class == nil || strings.HasSuffix(withoutSuffix(*class), withoutSuffix(plugin)) {
		return nil
	}
	return host.BadRequest(fmt.Sprintf("Included connector type %s does not match request type %s", *class, plugin))
}

func withoutSuffix(class string) string {
	if short := strings.TrimSuffix(class, "Connector"); short != "" {
		return short
	}
	return class
}

// Refusal is the error of a request that would store a configuration with errors; nil when it has none.
// Error: host.ErrBadRequest with Connect's text, which keeps the placeholder of the path.
func Refusal(infos host.ConfigInfos) error {
	if infos.ErrorCount == 0 {
		return nil
	}
	lines := []string{fmt.Sprintf("Connector configuration is invalid and contains the following %d error(s):",
		infos.ErrorCount)}
	for _, info := range infos.Configs {
		lines = append(lines, info.Value.Errors...)
	}
	lines = append(lines, "You can also find the above list of errors at the endpoint "+
		"`/connector-plugins/{connectorType}/config/validate`")
	return host.BadRequest(strings.Join(lines, "\n"))
}

// session is the validation of one configuration.
type session struct {
	*Validator
	config  host.Config
	classes *classes
	plugin  abi.Plugin
	answers answers
}

func (v *Validator) session(config host.Config, kind string) *session {
	return &session{Validator: v, config: config, classes: &classes{v.plugins.Infos()}, plugin: abi.Plugin{Kind: kind}}
}

// Validate checks a configuration whose references to configuration providers are resolved. A wrong configuration is
// no error: the answer tells. Errors: host.ErrBadRequest when no connector class can be found, host.ErrInternal when
// the plugin's own validation fails or a client override has the wrong type.
func (v *Validator) Validate(ctx context.Context, config host.Config) (host.ConfigInfos, error) {
	s := v.session(config, "")
	if err := s.connector(); err != nil {
		return host.ConfigInfos{}, err
	}
	own := s.declared(s.plugin)
	if err := s.ask(ctx); err != nil {
		return host.ConfigInfos{}, err
	}
	framework, out, err := s.validateFramework(ctx)
	if err != nil {
		return host.ConfigInfos{}, err
	}
	failNulls(config, out)
	ownOut := validated(own, config)
	s.answers.addTo(ownOut, "", notFacts)
	converters, err := s.converters(ctx, out)
	if err != nil {
		return host.ConfigInfos{}, err
	}
	clients, err := s.overrides()
	if err != nil {
		return host.ConfigInfos{}, err
	}
	answer := report(config.Get(keyConnectorClass), framework, out, own, ownOut)
	return host.ConfigInfos(answer.with(clients...).with(converters...)), nil
}

// ValidateFramework checks the framework's keys of a connector of that kind (abi.KindSource, abi.KindSink; "": what all
// connectors have), with those of its transformations and predicates, and returns a result for each, in order of
// definition. Error: as Validate.
func (v *Validator) ValidateFramework(ctx context.Context, kind string, config host.Config) ([]abi.KeyValidation,
	error) {
	s := v.session(config, kind)
	_, out, err := s.validateFramework(ctx)
	if err != nil {
		return nil, err
	}
	return out.list(), nil
}

func (s *session) validateFramework(ctx context.Context) (abi.ConfigDef, *outcomes, error) {
	d, elements := s.framework()
	out := validated(d, s.config)
	switch s.plugin.Kind {
	case abi.KindSink:
		s.worker.checkSink(s.config, out)
	case abi.KindSource:
		s.worker.checkSource(out, s.answers)
	}
	return d, out, s.askElements(ctx, elements, out)
}

// ValidatePlugin checks a configuration by what a plugin declares, and asks the plugin where only it knows. It returns
// a result for each key, in order of definition. Error: host.ErrInternal when the plugin's own validation fails.
func (v *Validator) ValidatePlugin(ctx context.Context, plugin abi.Plugin, config host.Config) ([]abi.KeyValidation,
	error) {
	out, err := v.session(config, plugin.Kind).validatePlugin(ctx, plugin, config)
	if err != nil {
		return nil, err
	}
	return out.list(), nil
}

func (s *session) validatePlugin(ctx context.Context, plugin abi.Plugin, config host.Config) (*outcomes, error) {
	out := validated(s.declared(plugin), config)
	if !needsGuest(plugin) {
		return out, nil
	}
	found, err := s.plugins.Check(ctx, plugin, plugin.Kind, config)
	if err != nil {
		return nil, failure(err)
	}
	answers(found).addTo(out, "", nil)
	return out, nil
}

// declared is what a plugin declares, with the classes that are there.
func (s *session) declared(plugin abi.Plugin) abi.ConfigDef {
	d := define(plugin.Config.Keys...)
	d.Classes = s.classes.load
	return d
}

// connector finds the connector's plugin.
func (s *session) connector() error {
	class := s.config[keyConnectorClass]
	if class == nil {
		return host.BadRequest("Connector config " + mapText(s.config) + " contains no connector type")
	}
	version := s.config.Get(keyConnectorVersion)
	plugin, err := s.plugins.Find(*class, "", abi.KindSource, abi.KindSink)
	if errors.Is(err, host.ErrNotFound) {
		return host.BadRequest(fmt.Sprintf("Failed to find any class that implements Connector and which name matches %s, "+
			"available connectors are: %s. %s", *class, s.connectorList(), host.MissingPluginRemedy))
	}
	if err != nil {
		return err
	}
	if s.plugin = plugin; version == "" {
		return nil
	}
	found, problem := s.find(*class, version, abi.KindSource, abi.KindSink)
	switch {
	case problem == "":
		s.plugin = found
	case isUnbounded(version):
		return host.BadRequest(problem)
	default: // Kafka 4.1 answers 500 here
		return &host.Error{Kind: host.ErrInternal, Message: problem}
	}
	return nil
}

func (s *session) connectorList() string {
	list := append(s.classes.ofKind(host.KindSink), s.classes.ofKind(host.KindSource)...)
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// mapText shows a configuration as Java prints a map.
func mapText(config host.Config) string {
	var entries []string
	for name, value := range config {
		shown := "null"
		if value != nil {
			shown = *value
		}
		entries = append(entries, name+"="+shown)
	}
	slices.Sort(entries)
	return "{" + strings.Join(entries, ", ") + "}"
}

// framework is the definition of the framework's keys for this configuration, with the aliased plugins in it.
func (s *session) framework() (abi.ConfigDef, []element) {
	d := s.definition(s.defaults())
	var elements []element
	for _, c := range chains {
		usable, _ := s.enrich(&d, c)
		elements = append(elements, usable...)
	}
	return d, elements
}

// definition is the definition of the framework's keys for connectors of the session's kind.
func (s *session) definition(defaults defaults) abi.ConfigDef {
	defaults.classes = s.classes
	d := define(commonKeys(defaults)...)
	d.Classes = s.classes.load
	switch s.plugin.Kind {
	case abi.KindSource:
		d.Add(sourceKeys()...)
	case abi.KindSink:
		d.Add(sinkKeys()...)
	}
	return d
}

// failNulls refuses null values. Keys that the plugin defines get their result from the plugin's definition later.
func failNulls(config host.Config, out *outcomes) {
	var names []string
	for name, value := range config {
		if value == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range abi.HashOrder(names) {
		out.at(name).fail("Null value can not be supplied as the configuration value.")
	}
}
