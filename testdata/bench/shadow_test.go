package main

import (
	"strings"
	"testing"
)

func TestShadowRowsAreHeldAgainstBothLiveColumns(t *testing.T) {
	table := &grid{columns: append(append([]string{}, shadowSystems...), "shadow ÷ live")}
	setRow(table, "rate", "%.0f", [][]float64{{1000, 2000, 3000}, {2000, 2000, 5000}, {1000, 1000, 9000}}, 1000)
	if got := table.String(); !strings.Contains(got, "| rate | 2 | 2 | 1 | 0.50 |") {
		t.Error(got)
	}
}

func TestShadowedTransformationsAreInTheirPipelines(t *testing.T) {
	for _, s := range shadowed {
		chosen, err := choosePipelines(s.pipeline)
		if err != nil {
			t.Fatal(err)
		}
		config := chosen[0].config
		if config["transforms"] != s.alias || config["transforms."+s.alias+"."+s.key] != s.value {
			t.Errorf("%s has no transformation %s alone whose %s is %s: %v", s.pipeline, s.alias, s.key, s.value, config)
		}
	}
}
