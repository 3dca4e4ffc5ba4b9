package e2e

import (
	"os/exec"
	"regexp"
	"testing"
)

// Each scene of the README, as its reader runs it, but shorter.
func TestScenesOfTheReadme(t *testing.T) {
	for _, c := range []struct {
		args []string
		says []string // regular expressions, each of which a line matches
	}{
		{[]string{"upload", "-rate", "500"}, []string{`before +"\d+ `, `first +"uploaded->\d+ `,
			`proof +\d+ records of before and 500 through the plugin: numbers 0 to \d+, none lost, none twice`}},
		{[]string{"swap", "-rate", "2000", "-swaps", "6"}, []string{`swaps +6 in .*no task was started anew`,
			`pause +p50 .*\(of 12\)`, `records +\d+: the numbers 0 to \d+ of task 0, .*; 0 lost, 0 twice`,
			`versions +\d+ by 1\.0\.0, \d+ by 2\.0\.0, in \d+ turns; 0 by another`}},
		{[]string{"amok", "-rate", "500", "-seconds", "2"}, []string{`loop .*limit cpu-per-batch \(500ms\)`,
			`memory .*limit memory-per`, `panic .*exit code 2`, `together +\d+ instances ended.*over its quota`,
			`REST +p50 .*none failed`, `neighbour +\d+ records/s before, \d+ meanwhile`,
			`proof .*in order; 0 lost, 0 twice`}},
	} {
		t.Run(c.args[0], func(t *testing.T) {
			said, err := exec.Command(buildBerth(t), append([]string{"scene"}, c.args...)...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v:\n%s", err, said)
			}
			t.Logf("\n%s", said)
			for _, pattern := range c.says {
				if !regexp.MustCompile(pattern).Match(said) {
					t.Errorf("no line is like %s", pattern)
				}
			}
		})
	}
}
