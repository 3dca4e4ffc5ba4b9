// Package store keeps the worker's state in Kafka Connect's three topics, byte for byte as the JVM does, so that a
// cluster's state can be taken over in either direction. All three are compacted logs that are read from the start.
package store
