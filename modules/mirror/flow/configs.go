package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/modules/mirror/replication"
)

// properties tells which settings of topics are copied.
type properties struct {
	excluded replication.Filter
	defaults bool // copy those that are the source's defaults, too (use.defaults.from)
}

func propertiesOf(s *settings) (p properties, err error) {
	p.excluded, err = replication.NewFilter("config.properties.exclude", s.List("config.properties.exclude"), "", nil)
	if err != nil {
		return p, err
	}
	const key = "use.defaults.from" // of the filter's own, so it is not declared
	switch v := s.config[key]; {
	case v == nil || *v == "target":
	case *v == "source":
		p.defaults = true
	default:
		return p, abi.InvalidValue(key, *v, "use source or target")
	}
	return p, nil
}

// copied tells whether a setting is copied at all: not what the brokers' files say, nor what is secret.
func (p properties) copied(c kadm.Config) bool {
	return !c.Sensitive && c.Source != kmsg.ConfigSourceStaticBrokerConfig && !p.excluded.Passes(c.Key)
}

func isDefault(c kadm.Config) bool { return c.Source == kmsg.ConfigSourceDefaultConfig }

// toCreate are the settings that a copy is made with.
func (p properties) toCreate(configs []kadm.Config) map[string]*string {
	wanted := map[string]*string{}
	for _, c := range configs {
		if p.copied(c) && (p.defaults || !isDefault(c)) {
			wanted[c.Key] = c.Value
		}
	}
	return wanted
}

// toAlter are the changes that make the settings of a copy those of its source.
func (p properties) toAlter(configs []kadm.Config) []kmsg.IncrementalAlterConfigsRequestResourceConfig {
	var changes []kmsg.IncrementalAlterConfigsRequestResourceConfig
	for _, c := range configs {
		change := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		change.Name, change.Op, change.Value = c.Key, kmsg.IncrementalAlterConfigOpSet, c.Value
		switch {
		case !p.copied(c):
			continue
		case isDefault(c) && !p.defaults:
			change.Op, change.Value = kmsg.IncrementalAlterConfigOpDelete, nil
		}
		changes = append(changes, change)
	}
	return changes
}

// configsOf reads the settings of topics of the source, of topicsAtOnce at most.
func (c *SourceConnector) configsOf(ctx context.Context, topics []string) (map[string][]kadm.Config, error) {
	described, err := c.atSource.Admin.DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("describe topics of the source cluster: %w", c.atSource.Explain(err))
	}
	configs := map[string][]kadm.Config{}
	for _, d := range described {
		if d.Err != nil {
			return nil, fmt.Errorf("describe topic %s of the source cluster: %w", d.Name, d.Err)
		}
		configs[d.Name] = d.Configs
	}
	return configs, nil
}

// syncConfigs makes the settings of all copies those of their sources.
func (c *SourceConnector) syncConfigs(ctx context.Context) error {
	var failed failures
	_, err := atOnce(c.copies(), halfOf(ctx), func(some []string) error { return failed.of(c.alterCopies(ctx, some)) })
	return errors.Join(failed.joined(), err)
}

func (c *SourceConnector) alterCopies(ctx context.Context, topics []string) (failed []error, err error) {
	configs, err := c.configsOf(ctx, topics)
	if err != nil {
		return nil, err
	}
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for _, topic := range topics {
		altered := kmsg.NewIncrementalAlterConfigsRequestResource()
		altered.ResourceType, altered.ResourceName = kmsg.ConfigResourceTypeTopic, c.remote(topic)
		if altered.Configs = c.properties.toAlter(configs[topic]); len(altered.Configs) > 0 {
			request.Resources = append(request.Resources, altered)
		}
	}
	if len(request.Resources) == 0 {
		return nil, nil
	}
	answer, err := request.RequestWith(ctx, c.atTarget.Client)
	if err != nil {
		return nil, fmt.Errorf("alter %s of the target cluster: %w", several(topics), c.atTarget.Explain(err))
	}
	for _, altered := range answer.Resources {
		if err := kerr.ErrorForCode(altered.ErrorCode); err != nil {
			failed = append(failed, fmt.Errorf("alter topic %s of the target cluster: %w%s", altered.ResourceName,
				c.atTarget.Explain(err), inBrackets(altered.ErrorMessage)))
		}
	}
	return failed, nil
}
