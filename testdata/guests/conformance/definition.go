package main

import (
	"strings"

	"github.com/berth-connect/berth/abi"
)

// key is one key of the definition; its group, order and display name are those of Connect's longer define.
type key struct {
	name       string
	typ        abi.ConfigType
	preset     string // null: null; required: none
	validator  *abi.Validator
	importance abi.Importance
	doc        string
	group      string
	order      int32
	width      abi.Width
	display    string
	dependents []string
	recommend  abi.Recommender
}

const (
	null     = "\x00null"
	required = "\x00required"
)

func between(least, most float64) *abi.Validator {
	return &abi.Validator{Kind: abi.ValidRange, Min: &least, Max: &most}
}

func atLeast(least float64) *abi.Validator { return &abi.Validator{Kind: abi.ValidRange, Min: &least} }

func words(kind abi.ValidatorKind, list ...string) *abi.Validator {
	return &abi.Validator{Kind: kind, Values: list}
}

// colours are recommended while a.boolean is not false.
func colours(values abi.ConfigValues) ([]string, bool) {
	return []string{"red", "green", "blue"}, !values.Has("a.boolean") || values.Bool("a.boolean")
}

var commonKeys = []key{
	{name: "connector.start", typ: abi.ConfigString, preset: "ok", validator: words(abi.ValidOneOf, "ok", "throw", "hang"),
		importance: abi.High, doc: "What Connector.start does."},
	{name: "connector.tasks", typ: abi.ConfigString, preset: "ok",
		validator:  words(abi.ValidOneOf, "ok", "throw", "toomany", "none"),
		importance: abi.High, doc: "What Connector.taskConfigs does."},
	{name: "connector.validate", typ: abi.ConfigString, preset: "ok", importance: abi.High,
		doc: "What Connector.validate does: ok, throw, null, reject, hang."},
	{name: "connector.alter", typ: abi.ConfigString, preset: "unsupported", importance: abi.High,
		doc: "What Connector.alterOffsets does: unsupported, true, false, throw, hang."},
	{name: "task.start", typ: abi.ConfigString, preset: "ok", importance: abi.Medium,
		doc: "What Task.start does: ok, throw, hang."},
	{name: "task.work", typ: abi.ConfigString, preset: "ok", importance: abi.Medium,
		doc: "What poll or put does: ok, throw, retriable."},
	{name: "records", typ: abi.ConfigInt, preset: "0", validator: between(0, 1000), importance: abi.Medium,
		doc: "How many records each task emits.", group: "Load", order: 1, width: abi.WidthShort,
		display: "Records per task"},
	{name: "an.int", typ: abi.ConfigInt, preset: "7", validator: atLeast(1), importance: abi.Low, doc: "An int.",
		group: "Types", order: 1, width: abi.WidthNone, display: "An int", dependents: []string{"a.long", "a.short"}},
	{name: "a.long", typ: abi.ConfigLong, preset: "70000000000", importance: abi.Low, doc: "A long.",
		group: "Types", order: 2, width: abi.WidthShort, display: "A long"},
	{name: "a.short", typ: abi.ConfigShort, preset: "3", importance: abi.Low, doc: "A short.",
		group: "Types", order: 3, width: abi.WidthMedium, display: "A short"},
	{name: "a.double", typ: abi.ConfigDouble, preset: "0.5", validator: between(0, 1), importance: abi.Low,
		doc: "A double.", group: "Types", order: 4, width: abi.WidthLong, display: "A double"},
	{name: "a.boolean", typ: abi.ConfigBoolean, preset: "true", importance: abi.Low, doc: "A boolean.",
		group: "Types", order: 5, width: abi.WidthShort, display: "A boolean"},
	{name: "a.list", typ: abi.ConfigList, preset: "x,y", validator: words(abi.ValidList, "x", "y", "z"),
		importance: abi.Low, doc: "A list.", group: "Types", order: 6, width: abi.WidthShort, display: "A list"},
	{name: "a.password", typ: abi.ConfigPassword, preset: null, importance: abi.Low, doc: "A password.",
		group: "Types", order: 7, width: abi.WidthShort, display: "A password"},
	{name: "a.class", typ: abi.ConfigClass, preset: null, importance: abi.Low, doc: "A class.",
		group: "Types", order: 8, width: abi.WidthShort, display: "A class"},
	{name: "a.colour", typ: abi.ConfigString, preset: "red", validator: words(abi.ValidOneOfCI, "red", "green", "blue"),
		importance: abi.Low, doc: "A colour.", group: "Types", order: 9, width: abi.WidthShort, display: "A colour",
		recommend: colours},
	{name: "a.name", typ: abi.ConfigString, preset: "n", validator: &abi.Validator{Kind: abi.ValidNoControl},
		importance: abi.Low, doc: "A non-empty string.", group: "Types", order: 10, width: abi.WidthShort,
		display: "A name"},
}

var sourceKeys = []key{
	{name: "topic", typ: abi.ConfigString, preset: required, validator: &abi.Validator{Kind: abi.ValidNonEmpty},
		importance: abi.High, doc: "Topic written to."},
	{name: "eos", typ: abi.ConfigString, preset: "null", importance: abi.Low,
		doc: "Answer of exactlyOnceSupport: null, supported, unsupported, throw."},
	{name: "boundaries", typ: abi.ConfigString, preset: "unsupported", importance: abi.Low,
		doc: "Answer of canDefineTransactionBoundaries: unsupported, supported, null, throw."},
}

func definition(source bool) abi.ConfigDef {
	keys := commonKeys
	if source {
		keys = append(keys[:len(keys):len(keys)], sourceKeys...)
	}
	var d abi.ConfigDef
	for _, k := range keys {
		d.Add(k.declared())
	}
	return d
}

func (k key) declared() abi.ConfigKey {
	c := abi.ConfigKey{Name: k.name, Type: k.typ, Importance: k.importance, Doc: k.doc, HasDefault: k.preset != required,
		Order: k.order, Width: k.width, Display: k.display, Dependents: k.dependents, Validator: k.validator,
		Recommend: k.recommend}
	if !strings.HasPrefix(k.preset, "\x00") {
		c.Default = &k.preset
	}
	if k.group == "" {
		c.Order, c.Width, c.Display = -1, abi.WidthNone, k.name
	} else {
		c.Group = &k.group
	}
	return c
}
