package cli

import (
	"fmt"
	"os"

	"github.com/magiconair/properties"
)

// ReadProperties reads a .properties file as Java does: Latin-1 with \u escapes. ${…} is left for config providers.
func ReadProperties(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	loader := properties.Loader{Encoding: properties.ISO_8859_1, DisableExpansion: true}
	loaded, err := loader.LoadBytes(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return loaded.Map(), nil
}
