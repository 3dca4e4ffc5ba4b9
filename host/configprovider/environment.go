package configprovider

import (
	"regexp"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// environment has the worker's environment variables: ${env:NAME} (EnvVarConfigProvider).
type environment struct{ variables map[string]string }

const keyAllowlist = "allowlist.pattern"

// NewEnvironment makes a provider of variables, each NAME=value. Parameter: allowlist.pattern, a regular expression
// that the whole name must match. Error: *abi.ConfigError.
func NewEnvironment(parameters host.Config, variables []string) (Provider, error) {
	allowed := regexp.MustCompile("")
	if pattern := parameters[keyAllowlist]; pattern != nil {
		var err error
		if allowed, err = regexp.Compile(`\A(?:` + *pattern + `)\z`); err != nil {
			return nil, &abi.ConfigError{Key: keyAllowlist, Class: "java.util.regex.PatternSyntaxException",
				Message: "Invalid value " + *pattern + " for configuration " + keyAllowlist + ": " + err.Error()}
		}
	}
	e := environment{map[string]string{}}
	for _, variable := range variables {
		if name, value, ok := strings.Cut(variable, "="); ok && allowed.MatchString(name) {
			e.variables[name] = value
		}
	}
	return e, nil
}

// Get has values under the empty path only.
func (e environment) Get(path string, keys []string) (Data, error) {
	if path != "" {
		return Data{}, refused("Path is not supported for EnvVarConfigProvider, invalid value '" + path + "'")
	}
	return chosen(e.variables, keys), nil
}
