package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// act fails or hangs if how says so. A hang does not end when it is asked to, as a plugin's own would not.
func act(what, how string) error {
	switch how {
	case "throw":
		return errors.New(what + " failed on purpose")
	case "hang":
		time.Sleep(time.Hour)
	}
	return nil
}

func text(config map[string]*string, key, preset string) string {
	if v := config[key]; v != nil {
		return *v
	}
	return preset
}

func validate(_ context.Context, config map[string]*string) ([]abi.KeyValidation, error) {
	switch how := text(config, "connector.validate", "ok"); how {
	case "null":
		return nil, guest.WithClass(errors.New(text(config, "connector.class", "")+
			".validate() must return a Config that is not null."),
			"org.apache.kafka.connect.runtime.rest.errors.BadRequestException")
	case "reject":
		return []abi.KeyValidation{{Name: "connector.validate", Value: &how, Errors: []string{"rejected on purpose"},
			Visible: true}}, nil
	default:
		return nil, act("validate", how)
	}
}

func alterOffsets(_ context.Context, config map[string]*string, _ []guest.AlteredOffset) (bool, error) {
	how := text(config, "connector.alter", "unsupported")
	if how == "unsupported" {
		return false, guest.ErrAlterUnsupported
	}
	return how == "true", act("alterOffsets", how)
}

func exactlyOnce(config map[string]*string) (guest.Support, error) {
	return support("exactlyOnceSupport", text(config, "eos", "null"), guest.Unsaid)
}

func boundaries(config map[string]*string) (guest.Support, error) {
	return support("canDefineTransactionBoundaries", text(config, "boundaries", "unsupported"), guest.Unsupported)
}

func support(method, how string, other guest.Support) (guest.Support, error) {
	switch how {
	case "supported":
		return guest.Supported, nil
	case "unsupported":
		return guest.Unsupported, nil
	case "null":
		return guest.Unsaid, nil
	}
	return other, act(method, how)
}

// connector is that of TestSource and TestSink.
type connector struct{ config map[string]*string }

func (c *connector) Start(_ context.Context, config guest.Config) error {
	c.config = config.All
	return act("start", text(c.config, "connector.start", "ok"))
}

func (c *connector) TaskConfigs(_ context.Context, most int) ([]map[string]*string, error) {
	switch how := text(c.config, "connector.tasks", "ok"); how {
	case "toomany":
		most++
	case "none":
		most = 0
	default:
		if err := act("taskConfigs", how); err != nil {
			return nil, err
		}
	}
	configs := make([]map[string]*string, most)
	for i := range configs {
		number := strconv.Itoa(i)
		configs[i] = map[string]*string{"task": &number}
		for _, key := range []string{"topic", "task.start", "task.work", "records"} {
			if v := c.config[key]; v != nil {
				configs[i][key] = v
			}
		}
	}
	return configs, nil
}

// plainConnector is that of Plain.
type plainConnector struct{}

func (plainConnector) Start(context.Context, guest.Config) error { return nil }

func (plainConnector) TaskConfigs(context.Context, int) ([]map[string]*string, error) {
	first := "0"
	return []map[string]*string{{"task": &first}}, nil
}
