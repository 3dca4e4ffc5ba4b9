// Package secrets keeps values from guests: a configuration refers to one as ${secret:NAME}, a guest gets a handle in
// its place, and package network puts the value where the guest has written the handle, on connections to the hosts
// that the operator has bound the secret to.
package secrets

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
)

const providers = "config.providers"

// Property lists the names of the secrets; Property + ".NAME." begins what each is.
const Property = "berth.secrets"

const (
	// handleMin is the shortest handle, in characters: what a guest writes by chance is none.
	handleMin = 24
	// valueMax bounds a secret, in bytes.
	valueMax = 8 << 10
)

// reference is how a configuration names a secret, also amid other text.
var reference = regexp.MustCompile(`\$\{secret:([^}]*)\}`)

// Store has the secrets of a worker; nil has none. It is safe for concurrent use.
type Store struct{ secrets map[string]secret }

type secret struct {
	network.Secret
	tenants []string // whose connectors may use it; "" is the default tenant
}

// FromProperties reads berth.secrets: its names, and of each value, hosts (as berth.allow.net has them), plain, roots
// (a PEM file) and tenants. Handles are made anew: they are good as long as the store. Error: *abi.ConfigError, which
// never has a value in it.
func FromProperties(properties host.Config) (*Store, error) {
	s := &Store{secrets: map[string]secret{}}
	if slices.Contains(list(properties, providers), "secret") {
		return nil, invalid(providers, "secret", "a configuration provider can't have the name secret, which "+Property+
			" gives to handles")
	}
	for _, name := range list(properties, Property) {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return nil, invalid(Property, name, "a name of a secret has letters, digits, - and _ only")
		}
		made, err := parse(properties, name)
		if err != nil {
			return nil, err
		}
		s.secrets[name] = made
	}
	return s, nil
}

func parse(properties host.Config, name string) (secret, error) {
	prefix := Property + "." + name + "."
	s := secret{tenants: list(properties, prefix+"tenants")}
	s.Name, s.Value = name, properties.Get(prefix+"value")
	if s.Value == "" || len(s.Value) > valueMax {
		return s, invalid(prefix+"value", fmt.Sprintf("of %d bytes", len(s.Value)),
			fmt.Sprintf("it must have 1 to %d, best by a reference such as ${file:/run/secrets/x.properties:token}", valueMax))
	}
	hosts := list(properties, prefix+"hosts")
	if len(hosts) == 0 {
		return s, invalid(prefix+"hosts", "", "it must list the hosts that the secret may be sent to; "+network.Rule)
	}
	var err error
	if s.Hosts, err = network.ParsePolicyOf(prefix+"hosts", hosts); err != nil {
		return s, &abi.ConfigError{Key: prefix + "hosts", Message: err.Error()}
	}
	switch plain := properties.Get(prefix + "plain"); strings.ToLower(plain) {
	case "", "false":
	case "true":
		s.Plain = true
	default:
		return s, invalid(prefix+"plain", plain, "it must be true or false")
	}
	for _, tenant := range s.tenants {
		if !host.ValidTenant(tenant) {
			return s, invalid(prefix+"tenants", tenant, "it must list names of tenants")
		}
	}
	if file := properties.Get(prefix + "roots"); file != "" {
		if s.Roots, err = readRoots(file); err != nil {
			return s, invalid(prefix+"roots", file, err.Error())
		}
	}
	s.Handle = newHandle(len(s.Value))
	return s, nil
}

func readRoots(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the file holds no certificate in PEM form")
	}
	return roots, nil
}

// newHandle makes a handle that is as long as the value, so that lengths which a guest tells in advance
// (Content-Length, MQTT, AMQP, Redis) stay right; a short value has a longer one.
func newHandle(length int) string {
	handle := abi.SecretMark
	for len(handle) < max(length, handleMin) {
		handle += rand.Text()
	}
	return handle[:max(length, handleMin)]
}

func invalid(key, value, problem string) error {
	return &abi.ConfigError{Key: key,
		Message: fmt.Sprintf("Invalid value %s for configuration %s: %s", value, key, problem)}
}

func list(properties host.Config, key string) []string {
	var items []string
	for item := range strings.SplitSeq(properties.Get(key), ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// Names lists the secrets.
func (s *Store) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.secrets))
}

// Hide puts handles in the place of references in a plugin's configuration, and returns the secrets whose handles
// these are. tenant is the connector's. A connector's configuration holds those of its transformations, too:
// references in keys that are not the plugin's stay what they are. Error: *abi.ConfigError, about a key of the plugin
// that it takes no secret in, or a secret that there is not.
func (s *Store) Hide(tenant string, p abi.Plugin, config map[string]*string) (map[string]*string, []network.Secret,
	error) {
	var used []network.Secret
	hidden := config
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if config[key] == nil || !reference.MatchString(*config[key]) {
			continue
		}
		if problem := refusal(p, key); problem != "" {
			if p.Config.Key(key) == nil {
				continue
			}
			return nil, nil, invalid(key, *config[key], problem)
		}
		text, secrets, err := s.hide(tenant, key, *config[key])
		if err != nil {
			return nil, nil, err
		}
		if len(used) == 0 {
			hidden = maps.Clone(config)
		}
		hidden[key], used = &text, append(used, secrets...)
	}
	return hidden, used, nil
}

// refusal is why a plugin takes no secret in a key; "": it does.
func refusal(p abi.Plugin, key string) string {
	if !slices.Contains(p.Capabilities, abi.CapabilitySecrets) {
		return "the manifest of " + p.Class + " does not ask for the capability secrets, so it would have no use for a " +
			"handle; take a configuration provider such as ${file:…} if the plugin may see the value"
	}
	needs, narrow := p.Needs[abi.CapabilitySecrets]
	switch {
	case !narrow && p.Config.Key(key) == nil:
		return p.Class + " does not know the key"
	case narrow && !slices.ContainsFunc(needs, func(need string) bool { return keyMatches(need, key) }):
		return p.Class + " takes secrets in " + strings.Join(needs, ", ") + " alone"
	}
	return ""
}

// keyMatches: a need is a key, or, with * at its end, what keys begin with.
func keyMatches(need, key string) bool {
	prefix, many := strings.CutSuffix(need, "*")
	return need == key || many && strings.HasPrefix(key, prefix)
}

func (s *Store) hide(tenant, key, value string) (text string, used []network.Secret, err error) {
	text = value
	for _, match := range reference.FindAllStringSubmatch(value, -1) {
		found, err := s.find(tenant, key, value, match[1])
		if err != nil {
			return "", nil, err
		}
		used = append(used, found)
		text = strings.ReplaceAll(text, match[0], found.Handle)
	}
	return text, used, nil
}

// find does not tell a tenant which secrets others have.
func (s *Store) find(tenant, key, value, name string) (network.Secret, error) {
	if s != nil {
		found, has := s.secrets[name]
		if has && (slices.Contains(found.tenants, tenant) || tenant == "" && len(found.tenants) == 0) {
			return found.Secret, nil
		}
	}
	problem := fmt.Sprintf("there is no secret %q; the worker's %s must list it", name, Property)
	if tenant != "" {
		problem = fmt.Sprintf("tenant %s has no secret %q; the worker's %s.NAME.tenants must list the tenant", tenant, name,
			Property)
	}
	return network.Secret{}, invalid(key, value, problem)
}

// Restore puts references in the place of handles, so that what a guest made of its configuration can be stored.
func (s *Store) Restore(configs []host.Config) {
	if s == nil || len(s.secrets) == 0 {
		return
	}
	var pairs []string
	for _, name := range s.Names() {
		pairs = append(pairs, s.secrets[name].Handle, "${secret:"+name+"}")
	}
	references := strings.NewReplacer(pairs...)
	for _, config := range configs {
		for key, value := range config {
			if value != nil && strings.Contains(*value, abi.SecretMark) {
				text := references.Replace(*value)
				config[key] = &text
			}
		}
	}
}
