// Package disputed reads the texts that say which recorded answers of Kafka Connect Berth does not give, and why.
package disputed

import (
	"fmt"
	"os"
	"regexp"
)

// Names are what stands in backquotes in the text of a file and has the form, a regular expression, of a name. An empty
// path names a text without any.
func Names(path, form string) (map[string]bool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read what is disputed: %w", err)
	}
	names := map[string]bool{}
	for _, name := range regexp.MustCompile("`("+form+")`").FindAllSubmatch(text, -1) {
		names[string(name[1])] = true
	}
	return names, nil
}
