package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// connector gives each task its whole configuration, with the name of connector and task.
type connector struct {
	configurable bool // num.tasks counts, errors can be injected
	config       map[string]*string
	handle       handle
}

func (c *connector) Start(ctx context.Context, config guest.Config) error {
	c.config, c.handle = config.All, handleOf(ctx, config.All)
	c.handle.tell("connector-start", "")
	if c.configurable {
		return inject(c.config, "connector.start.inject.error", "Injecting errors during connector start")
	}
	return nil
}

// Watch keeps the connector's instance until it is stopped, as Connect keeps connectors.
func (c *connector) Watch(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return nil
}

func (c *connector) Close() error {
	c.handle.tell("connector-stop", "")
	return nil
}

func (c *connector) TaskConfigs(_ context.Context, most int) ([]map[string]*string, error) {
	if number := text(c.config, "num.tasks", ""); c.configurable && number != "" {
		var err error
		if most, err = strconv.Atoi(number); err != nil {
			return nil, fmt.Errorf("num.tasks: %w", err)
		}
	}
	name := text(c.config, "name", "")
	configs := make([]map[string]*string, most)
	for i := range configs {
		task := fmt.Sprintf("%s-%d", name, i)
		configs[i] = map[string]*string{}
		for key, value := range c.config {
			configs[i][key] = value
		}
		configs[i]["connector.name"], configs[i]["task.id"] = &name, &task
	}
	return configs, nil
}

// emptyConfigsConnector has as many tasks as it may, without configurations of their own.
type emptyConfigsConnector struct{}

func (emptyConfigsConnector) Start(context.Context, guest.Config) error { return nil }

func (emptyConfigsConnector) TaskConfigs(_ context.Context, most int) ([]map[string]*string, error) {
	return make([]map[string]*string, most), nil
}

func alterOffsets(_ context.Context, config map[string]*string, _ []guest.AlteredOffset) (bool, error) {
	return isTrue(config, "alter.offsets.result"), nil
}

func exactlyOnce(config map[string]*string) (guest.Support, error) {
	switch strings.ToLower(text(config, "custom.exactly.once.support", "null")) {
	case "supported":
		return guest.Supported, nil
	case "unsupported":
		return guest.Unsupported, nil
	case "fail":
		return guest.Unsaid, errors.New("oops")
	}
	return guest.Unsaid, nil
}

func boundaries(config map[string]*string) (guest.Support, error) {
	switch strings.ToLower(text(config, "custom.transaction.boundaries", "unsupported")) {
	case "supported":
		return guest.Supported, nil
	case "fail":
		return guest.Unsaid, errors.New("oh no :(")
	case "null":
		return guest.Unsaid, nil
	}
	return guest.Unsupported, nil
}

// inject fails if the key says true.
func inject(config map[string]*string, key, message string) error {
	if isTrue(config, key) {
		return errors.New(message)
	}
	return nil
}

func isTrue(config map[string]*string, key string) bool {
	return strings.EqualFold(text(config, key, "false"), "true")
}

func text(config map[string]*string, key, preset string) string {
	if v := config[key]; v != nil {
		return *v
	}
	return preset
}
