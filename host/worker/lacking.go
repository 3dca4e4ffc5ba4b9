package worker

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/berth-connect/berth/host/pipeline"
)

// tellLacking logs and counts what the plugins of a group ask for and do not get. That is no error yet: what a plugin
// meets when it uses it says so, and many can do without.
func (w *Worker) tellLacking(group pipeline.Group, connector string) {
	for _, lacking := range w.around(connector).Registry.Lacking(group.Digest, group.Plugins()...) {
		w.meters.lacking.Add(context.Background(), 1, metric.WithAttributes(
			attribute.String("connector", connector), attribute.String("capability", lacking.Capability)))
		attributes := []any{"connector", connector, "capability", lacking.Capability, "property", lacking.Property}
		if len(lacking.Missing) > 0 {
			attributes = append(attributes, "missing", lacking.Missing)
		}
		w.Log.Warn("a plugin asks for what this worker does not grant", attributes...)
	}
}
