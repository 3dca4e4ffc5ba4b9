package configprovider

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/berth-connect/berth/host"
)

// directory reads a file for each key, as secrets are mounted: ${directory:/path:name} (DirectoryConfigProvider).
type directory struct{ allowed allowedPaths }

// NewDirectory makes a provider of folders with a file for each value. Parameter: allowed.paths. Error:
// *abi.ConfigError.
func NewDirectory(parameters host.Config) (Provider, error) {
	allowed, err := parseAllowedPaths(parameters)
	return directory{allowed}, err
}

// Get reads files of the folder, not of those below. A path that is no folder, or not allowed, has no values.
func (d directory) Get(path string, keys []string) (Data, error) {
	allowed, ok := d.allowed.resolve(path)
	if path == "" || !ok {
		return noData(), nil
	}
	entries, err := os.ReadDir(allowed)
	if err != nil {
		return noData(), nil
	}
	values := map[string]string{}
	for _, entry := range entries {
		name := entry.Name()
		if keys != nil && !slices.Contains(keys, name) {
			continue
		}
		at := filepath.Join(allowed, name)
		if info, err := os.Stat(at); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if values[name], err = readText(at); err != nil {
			return Data{}, refused("Could not read file " + at + " for property " + name)
		}
	}
	return Data{values, -1}, nil
}
