// Command integration is the module of the plugins that Apache Kafka's own Connect integration tests name by their
// classes: it does what those do, as far as the far end of a worker can see.
package main

import (
	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

const (
	classes   = "org.apache.kafka.connect.integration."
	blocking  = classes + "BlockingConnectorTest$"
	worker    = classes + "ConnectWorkerIntegrationTest$"
	validated = classes + "ConnectorValidationIntegrationTest$"
)

func main() {
	numbers := guest.Plugin{
		Class: classes + "TestableSourceConnector", Aliases: []string{"TestableSourceConnector", "TestableSource"},
		Version: "an entirely different version", Doc: "Emits numbered records.",
		TaskClass:    classes + "TestableSourceConnector$TestableSourceTask",
		AlterOffsets: alterOffsets, ExactlyOnce: exactlyOnce, TransactionBoundaries: boundaries,
		NewSource:    func() guest.Source { return &source{} },
		NewConnector: func() guest.Connector { return &connector{configurable: true} }, Watches: true,
	}
	testable := guest.Plugin{
		Class: classes + "TestableSinkConnector", Aliases: []string{"TestableSinkConnector", "TestableSink"},
		Version: "some great version", Doc: "Drops records.",
		TaskClass: classes + "TestableSinkConnector$TestableSinkTask", AlterOffsets: alterOffsets,
		NewSink:      func() guest.Sink { return &sink{} },
		NewConnector: func() guest.Connector { return &connector{} }, Watches: true,
	}
	blockingSink := guest.Plugin{
		Class: blocking + "BlockingSinkConnector", Version: "0.0.0", Doc: "Blocks where it is told to.",
		TaskClass: blocking + "BlockingSinkConnector$BlockingSinkTask", Config: blockDefinition,
		NewSink:      func() guest.Sink { return &blockingSink{} },
		NewConnector: func() guest.Connector { return &connector{} },
	}
	innocuous := guest.Plugin{
		Class: "test.plugins.InnocuousSinkConnector", Version: "0.0.0", Doc: "Drops records.",
		TaskClass: "test.plugins.InnocuousSinkConnector$InnocuousSinkTask",
		NewSink:   func() guest.Sink { return &sink{} },
	}
	emptyConfigs := guest.Plugin{
		Class: worker + "EmptyTaskConfigsConnector", Version: "0.0", Doc: "Drops records; its tasks are told nothing.",
		TaskClass:    worker + "SimpleTask",
		NewSink:      func() guest.Sink { return &sink{} },
		NewConnector: func() guest.Connector { return emptyConfigsConnector{} },
	}
	guest.Run(numbers, testable, blockingSink, innocuous, emptyConfigs,
		converter(validated+"TestConverterWithSinglePropertyConfigDef", abi.ConfigDef{Keys: []abi.ConfigKey{{
			Name: "prop", Type: abi.ConfigBoolean, Importance: abi.High, Doc: "A boolean.",
		}}}),
		converter(validated+"TestConverterWithNoConfigDef", abi.ConfigDef{}))
}
