package web

import (
	"context"
	"maps"
	"regexp"
	"strings"

	"github.com/berth-connect/berth/host"
)

// hiddenText stands for a value that the client may not see, as Connect prints passwords.
const hiddenText = "[hidden]"

// secretName matches keys whose values are secrets although no plugin says so.
var secretName = regexp.MustCompile(`(?i)(password|passphrase|secret|token|credential|jaas|private\.?key|api\.?key|` +
	`access\.?key|keystore\.key|truststore\.certificates|basic\.auth\.user\.info|connection\.(string|uri|url)|dsn$)`)

// references are all that a value consists of which shows no secret: where one is, not what it is.
var references = regexp.MustCompile(`^(\$\{[^}]*\})+$`)

// hidden is a value without what it says, unless it only says where that is.
func hidden(value string) string {
	if value == "" || references.MatchString(value) {
		return value
	}
	return hiddenText
}

// masked is a configuration for those who may look but not change: without passwords, by the definitions of the plugins
// that it names, and without what looks like one.
func (s space) masked(ctx context.Context, config host.Config) host.Config {
	if !s.masks || config == nil {
		return config
	}
	secrets, shown := map[string]bool{}, maps.Clone(config)
	unknown := s.passwords(ctx, config.Get("connector.class"), "", secrets)
	for key := range config {
		class, prefix := config.Get(key), ""
		switch begin, is := strings.CutSuffix(key, ".type"); {
		case is && (strings.HasPrefix(key, "transforms.") || strings.HasPrefix(key, "predicates.")):
			prefix = begin + "."
		case key == "key.converter" || key == "value.converter" || key == "header.converter":
			prefix = key + "."
		default:
			continue
		}
		s.passwords(ctx, class, prefix, secrets)
	}
	for key, value := range shown {
		if value != nil && (unknown && !plain[key] || secrets[key] || secretName.MatchString(key)) {
			text := hidden(*value)
			shown[key] = &text
		}
	}
	return shown
}

// plain are keys that show no secret whatever the plugin is.
var plain = map[string]bool{"name": true, "connector.class": true, "tasks.max": true, "topics": true,
	"task.class": true, "key.converter": true, "value.converter": true, "header.converter": true}

// passwords adds the keys that a plugin declares as passwords; true: there is no such plugin to say so.
func (s space) passwords(ctx context.Context, class, prefix string, secrets map[string]bool) (unknown bool) {
	keys, err := s.all.PluginConfig(ctx, s.tenant, class, "")
	for _, key := range keys {
		if key.Type == "PASSWORD" {
			secrets[prefix+key.Name] = true
		}
	}
	return err != nil
}

// maskedTask is masked for a task's configuration, in which its connector's class need not stand.
func (s space) maskedTask(ctx context.Context, connector, task host.Config) host.Config {
	if !s.masks {
		return task
	}
	whole := host.Config{}
	maps.Copy(whole, connector)
	maps.Copy(whole, task)
	shown := s.masked(ctx, whole)
	maps.DeleteFunc(shown, func(key string, _ *string) bool { _, own := task[key]; return !own })
	return shown
}
