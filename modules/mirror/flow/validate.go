package flow

import (
	"context"
	"errors"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/modules/mirror/clients"
	"github.com/berth-connect/berth/modules/mirror/definition"
	"github.com/berth-connect/berth/modules/mirror/replication"
)

// ValidateSource checks more of a MirrorSourceConnector's configuration than its definition does.
func ValidateSource(_ context.Context, config map[string]*string) ([]abi.KeyValidation, error) {
	return validate(config, definition.Source(), func(s *settings) error {
		_, topics := s.topics()
		_, properties := propertiesOf(s)
		_, first := clients.FirstOffset(config)
		syncs, _ := s.offsetSyncs()
		return errors.Join(topics, properties, checkClient(first, config, clients.SourceSide, clients.Consumer),
			clients.Check(config, clients.SourceSide, clients.Admin), clients.Check(config, clients.TargetSide, clients.Admin),
			clients.Check(config, syncs, clients.Producer))
	})
}

// ValidateCheckpoint does so for MirrorCheckpointConnector.
func ValidateCheckpoint(_ context.Context, config map[string]*string) ([]abi.KeyValidation, error) {
	return validate(config, definition.Checkpoint(), func(s *settings) error {
		_, topics := s.topics()
		_, groups := replication.NewFilter("groups", s.List("groups"), "groups.exclude", s.List("groups.exclude"))
		syncs, _ := s.offsetSyncs()
		return errors.Join(topics, groups, checkPurpose(s), clients.Check(config, syncs, clients.Consumer),
			clients.Check(config, clients.SourceSide, clients.Admin), clients.Check(config, clients.TargetSide, clients.Admin))
	})
}

// ValidateHeartbeat does so for MirrorHeartbeatConnector.
func ValidateHeartbeat(_ context.Context, config map[string]*string) ([]abi.KeyValidation, error) {
	return validate(config, definition.Heartbeat(), func(*settings) error {
		return clients.Check(config, clients.TargetSide, clients.Admin)
	})
}

// checkPurpose: a connector that does nothing, or can't, is a mistake.
func checkPurpose(s *settings) error {
	if !s.Bool("emit.checkpoints.enabled") && !s.Bool("sync.group.offsets.enabled") {
		return abi.InvalidValue("emit.checkpoints.enabled", "false", "sync.group.offsets.enabled is false too, so there is "+
			"nothing to do: set one of them to true, or enabled to false")
	}
	if v := s.config["emit.offset-syncs.enabled"]; v != nil && *v == "false" {
		return abi.InvalidValue("emit.offset-syncs.enabled", "false", "without offset syncs no offset can be translated")
	}
	return nil
}

func checkClient(before error, config map[string]*string, side clients.Side, kind clients.Kind) error {
	if before != nil {
		return before
	}
	return clients.Check(config, side, kind)
}

// validate gathers what is wrong beside what the definition has found already.
func validate(config map[string]*string, d abi.ConfigDef, check func(*settings) error) ([]abi.KeyValidation, error) {
	values, err := d.Parse(config)
	if err != nil || !values.Bool("enabled") {
		return nil, nil //nolint:nilerr // the definition's own answers tell
	}
	s, err := newSettings(guest.Config{ConfigValues: values, All: config})
	if err == nil {
		err = check(&s)
	}
	return answers(config, err), nil
}

// answers are the wrong keys among joined errors, each once.
func answers(config map[string]*string, err error) []abi.KeyValidation {
	var list []abi.KeyValidation
	seen := map[string]bool{}
	for _, e := range configErrors(err) {
		if seen[e.Key+e.Message] {
			continue
		}
		seen[e.Key+e.Message] = true
		list = append(list, abi.KeyValidation{Name: e.Key, Value: config[e.Key], Errors: []string{e.Message}, Visible: true})
	}
	return list
}

func configErrors(err error) []*abi.ConfigError {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*abi.ConfigError
		for _, one := range several.Unwrap() {
			all = append(all, configErrors(one)...)
		}
		return all
	}
	var one *abi.ConfigError
	if errors.As(err, &one) {
		return []*abi.ConfigError{one}
	}
	return nil
}

// ExactlyOnce tells whether MirrorSource can: what it reads must be committed.
func ExactlyOnce(config map[string]*string) (guest.Support, error) {
	if clients.Property(config, clients.SourceSide, clients.Consumer, "isolation.level") == "read_committed" {
		return guest.Supported, nil
	}
	return guest.Unsupported, nil
}
