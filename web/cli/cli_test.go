package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/modules"
)

// program is one with the sources and modules of this repository, and no worker.
func program() Program {
	text := "org.apache.kafka.connect.storage.StringConverter"
	p := Program{Sources: os.DirFS("../.."),
		Properties: map[string]string{"key.converter": text, "value.converter": text}}
	for _, m := range modules.All() {
		p.Bundle = append(p.Bundle, plugin.Bundled(m))
	}
	return p
}

// dispatch runs a command as berth does.
func dispatch(args []string, out io.Writer) error {
	commands := program().Commands()
	at := slices.IndexFunc(commands, func(c Command) bool { return c.Name == args[0] })
	if at < 0 {
		return fmt.Errorf("no command %q", args[0])
	}
	return commands[at].Run(args[1:], out)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}
