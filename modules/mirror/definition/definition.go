// Package definition declares the keys of the three connectors of MirrorMaker 2: names, types, defaults and order are
// those of Apache Kafka 4.1.
package definition

import "github.com/berth-connect/berth/abi"

// Source is that of MirrorSourceConnector.
func Source() abi.ConfigDef { return abi.ConfigTable(nil, shared, ssl, sasl, source) }

// Checkpoint is that of MirrorCheckpointConnector.
func Checkpoint() abi.ConfigDef { return abi.ConfigTable(nil, shared, ssl, sasl, checkpoint) }

// Heartbeat is that of MirrorHeartbeatConnector.
func Heartbeat() abi.ConfigDef { return abi.ConfigTable(nil, shared, ssl, sasl, heartbeat) }
