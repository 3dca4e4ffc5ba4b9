package kafka

import (
	"cmp"
	"fmt"

	"github.com/berth-connect/berth/host"
)

// reserved are the worker's own topics with the properties that name them. A record there is a configuration, an offset
// or a module: who writes one rules the group, and any transformation can rename a record's topic.
type reserved map[string]string

// reservedFor returns nothing for a connector that writes to another cluster.
func (c *Clients) reservedFor(config host.Config) reserved {
	if config.Get("producer.override.bootstrap.servers") != "" {
		return nil
	}
	r := reserved{}
	for _, property := range []string{"config.storage.topic", "offset.storage.topic", "status.storage.topic",
		"berth.modules.storage.topic"} {
		r[c.worker[property]] = property
	}
	if group := c.worker["group.id"]; group != "" {
		modules := cmp.Or(c.worker["berth.modules.storage.topic"], group+"-modules")
		r[modules] = "berth.modules.storage.topic"
	}
	delete(r, "")
	return r
}

func (r reserved) check(records []host.ProducerRecord) error {
	last := ""
	for i := range records {
		topic := records[i].Topic
		if topic == last {
			continue
		}
		last = topic
		if property, own := r[topic]; own {
			return fmt.Errorf("topic %s is the worker's own (%s), where no connector may write: give the record another topic, "+
				"by the connector's configuration or its transformations", topic, property)
		}
	}
	return nil
}
