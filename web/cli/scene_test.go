package cli

import (
	"strings"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka"
)

func TestSceneSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"dance": `no scene "dance"; it is upload, swap or amok`, "swap -swaps 0": "-swaps 0: it must be 1 or more",
		"amok -rate -5": "-rate -5: it must be 1 or more",
	} {
		if err := program().runScene(strings.Fields(args), t.Output()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// What would disprove the scene of swaps is found in the topic.
func TestSwapProofFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ records, problem string }{
		"as it should be":      {"0 1 0/1.0.0|0 1 1/1.0.0|1 2 0/1.0.0|2 3 0/2.0.0|1 2 1/1.0.0", ""},
		"lost":                 {"0 1 0/1.0.0|2 3 0/2.0.0", "number 1 of task 0 is due"},
		"twice":                {"0 1 0/1.0.0|0 1 0/1.0.0", "number 1 of task 0 is due"},
		"out of order":         {"1 1 0/1.0.0", "number 0 of task 0 is due"},
		"new version too soon": {"0 1 0/1.0.0|1 2 0/2.0.0", "the log names version 1.0.0"},
		"old version too long": {"0 1 0/1.0.0|1 2 0/1.0.0|2 3 0/1.0.0", "the log names version 2.0.0"},
		"state lost":           {"0 1 0/1.0.0|1 2 0/1.0.0|2 1 0/2.0.0", "it was to be counted as 3"},
		"not stamped":          {"0 anchor", "is not stamped"},
		"empty":                {" ", "is not stamped"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newSwapProof("1.0.0")
			p.log["0"] = []versionFrom{{1, "2.0.0"}}
			for record := range strings.SplitSeq(c.records, "|") {
				if p.add(kafka.TopicRecord{Value: []byte(record)}); p.problem != nil {
					break
				}
			}
			if c.problem == "" && p.problem == nil {
				return
			}
			if p.problem == nil || !strings.Contains(p.problem.Error(), c.problem) || c.problem == "" {
				t.Errorf("problem %v, want %q", p.problem, c.problem)
			}
		})
	}
}

func TestUploadProofFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ records, problem string }{
		"as it should be": {"0 a|1 b|uploaded->2 c|uploaded->3 d", ""},
		"lost":            {"0 a|uploaded->2 c", "number 1 is due"},
		"twice":           {"0 a|uploaded->0 a", "number 1 is due"},
		"past the plugin": {"0 a|uploaded->1 b|2 c", "has not passed the plugin"},
	} {
		t.Run(name, func(t *testing.T) {
			var seen uploadSeen
			for record := range strings.SplitSeq(c.records, "|") {
				if !seen.add(kafka.TopicRecord{Value: []byte(record)}) {
					break
				}
			}
			if (seen.problem == nil) != (c.problem == "") ||
				seen.problem != nil && !strings.Contains(seen.problem.Error(), c.problem) {
				t.Errorf("problem %v, want %q", seen.problem, c.problem)
			}
		})
	}
}
