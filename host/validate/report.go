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
func report(class string, framework abi.ConfigDef, out *outcomes, own abi.ConfigDef, ownOut *outcomes) infos {
	all := define(framework.Keys...)
	all.Add(own.Keys...)
	groups := append([]string{}, framework.Groups()...)
	for _, group := range own.Groups() {
		if !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	answer := infos{Name: class, Groups: groups, Configs: []host.ConfigInfo{}}
	results := outcomes{byName: map[string]*outcome{}}
	for _, from := range []*outcomes{out, ownOut} {
		for _, name := range abi.HashOrder(from.order) {
			o := from.byName[name]
			*results.at(name) = *o
			if all.Key(name) == nil {
				answer.Configs = append(answer.Configs, host.ConfigInfo{Value: o.info("")})
				answer.ErrorCount += len(o.Errors)
			}
		}
	}
	for _, k := range all.Keys {
		o := results.at(k.Name)
		answer.Configs = append(answer.Configs, host.ConfigInfo{Definition: keyInfo(k, ""), Value: o.info("")})
		answer.ErrorCount += len(o.Errors)
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
func prefixed(prefix string, d abi.ConfigDef, results []*outcome) section {
	var s section
	for _, o := range results {
		info := host.ConfigInfo{Value: o.info(prefix)}
		info.Value.Visible = true
		if k := d.Key(o.Name); k != nil {
			info.Definition = keyInfo(*k, prefix)
			if k.Group != nil && !slices.Contains(s.groups, *k.Group) {
				s.groups = append(s.groups, *k.Group)
			}
		}
		s.infos = append(s.infos, info)
	}
	return s
}

func keyInfo(k abi.ConfigKey, prefix string) *host.ConfigKeyInfo {
	info := &host.ConfigKeyInfo{
		Name:          prefix + k.Name,
		Type:          string(k.Type),
		Required:      !k.HasDefault,
		Importance:    string(k.Importance),
		Documentation: k.Doc,
		Group:         k.Group,
		Width:         string(k.Width),
		DisplayName:   k.Display,
		Dependents:    append([]string{}, k.Dependents...),
		Order:         int(k.Order),
	}
	if k.HasDefault {
		info.DefaultValue = k.Default
	}
	if k.Type == abi.ConfigPassword && info.DefaultValue != nil {
		info.DefaultValue = text(abi.Hidden)
	}
	return info
}

func (o *outcome) info(prefix string) *host.ConfigValueInfo {
	return &host.ConfigValueInfo{
		Name:              prefix + o.Name,
		Value:             o.Value,
		RecommendedValues: append([]string{}, o.Recommended...),
		Errors:            append([]string{}, o.Errors...),
		Visible:           o.Visible,
	}
}
