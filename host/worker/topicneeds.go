package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/tenancy"
)

// topicNeeds are those of a connector's plugin; false: it does not say, and may use all that its tenant may.
func topicNeeds(found plugin.Plugin) (tenancy.Needs, bool) {
	needs, narrow := found.Needs[abi.CapabilityTopics]
	return tenancy.Needs{Class: found.Class, Needs: needs}, narrow
}

// clientsOf are the clients of a connector's tasks.
func (w *Worker) clientsOf(found plugin.Plugin) host.Clients {
	if needs, narrow := topicNeeds(found); narrow {
		return needs.Clients(w.Clients)
	}
	return w.Clients
}

// checkTopicNeeds adds what can be known before a task runs: that a plugin is granted none of the topics that it needs,
// and that a sink's topics are not among them.
func (w scope) checkTopicNeeds(infos *host.ConfigInfos, config host.Config) {
	found, err := w.resolveConnector(config)
	if err != nil {
		return // somebody else says so
	}
	needs, narrow := topicNeeds(found)
	if !narrow {
		return
	}
	for _, lacking := range w.Registry.Lacking(found.Digest, found.Plugin) {
		if lacking.Capability == abi.CapabilityTopics && !lacking.Granted {
			addProblem(infos, "connector.class", config["connector.class"], fmt.Sprintf("Plugin %s needs topics [%s], of which "+
				"the %s allows none; have them added", found.Class, strings.Join(lacking.Missing, ", "), lacking.Property))
		}
	}
	for name := range strings.SplitSeq(config.Get("topics"), ",") {
		if name = strings.TrimSpace(name); name == "" || found.Kind != abi.KindSink {
			continue
		}
		if err := host.CheckTopicNeeds(found.Class, needs.Needs, name, false); err != nil {
			addProblem(infos, "topics", config["topics"], err.Error())
		}
	}
}

// failed counts what ended a task.
func (m *meters) failed(connector string, err error) {
	m.overLimit(err)
	m.topicRefused(connector, err)
}

// topicRefused counts an error that is the refusal of a topic, by who does not grant it.
func (m *meters) topicRefused(connector string, err error) {
	var granted *tenancy.NotGranted
	var needed *host.TopicNotNeeded
	by := ""
	switch {
	case errors.As(err, &needed):
		by = "manifest"
	case errors.As(err, &granted) && granted.Field == "topics":
		by = "tenant"
	default:
		return
	}
	m.topicsRefused.Add(context.Background(), 1, metric.WithAttributes(attribute.String("connector", connector),
		attribute.String("by", by)))
}
