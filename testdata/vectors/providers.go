package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/configprovider"
)

// directoryMark stands in the vectors for the folder that their files lie in.
const directoryMark = "@DIR@"

// playProviders plays config-transformer.jsonl.
func playProviders(v *vector) (any, error) {
	if v.text("op") == "keysWithVariableValues" {
		return object{"keys": texts(configprovider.KeysWithReferences(configOf(v.members["config"])))}, nil
	}
	dir, err := writeFiles(v)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	answer, err := answerOfProviders(withDirectory(v.members, directoryMark, dir).(object))
	return withDirectory(answer, dir, directoryMark), err
}

// writeFiles writes the files of a vector into a fresh folder.
func writeFiles(v *vector) (string, error) {
	dir, err := os.MkdirTemp("", "berth-vectors")
	if err != nil {
		return "", err
	}
	files, _ := v.members["files"].(object)
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return dir, err
		}
		if err := os.WriteFile(path, []byte(textOf(text)), 0o600); err != nil {
			return dir, err
		}
	}
	return dir, nil
}

// withDirectory replaces a text in all texts.
func withDirectory(x any, old, by string) any {
	switch x := x.(type) {
	case string:
		return strings.ReplaceAll(x, old, by)
	case list:
		return mapped(x, func(item any) any { return withDirectory(item, old, by) })
	case object:
		changed := object{}
		for name, member := range x {
			changed[name] = withDirectory(member, old, by)
		}
		return changed
	}
	return x
}

func answerOfProviders(v object) (any, error) {
	declared, _ := v["providers"].(object)
	providers := map[string]configprovider.Provider{}
	for name, settings := range declared {
		provider, err := newProvider(settings.(object))
		if err != nil {
			return raisedAt("configure", err)
		}
		providers[name] = provider
	}
	if v["op"] == "get" {
		return get(v, providers)
	}
	resolved, err := configprovider.NewTransformer(providers).Transform(configOf(v["config"]))
	if err != nil {
		return raisedAt("", err)
	}
	ttls := object{}
	for path, ttl := range resolved.TTLs {
		ttls[path] = fmt.Sprint(ttl.Milliseconds())
	}
	return object{"data": members(resolved.Config), "ttls": ttls}, nil
}

// get asks the only provider.
func get(v object, providers map[string]configprovider.Provider) (any, error) {
	var keys []string
	if asked, ok := v["keys"].(list); ok {
		for _, key := range asked {
			keys = append(keys, textOf(key))
		}
	}
	for _, provider := range providers {
		data, err := provider.Get(textOf(v["path"]), keys)
		if err != nil {
			return raisedAt("", err)
		}
		values := object{}
		for key, value := range data.Values {
			values[key] = value
		}
		return object{"data": values}, nil
	}
	return nil, unplayable("no provider")
}

func members(config host.Config) object {
	all := object{}
	for key, value := range config {
		if value != nil {
			all[key] = *value
		}
	}
	return all
}

func newProvider(settings object) (configprovider.Provider, error) {
	parameters := configOf(settings["config"])
	switch settings["kind"] {
	case "map":
		return newRecorded(settings), nil
	case "file":
		return configprovider.NewFile(parameters)
	case "directory":
		return configprovider.NewDirectory(parameters)
	case "env":
		var environment []string
		variables, _ := settings["env"].(object)
		for name, value := range variables {
			environment = append(environment, name+"="+textOf(value))
		}
		return configprovider.NewEnvironment(parameters, environment)
	}
	return nil, unplayable(fmt.Sprintf("there is no provider of kind %v", settings["kind"]))
}

// recorded is the provider that was made for the recordings.
type recorded map[string]configprovider.Data

func newRecorded(settings object) recorded {
	r := recorded{}
	data, _ := settings["data"].(object)
	for path, values := range data {
		all := map[string]string{}
		for key, value := range values.(object) {
			all[key] = textOf(value)
		}
		r[path] = configprovider.Data{Values: all, TTL: -1}
	}
	ttls, _ := settings["ttl"].(object)
	for path, ttl := range ttls {
		millis, _ := integer(ttl, 64)
		r[path] = configprovider.Data{Values: r[path].Values, TTL: time.Duration(millis) * time.Millisecond}
	}
	return r
}

// Get implements configprovider.Provider.
func (r recorded) Get(path string, _ []string) (configprovider.Data, error) {
	data, ok := r[path]
	if !ok {
		data.TTL = -1
	}
	return data, nil
}

func raisedAt(phase string, err error) (any, error) {
	var wrong *abi.ConfigError
	if !errors.As(err, &wrong) {
		return nil, err
	}
	answer := configException(wrong)
	answer["error"].(object)["phase"] = phase
	return answer, nil
}
