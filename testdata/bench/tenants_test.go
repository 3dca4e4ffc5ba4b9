package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckNumbersFindsWhatIsMissing(t *testing.T) {
	whole := func() [][]byte {
		var lines [][]byte
		for i := range tenantRecords {
			lines = append(lines, fmt.Appendf(nil, "%d anchor", i))
		}
		return lines
	}
	for name, c := range map[string]struct {
		change func(lines [][]byte) [][]byte
		says   string
	}{
		"whole":        {func(l [][]byte) [][]byte { return l }, ""},
		"one twice":    {func(l [][]byte) [][]byte { return append(l, l[len(l)-1]) }, "lines of"},
		"one missing":  {func(l [][]byte) [][]byte { return append(l[:3], l[4:]...) }, "lines of"},
		"one changed":  {func(l [][]byte) [][]byte { l[7] = []byte("70 anchor"); return l }, `line 7 is "70 anchor"`},
		"out of order": {func(l [][]byte) [][]byte { l[1], l[2] = l[2], l[1]; return l }, "line 1 is"},
	} {
		err := checkNumbers(c.change(whole()))
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
