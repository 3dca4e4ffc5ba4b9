package validate

import (
	"slices"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// section is a part of the answer: the keys of a converter or of a client.
type section struct {
	groups []string
	infos  []host.ConfigInfo
}

type infos host.ConfigInfos

// report joins the framework's keys with the connector's own. Results of keys that neither defines come first; where
// both have a key, the connector's definition and result stand at the framework's place.
func report(class string, framework *definition, out *outcomes, own *definition, ownOut *outcomes) infos {
	all := newDefinition()
	for _, d := range []*definition{framework, own} {
		for _, k := range d.keys {
			all.add(*k)
		}
	}
	answer := infos{Name: class, Groups: append([]string{}, all.groups...), Configs: []host.ConfigInfo{}}
	results := newOutcomes()
	for _, from := range []*outcomes{out, ownOut} {
		for _, name := range hashOrder(from.order) {
			o := from.byName[name]
			*results.at(name) = *o
			if all.byName[name] == nil {
				answer.Configs = append(answer.Configs, host.ConfigInfo{Value: o.info("")})
				answer.ErrorCount += len(o.errors)
			}
		}
	}
	for _, k := range all.keys {
		o := results.at(k.name)
		answer.Configs = append(answer.Configs, host.ConfigInfo{Definition: k.info(""), Value: o.info("")})
		answer.ErrorCount += len(o.errors)
	}
	return answer
}

// with appends sections; in them a key with errors counts once, however many it has.
func (a infos) with(sections ...section) infos {
	for _, s := range sections {
		for _, group := range s.groups {
			if !slices.Contains(a.Groups, group) {
				a.Groups = append(a.Groups, group)
			}
		}
		for _, info := range s.infos {
			a.Configs = append(a.Configs, info)
			if len(info.Value.Errors) > 0 {
				a.ErrorCount++
			}
		}
	}
	return a
}

// prefixed makes a section of results under a prefix. A key of such a section is always shown as visible.
func prefixed(prefix string, d *definition, results []*outcome) section {
	var s section
	for _, o := range results {
		info := host.ConfigInfo{Value: o.info(prefix)}
		info.Value.Visible = true
		if k := d.byName[o.name]; k != nil {
			info.Definition = k.info(prefix)
			if k.group != "" && !slices.Contains(s.groups, k.group) {
				s.groups = append(s.groups, k.group)
			}
		}
		s.infos = append(s.infos, info)
	}
	return s
}

func (k *key) info(prefix string) *host.ConfigKeyInfo {
	info := &host.ConfigKeyInfo{
		Name:          prefix + k.name,
		Type:          string(k.kind),
		Required:      k.required,
		DefaultValue:  k.fallback,
		Importance:    k.importance,
		Documentation: k.doc,
		Width:         k.width,
		DisplayName:   k.display,
		Dependents:    append([]string{}, k.dependents...),
		Order:         k.order,
	}
	if k.group != "" {
		info.Group = &k.group
	}
	if k.kind == abi.ConfigPassword && k.fallback != nil {
		info.DefaultValue = text(abi.Hidden)
	}
	return info
}

func (o *outcome) info(prefix string) *host.ConfigValueInfo {
	return &host.ConfigValueInfo{
		Name:              prefix + o.name,
		Value:             o.value.shown(),
		RecommendedValues: append([]string{}, o.recommended...),
		Errors:            append([]string{}, o.errors...),
		Visible:           !o.hidden,
	}
}
