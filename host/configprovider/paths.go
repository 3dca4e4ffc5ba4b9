package configprovider

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// allowedPaths bounds what a provider reads to some folders and files (AllowedPaths); nil bounds nothing.
type allowedPaths []string

const keyAllowedPaths = "allowed.paths"

// parseAllowedPaths reads the provider's parameter allowed.paths: absolute paths that exist, with commas between.
func parseAllowedPaths(parameters host.Config) (allowedPaths, error) {
	list := parameters.Get(keyAllowedPaths)
	if list == "" {
		return nil, nil
	}
	allowed := allowedPaths{}
	for path := range strings.SplitSeq(list, ",") {
		path = filepath.Clean(path)
		if !filepath.IsAbs(path) {
			return nil, refused("Path " + path + " is not absolute")
		}
		if _, err := os.Stat(path); err != nil {
			return nil, refused("Path " + path + " does not exist")
		}
		allowed = append(allowed, path)
	}
	return allowed, nil
}

// resolve returns the path to read; ok is false for one that is not allowed.
func (a allowedPaths) resolve(path string) (clean string, ok bool) {
	if a == nil {
		return path, true
	}
	clean = filepath.Clean(path)
	for _, allowed := range a {
		rest, isUnder := strings.CutPrefix(clean, allowed)
		if isUnder && (rest == "" || rest[0] == filepath.Separator || strings.HasSuffix(allowed, "/")) {
			return clean, true
		}
	}
	return "", false
}

func refused(message string) error { return &abi.ConfigError{Message: message} }
