package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// handle tells Kafka's tests what happens, which they hear from objects that they share with their connectors when both
// are in one JVM. It writes a line to the worker's log for each event, which testdata/java/HandleEvents.java reads.
type handle struct {
	ctx             context.Context // of the instance
	connector, task string
}

func handleOf(ctx context.Context, config map[string]*string) handle {
	if task := text(config, "task.id", ""); task != "" {
		return handle{ctx, text(config, "connector.name", ""), task}
	}
	return handle{ctx: ctx, connector: text(config, "name", "")}
}

func (h handle) tell(event, what string) {
	guest.Log(h.ctx, abi.LogInfo, "handle|%s|%s|%s|%s", event, h.connector, h.task, what)
}

func (h handle) count(event string, n int) {
	if n > 0 {
		h.tell(event, fmt.Sprint(n))
	}
}

func (h handle) partitions(event string, partitions []guest.PartitionOffset) {
	var names []string
	for _, p := range partitions {
		names = append(names, fmt.Sprintf("%s:%d", p.Topic, p.Partition))
	}
	h.tell(event, strings.Join(names, ","))
}

// put tells a record with its value as text.
func (h handle) put(topic string, partition int32, offset int64, value any) {
	encoded := "null"
	if value != nil {
		encoded = base64.StdEncoding.EncodeToString(fmt.Append(nil, value))
	}
	h.tell("put", fmt.Sprintf("%s:%d:%d:%s", topic, partition, offset, encoded))
}
