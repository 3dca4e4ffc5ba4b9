package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/plugin"
)

// stages reads KIND:ALIAS@MODULE, of which a module stands for a version, too.
func stages(text string) []Stage {
	var all []Stage
	for word := range strings.FieldsSeq(text) {
		kind, rest, _ := strings.Cut(word, ":")
		alias, module, _ := strings.Cut(rest, "@")
		all = append(all, Stage{abi.Stage{Kind: kind, Alias: alias}, plugin.Plugin{
			Plugin: abi.Plugin{Class: kind + alias, Version: module}, Digest: module}})
	}
	return all
}

func TestBeside(t *testing.T) {
	cases := []struct{ before, after, want string }{
		{"source:@s transform:a@1 value_converter:@s", "source:@s transform:a@2 value_converter:@s", "[2][s]"},
		{"source:@s transform:a@1", "source:@s transform:a@1 transform:b@1 transform:c@2", "[1 1][2]"},
		{"source:@s transform:a@s", "source:@s transform:a@s transform:b@s transform:c@2", "[s][2]"},
		{"source:@s transform:a@1", "source:@s", ""},
		{"source:@s transform:a@s", "source:@s transform:a@2", "no"},
		{"source:@s transform:a@s", "source:@s", "no"},
		{"value_converter:@s transform:a@1 sink:@s", "value_converter:@2 sink:@s", "[2]"},
		{"transform:a@1 transform:b@s sink:@s", "transform:a@2 transform:b@s sink:@s", "[2]"},
		{"transform:b@s sink:@s", "transform:b@1 sink:@s", "no"},
	}
	for _, c := range cases {
		groups := Groups(stages(c.before), false)
		own := groups[0]
		if last := groups[len(groups)-1]; last.EndsInSink() {
			own = last
		}
		beside, ok := own.Beside(stages(c.after))
		got := ""
		for _, g := range beside {
			var modules []string
			for _, s := range g.Stages {
				modules = append(modules, s.Found.Digest)
			}
			got += fmt.Sprint(modules)
		}
		if !ok {
			got = "no"
		}
		if got != c.want {
			t.Errorf("%s, then %s: %s, want %s", c.before, c.after, got, c.want)
		}
	}
}

func TestAConnectorApart(t *testing.T) {
	text := func(groups ...Group) string {
		got := ""
		for _, g := range groups {
			var names []string
			for _, s := range g.Stages {
				names = append(names, s.Kind+s.Alias+"@"+g.Digest)
			}
			got += fmt.Sprint(names)
		}
		return got
	}
	for _, c := range []struct{ stages, want, beside string }{
		{"source:@s transform:a@s key_converter:@s", "[source@s][transforma@s key_converter@s]",
			"[transforma@s key_converter@s]"},
		{"source:@s transform:a@s transform:b@1 key_converter:@s", "[source@s][transforma@s]",
			"[transforma@s][transformb@1][key_converter@s]"},
		{"key_converter:@s transform:a@1 transform:b@1 sink:@1", "[sink@1][transforma@1 transformb@1]",
			"[key_converter@s][transforma@1 transformb@1]"},
		{"source:@s", "[source@s][]", ""},
	} {
		all := stages(c.stages)
		groups := Groups(all, false)
		own := groups[0]
		if last := groups[len(groups)-1]; last.EndsInSink() {
			own = last
		}
		connector, others := own.Apart()
		if got := text(connector, others); got != c.want {
			t.Errorf("%s: apart %s, want %s", c.stages, got, c.want)
		}
		if got := text(AllBeside(all)...); got != c.beside {
			t.Errorf("%s: beside %s, want %s", c.stages, got, c.beside)
		}
		if own.CanGoAlone() {
			t.Errorf("%s: it goes alone", c.stages)
		}
		for i := range own.Stages {
			own.Stages[i].Found.GoesAlone = own.Stages[i].IsConnector()
		}
		if !own.CanGoAlone() {
			t.Errorf("%s: it does not go alone", c.stages)
		}
	}
	if got := AllBeside(nil); got != nil {
		t.Errorf("beside nothing: %v", got)
	}
}

func TestChanges(t *testing.T) {
	before := stages("source:@s predicate:p@1 transform:a@1 predicate:p@1 transform:b@1 transform:gone@1 " +
		"key_converter:@s")
	after := stages("source:@t predicate:p@2 transform:a@2 predicate:p@2 transform:b@1 transform:new@1 " +
		"key_converter:@t")
	got := ""
	for _, c := range Changes(before, after) {
		got += c.Stage
		if c.Old != nil {
			got += " from " + c.Old.Version
		}
		if c.New != nil {
			got += " to " + c.New.Digest
		}
		got += "; "
	}
	const want = "predicates.p from 1 to 2; transforms.a from 1 to 2; transforms.gone from 1; " +
		"key.converter from s to t; transforms.new to 1; "
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	other := SameStages(stages("source:@s"), stages("source:@t")) // connectors are not compared
	if !SameStages(before, before) || SameStages(before, after) || !other {
		t.Error("what is the same is told wrong")
	}
}
