package guests

import (
	"regexp"
	"strings"
	"testing"
)

// Every template of text/ is a module that assembles.
func TestTextAssembles(t *testing.T) {
	for _, file := range []string{"compute", "memory", "calls", "puppet"} {
		source, err := text.ReadFile("text/" + file + ".wat")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\{\{ define "(\w+)" \}\}`).FindAllSubmatch(source, -1) {
			if how := string(m[1]); how != "expect" && !strings.HasSuffix(how, "imports") {
				Text{How: how, Step: "batch", Kind: "sink"}.Build(t)
			}
		}
	}
}
