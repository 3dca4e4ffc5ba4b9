package configprovider

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/magiconair/properties"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// file reads .properties files: ${file:/path/of.properties:key} (FileConfigProvider).
type file struct{ allowed allowedPaths }

// NewFile makes a provider of properties files. Parameter: allowed.paths. Error: *abi.ConfigError.
func NewFile(parameters host.Config) (Provider, error) {
	allowed, err := parseAllowedPaths(parameters)
	return file{allowed}, err
}

// Get reads the file anew each time, so that a restart sees what has changed. Files are UTF-8. A path that is not
// allowed has no values: the reference stays, and the connector's own check tells.
func (f file) Get(path string, keys []string) (Data, error) {
	allowed, ok := f.allowed.resolve(path)
	if path == "" || !ok {
		return noData(), nil
	}
	text, err := readText(allowed)
	if err != nil {
		return Data{}, refused("Could not read properties from file " + path)
	}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	loaded, err := loader.LoadBytes([]byte(text))
	if err != nil {
		return Data{}, &abi.ConfigError{Class: "java.lang.IllegalArgumentException",
			Message: fmt.Sprintf("Malformed properties in file %s: %v", path, err)}
	}
	return chosen(loaded.Map(), keys), nil
}

// fileBytesMax bounds a file of values: whoever may post a connector may name any file, so one that never ends must not
// end the worker.
const fileBytesMax = 1 << 20

// readText reads a regular file.
func readText(path string) (string, error) {
	opened, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", path)
	}
	text, err := io.ReadAll(io.LimitReader(opened, fileBytesMax+1))
	if err == nil && len(text) > fileBytesMax {
		err = fmt.Errorf("%s has more than %d bytes", path, fileBytesMax)
	}
	return strings.ToValidUTF8(string(text), "\uFFFD"), err
}

func noData() Data { return Data{TTL: -1} }

// chosen is the values of some keys; nil keys are all.
func chosen(values map[string]string, keys []string) Data {
	if keys == nil {
		return Data{values, -1}
	}
	some := map[string]string{}
	for _, key := range keys {
		if value, ok := values[key]; ok {
			some[key] = value
		}
	}
	return Data{some, -1}
}
