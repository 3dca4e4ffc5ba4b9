package worker

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/host/usage"
)

// networkMeters count what guests do on the network.
type networkMeters struct{ connections, failures, read, written metric.Int64Counter }

func newNetworkMeters(m *meters) networkMeters {
	return networkMeters{
		connections: m.counter("berth_guest_network_connections", "Connections that guests have opened."),
		failures: m.counter("berth_guest_network_failures",
			"Connections and questions to DNS that failed or were refused, by reason."),
		read:    m.counter("berth_guest_network_read_bytes", "Bytes that came in on connections of guests."),
		written: m.counter("berth_guest_network_written_bytes", "Bytes that went out on connections of guests."),
	}
}

// instanceNetwork counts for one instance.
type instanceNetwork struct {
	networkMeters
	of    []attribute.KeyValue
	usage *usage.Instance
}

var _ network.Meters = (*instanceNetwork)(nil)

func (m networkMeters) of(plan abi.Plan, account *usage.Instance) *instanceNetwork {
	of := []attribute.KeyValue{attribute.String("connector", plan.Connector)}
	if plan.Role == abi.RoleTask {
		of = append(of, attribute.String("task", strconv.Itoa(int(plan.Task))))
	}
	return &instanceNetwork{m, of, account}
}

func (n *instanceNetwork) add(c metric.Int64Counter, by int, more ...attribute.KeyValue) {
	if by > 0 {
		c.Add(context.Background(), int64(by), metric.WithAttributes(n.of...), metric.WithAttributes(more...))
	}
}

// Connected implements network.Meters.
func (n *instanceNetwork) Connected() {
	n.usage.Connected()
	n.add(n.connections, 1)
}

// Failed implements network.Meters.
func (n *instanceNetwork) Failed(code abi.NetCode) {
	n.add(n.failures, 1, attribute.String("reason", code.String()))
}

// Read implements network.Meters.
func (n *instanceNetwork) Read(bytes int) {
	n.usage.Network(bytes, 0)
	n.add(n.read, bytes)
}

// Written implements network.Meters.
func (n *instanceNetwork) Written(bytes int) {
	n.usage.Network(0, bytes)
	n.add(n.written, bytes)
}
