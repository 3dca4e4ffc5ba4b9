// Command conformance is the module of the test connectors that the recorded REST exchanges of Kafka Connect were made
// with: conformance.TestSource, conformance.TestSink and conformance.Plain, which fail, hang and answer as their
// configuration says.
package main

import (
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

func main() {
	source := guest.Plugin{
		Class: "conformance.TestSource", Aliases: []string{"TestSource"}, Version: "1.0.0", Doc: "A source on demand.",
		TaskClass: "conformance.TestSourceTask", Config: definition(true), Validate: validate, AlterOffsets: alterOffsets,
		ExactlyOnce: exactlyOnce, TransactionBoundaries: boundaries,
		NewSource: newSource, NewConnector: func() guest.Connector { return &connector{} },
	}
	sink := guest.Plugin{
		Class: "conformance.TestSink", Aliases: []string{"TestSink"}, Version: "1.0.0", Doc: "A sink on demand.",
		TaskClass: "conformance.TestSinkTask", Config: definition(false), Validate: validate, AlterOffsets: alterOffsets,
		NewSink: func() guest.Sink { return &sinkTask{} }, NewConnector: func() guest.Connector { return &connector{} },
	}
	plain := guest.Plugin{
		Class: "conformance.Plain", Aliases: []string{"Plain"}, Doc: "A source without any optional method.",
		TaskClass: "conformance.TestSourceTask", NewSource: newSource,
		NewConnector: func() guest.Connector { return plainConnector{} },
	}
	guest.Run(source, sink, plain)
}
