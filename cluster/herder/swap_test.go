package herder

import (
	"testing"

	"github.com/berth-connect/berth/host"
)

func TestCompareTellsWhatHasToBeMadeAnew(t *testing.T) {
	base := func(pairs ...string) host.Config {
		config := host.Config{}
		for i := 0; i < len(pairs); i += 2 {
			config[pairs[i]] = &pairs[i+1]
		}
		return config
	}
	cases := []struct {
		a, b host.Config
		want difference
	}{
		{nil, nil, nothingDiffers},
		{base("topic", "t"), base("topic", "t"), nothingDiffers},
		{base(), base("transforms.a.plugin.version", "2"), versionsDiffer},
		{base("predicates.a.plugin.version", "1"), base("predicates.a.plugin.version", "2"), versionsDiffer},
		{base("key.converter.plugin.version", "1"), base("header.converter.plugin.version", "1"), versionsDiffer},
		{base("transforms.a.plugin.version", "1", "transforms.a.field", "x"), base(), stagesDiffer},
		{base("transforms", "a"), base("transforms", "b,a"), stagesDiffer},
		{base("value.converter", "A"), base("value.converter", "B"), stagesDiffer},
		{base("transforms.a.x", ""), host.Config{"transforms.a.x": nil}, stagesDiffer},
		{base("connector.plugin.version", "1"), base("connector.plugin.version", "2"), restDiffers},
		{base("transformations", "a"), base(), restDiffers},
		{base("transforms.a.x", "1", "topic", "t"), base("transforms.a.x", "2", "topic", "u"), restDiffers},
		{base("errors.tolerance", "all"), base(), restDiffers},
	}
	for _, c := range cases {
		if got, back := compare(c.a, c.b), compare(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("%v and %v: %d, the other way round %d, want %d", c.a, c.b, got, back, c.want)
		}
	}
}

func TestCheckStage(t *testing.T) {
	text := func(s string) *string { return &s }
	config := host.Config{"transforms": text("a, b.c"), "value.converter": text("V")}
	for stage, there := range map[string]bool{"transforms.a": true, "transforms.b.c": true, "transforms.b": false,
		"predicates.a": false, "value.converter": true, "key.converter": false, "transforms": false} {
		if err := checkStage("c", config, stage); (err == nil) != there {
			t.Errorf("%s: %v", stage, err)
		}
	}
}
