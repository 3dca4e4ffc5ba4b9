// Command mirror is the module of MirrorMaker 2's connectors.
package main

import (
	"runtime/debug"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/modules/mirror/definition"
	"github.com/berth-connect/berth/modules/mirror/flow"
)

// version is that of the Kafka whose connectors these are.
const version = "4.1.1"

const classes = "org.apache.kafka.connect.mirror."

// gcPercent is four times Go's own: what the collector computes counts as the guest's, in one go with all else between
// two waits, and where a client learns of thousands of topics it is a third of that. Memory that lives is small.
const gcPercent = 400

func main() {
	debug.SetGCPercent(gcPercent)
	source := plugin("MirrorSource", "Copies topics from another Kafka cluster, with their partitions, settings and ACLs.")
	source.Config, source.Validate, source.AlterOffsets = definition.Source(), flow.ValidateSource, flow.AlterSourceOffsets
	source.Watches, source.WantsOffsets, source.ExactlyOnce = true, true, flow.ExactlyOnce
	source.NewConnector = func() guest.Connector { return &flow.SourceConnector{} }
	source.NewSource = func() guest.Source { return &flow.SourceTask{} }

	checkpoint := plugin("MirrorCheckpoint", "Writes where consumer groups of another cluster are in the copies of their "+
		"topics, and may commit that to groups of this one.")
	checkpoint.Config, checkpoint.Validate = definition.Checkpoint(), flow.ValidateCheckpoint
	checkpoint.Watches, checkpoint.AlterOffsets = true, flow.AlterCheckpointOffsets
	checkpoint.NewConnector = func() guest.Connector { return &flow.CheckpointConnector{} }
	checkpoint.NewSource = func() guest.Source { return &flow.CheckpointTask{} }

	heartbeat := plugin("MirrorHeartbeat", "Writes heartbeats, which show where they arrive that a flow is alive.")
	heartbeat.Config, heartbeat.Validate = definition.Heartbeat(), flow.ValidateHeartbeat
	heartbeat.AlterOffsets = flow.AlterHeartbeatOffsets
	heartbeat.NewConnector = func() guest.Connector { return &flow.HeartbeatConnector{} }
	heartbeat.NewSource = func() guest.Source { return &flow.HeartbeatTask{} }

	guest.Run(source, checkpoint, heartbeat)
}

// plugin is what the three have in common.
func plugin(name, doc string) guest.Plugin {
	return guest.Plugin{Class: classes + name + "Connector", Aliases: []string{name + "Connector", name}, Version: version,
		Doc: doc, TaskClass: classes + name + "Task", Capabilities: []string{abi.CapabilityNet}}
}
