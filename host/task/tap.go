package task

import (
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
)

// Tap sees the batches that enter a task's stages. It never waits, and keeps nothing that it is given: encode makes a
// copy in the form of a batch.
type Tap interface {
	Offer(records int, encode func() []byte)
}

// tapConsumed shows the tap what a sink has consumed.
func (c *Config) tapConsumed(records []host.ConsumerRecord) {
	if c.Tap == nil {
		return
	}
	c.Tap.Offer(len(records), func() []byte {
		fetch := pipeline.NewFetch(records)
		body := make([]byte, fetch.Size())
		fetch.WriteTo(body)
		return body
	})
}

// tapPolled shows the tap what a source's instance has put.
func (c *Config) tapPolled(m guest.Message, polled *pipeline.Result) {
	if c.Tap == nil {
		return
	}
	c.Tap.Offer(polled.Batch.Len(), func() []byte { return append([]byte(nil), m.Body...) })
}

// SourceGroups are the groups of a source's stages: the connector's first. A stage in the connector's instance sees a
// record before the host does, which then could not keep it, or show it to a tap.
func (c *Config) SourceGroups() []pipeline.Group {
	return pipeline.Groups(c.Stages, c.Errors.DeadLetters.Topic != "" || c.Errors.retries() || c.Apart ||
		c.outlivesStages())
}
