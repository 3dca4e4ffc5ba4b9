package plugin

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

func TestTopicNeedsAreRead(t *testing.T) {
	for _, c := range []struct {
		kind, says string
		needs      []string
	}{
		{abi.KindSource, "", []string{"write:a.*", "write:b"}},
		{abi.KindSink, "", []string{"read:*"}},
		{abi.KindSink, `"write:a", but sources write and sinks read`, []string{"read:a", "write:a"}},
		{abi.KindSource, `"a", which must be read:PATTERN or write:PATTERN`, []string{"a"}},
		{abi.KindSource, `"write:", which must be`, []string{"write:"}},
		{abi.KindSource, "65 patterns; at most 64", slices.Repeat([]string{"write:a"}, 65)},
		{abi.KindTransform, "connectors alone", []string{"write:a"}},
	} {
		err := checkNeeds("m", abi.Plugin{Class: "x.Y", Kind: c.kind, Capabilities: []string{abi.CapabilityTopics},
			Needs: abi.Needs{abi.CapabilityTopics: c.needs}})
		switch {
		case c.says == "" && err == nil:
		case c.says != "" && errors.Is(err, host.ErrBadRequest) && strings.Contains(err.Error(), c.says):
		default:
			t.Errorf("%s needs %q: %v, want %q", c.kind, c.needs, err, c.says)
		}
	}
}

func TestMissingTopics(t *testing.T) {
	needs := []string{"write:a.in*", "write:b.*", "write:*"}
	for granted, want := range map[string]string{"": "write:a.in* write:b.* write:*", "a.*": "write:b.*",
		"*.x": "", "c": "write:a.in* write:b.*"} {
		var patterns []string
		if granted != "" {
			patterns = append(patterns, granted)
		}
		if got := strings.Join(missingTopics(patterns, needs), " "); got != want {
			t.Errorf("of %q there is missing %q, want %q", granted, got, want)
		}
	}
}
