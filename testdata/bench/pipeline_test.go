package main

import "testing"

func TestChoosePipelines(t *testing.T) {
	for names, want := range map[string]int{"": len(pipelines), " ": len(pipelines), "P1": 1, " P6snk  P1 ": 2} {
		got, err := choosePipelines(names)
		if err != nil || len(got) != want {
			t.Errorf("%q: %v, %v", names, got, err)
		}
	}
	if got, err := choosePipelines("P6snk P1"); err != nil || got[0].name != "P6snk" {
		t.Errorf("%v, %v: the order asked for is kept", got, err)
	}
	if _, err := choosePipelines("P1 p2"); err == nil {
		t.Error("an unknown pipeline is left out silently")
	}
}
