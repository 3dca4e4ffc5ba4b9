package abi

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Capabilities that a plugin may ask for.
const (
	CapabilityFiles          = "files"
	CapabilityStdio          = "stdio"
	CapabilityNet            = "net"
	CapabilitySchemaRegistry = "schema-registry"
	CapabilitySecrets        = "secrets"
	CapabilityTopics         = "topics" // connectors: those of its records; one that does not ask may use all
)

// NeedsMax bounds how many entries the needs of a capability have.
const NeedsMax = 1024

// Needs narrow capabilities: what of each a plugin needs, in the words of the operator's grants. Of CapabilityNet
// host:port, of CapabilityFiles directories, of CapabilitySecrets the configuration keys in which the plugin takes
// secrets, of CapabilityTopics read:PATTERN and write:PATTERN. A capability that is not in the map is asked for whole.
type Needs map[string][]string

// Manifest is the body of the MANIFEST message: what a module offers.
type Manifest struct {
	ABI     int32
	SDK     string // "go 0.1.0"
	Plugins []Plugin
}

// Plugin describes one plugin of a module.
type Plugin struct {
	Class        string
	Aliases      []string
	Kind         string
	Version      string
	Doc          string
	TaskClass    string // connectors; "": Class
	Config       ConfigDef
	Capabilities []string
	Needs        Needs
	Watches      bool // the connector instance stays alive to ask for RECONFIGURE
	Alters       bool // it answers ALTER_OFFSETS
	KeepsState   bool // its stages answer EXPORT and IMPORT
	GoesAlone    bool // connector: its instance answers ALONE
	WantsOffsets bool // source: it is told WRITTEN
	WantsSource  bool // transform, predicate, converter: batches have the source partitions and offsets of records
}

// Encode returns the value body.
func (m Manifest) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.pairInt32("abi", m.ABI)
	b.pairString("sdk", m.SDK)
	b.String("plugins")
	b.BeginArray()
	for _, p := range m.Plugins {
		p.write(&b)
	}
	b.End()
	b.End()
	return b.Bytes()
}

func (p Plugin) write(b *Builder) {
	b.BeginMap()
	b.pairString("class", p.Class)
	b.pairStrings("aliases", p.Aliases)
	b.pairString("kind", p.Kind)
	b.pairString("version", p.Version)
	b.pairString("doc", p.Doc)
	b.pairString("task_class", p.TaskClass)
	b.String("config")
	b.BeginArray()
	for _, k := range p.Config.Keys {
		k.write(b)
	}
	b.End()
	b.pairStrings("capabilities", p.Capabilities)
	if len(p.Needs) > 0 {
		b.String("needs")
		b.BeginMap()
		for _, capability := range slices.Sorted(maps.Keys(p.Needs)) {
			b.pairStrings(capability, p.Needs[capability])
		}
		b.End()
	}
	b.pairBool("watches", p.Watches)
	if p.Alters {
		b.pairBool("alters_offsets", true)
	}
	if p.GoesAlone {
		b.pairBool("goes_alone", true)
	}
	if p.KeepsState {
		b.pairBool("keeps_state", true)
	}
	if p.WantsOffsets {
		b.pairBool("wants_offsets", true)
	}
	if p.WantsSource {
		b.pairBool("wants_source", true)
	}
	b.End()
}

func (k ConfigKey) write(b *Builder) {
	b.BeginMap()
	b.pairString("name", k.Name)
	b.pairString("type", string(k.Type))
	b.pairString("importance", string(k.Importance))
	b.pairString("doc", k.Doc)
	b.pairOptString("default", k.Default)
	b.pairBool("has_default", k.HasDefault)
	b.pairOptString("group", k.Group)
	b.pairInt32("order", k.Order)
	b.pairString("width", string(k.Width))
	b.pairString("display", k.Display)
	b.pairStrings("dependents", k.Dependents)
	b.pairBool("internal", k.Internal)
	b.String("validator")
	if k.Validator == nil {
		b.Null()
	} else {
		k.Validator.write(b)
	}
	b.End()
}

func (v Validator) write(b *Builder) {
	b.BeginMap()
	b.pairString("kind", string(v.Kind))
	for _, bound := range []struct {
		key string
		x   *float64
	}{{"min", v.Min}, {"max", v.Max}} {
		b.String(bound.key)
		if bound.x == nil {
			b.Null()
		} else {
			b.Float64(*bound.x)
		}
	}
	b.pairStrings("values", v.Values)
	if v.Null {
		b.pairBool("null", true)
	}
	b.pairString("text", v.Text)
	b.End()
}

// ParseManifest reads a manifest and refuses plugins without a class and kinds, types and classes it does not know.
func ParseManifest(b []byte) (Manifest, error) {
	var m Manifest
	err := parseMap(b, "manifest", func(f *fields) {
		m.ABI, m.SDK = f.int32("abi"), f.str("sdk")
		f.list("plugins", ManifestPluginsMax, func(p *fields) error {
			plugin, err := parsePlugin(p)
			m.Plugins = append(m.Plugins, plugin)
			return err
		})
	})
	return m, err
}

func parsePlugin(f *fields) (Plugin, error) {
	p := Plugin{
		Class: f.str("class"), Aliases: f.strings("aliases"), Kind: f.str("kind"), Version: f.str("version"),
		Doc: f.str("doc"), TaskClass: f.str("task_class"), Capabilities: f.strings("capabilities"),
		Needs: f.needs("needs"), Watches: f.bool("watches"), Alters: f.bool("alters_offsets"),
		GoesAlone: f.bool("goes_alone"), KeepsState: f.bool("keeps_state"), WantsOffsets: f.bool("wants_offsets"),
		WantsSource: f.bool("wants_source"),
	}
	f.list("config", DictionaryMax, func(k *fields) error {
		key, err := parseConfigKey(k)
		p.Config.Keys = append(p.Config.Keys, key)
		return err
	})
	if f.err == nil && p.Class == "" {
		return p, errors.New("plugin without a class")
	}
	switch p.Kind {
	case KindSource, KindSink, KindTransform, KindPredicate, KindConverter, KindHeaderConverter:
		return p, nil
	}
	return p, fmt.Errorf("plugin %s has unknown kind %q", p.Class, p.Kind)
}

// needs reads a map of lists of strings; nil if there is none.
func (f *fields) needs(key string) Needs {
	v, ok := f.get(key, TagMap)
	if !ok {
		return nil
	}
	all := Needs{}
	for i := range v.Len() {
		capability, _ := v.Entry(i)
		if capability.Tag != TagString {
			f.err = fmt.Errorf("%s: key %d is %s", key, i, capability.Tag)
			return nil
		}
		of := fields{v: v}
		list := of.strings(capability.String())
		switch {
		case of.err != nil:
			f.err = fmt.Errorf("%s: %w", key, of.err)
			return nil
		case len(list) > NeedsMax:
			f.err = fmt.Errorf("%s: %s has %d entries, at most %d", key, capability, len(list), NeedsMax)
			return nil
		}
		all[capability.String()] = list
	}
	return all
}

func parseConfigKey(f *fields) (ConfigKey, error) {
	k := ConfigKey{
		Name: f.str("name"), Type: ConfigType(f.str("type")), Importance: Importance(f.str("importance")),
		Doc: f.str("doc"), Default: f.optStr("default"), HasDefault: f.bool("has_default"), Group: f.optStr("group"),
		Order: f.int32("order"), Width: Width(f.str("width")), Display: f.str("display"),
		Dependents: f.strings("dependents"), Internal: f.bool("internal"),
	}
	if v, ok := f.get("validator", TagMap); ok {
		g := fields{v: v}
		k.Validator = &Validator{Kind: ValidatorKind(g.str("kind")), Min: g.optFloat64("min"), Max: g.optFloat64("max"),
			Values: g.strings("values"), Null: g.bool("null"), Text: g.str("text")}
		if g.err != nil {
			return k, fmt.Errorf("validator of %s: %w", k.Name, g.err)
		}
	}
	if f.err == nil && !k.Type.known() {
		return k, fmt.Errorf("key %s has unknown type %q", k.Name, k.Type)
	}
	return k, nil
}

// KeyValidation is what validation has to say about one key; VALIDATED holds a list of them.
type KeyValidation struct {
	Name        string
	Value       *string // as text; nil: null
	Errors      []string
	Recommended []string
	Visible     bool
}

// EncodeKeyValidations returns the body of VALIDATED.
func EncodeKeyValidations(list []KeyValidation) []byte {
	var b Builder
	b.BeginArray()
	for _, k := range list {
		b.BeginMap()
		b.pairString("name", k.Name)
		b.pairOptString("value", k.Value)
		b.pairStrings("errors", k.Errors)
		b.pairStrings("recommended", k.Recommended)
		b.pairBool("visible", k.Visible)
		b.End()
	}
	b.End()
	return b.Bytes()
}

// ParseKeyValidations reads the body of VALIDATED.
func ParseKeyValidations(b []byte) ([]KeyValidation, error) {
	var list []KeyValidation
	err := parseArray(b, "validated keys", func(v Value) error {
		f := fields{v: v}
		if v.Tag != TagMap {
			return fmt.Errorf("it is %s", v.Tag)
		}
		list = append(list, KeyValidation{f.str("name"), f.optStr("value"), f.strings("errors"),
			f.strings("recommended"), f.bool("visible")})
		return f.err
	})
	return list, err
}
