package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestOptionsStandAnywhere(t *testing.T) {
	for _, args := range []string{"-lang rust source dir", "source -lang rust dir", "source dir -lang=rust"} {
		flags := NewFlags("plugin new", "", &bytes.Buffer{})
		language := flags.String("lang", "go", "")
		got, err := ParseFlags(flags, strings.Fields(args), 2, 2)
		if err != nil || *language != "rust" || strings.Join(got, " ") != "source dir" {
			t.Errorf("%s: %q, %s, %v", args, got, *language, err)
		}
	}
	for _, args := range []string{"", "a b c", "-none"} {
		if _, err := ParseFlags(NewFlags("x", "", &bytes.Buffer{}), strings.Fields(args), 1, 2); !errors.Is(err, ErrUsage) {
			t.Errorf("%q: got %v", args, err)
		}
	}
}
