package store

import (
	"context"
	"log/slog"
	"testing"

	"github.com/berth-connect/berth/host"
)

// The stores of a standalone worker keep configurations and statuses as those on topics do, for as long as they run.
func TestStoresInMemory(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	configs, statuses := NewMemoryConfigStore(log), NewMemoryStatusStore(log)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- configs.Run(ctx) }()
	go func() { ended <- statuses.Run(ctx) }()
	<-configs.Ready()
	<-statuses.Ready()
	value := "v"
	config := host.Config{"k": &value}
	if err := configs.PutConnector(ctx, "c", config, host.TargetPaused); err != nil {
		t.Fatal(err)
	}
	if err := configs.PutTasks(ctx, "c", []host.Config{config, config}); err != nil {
		t.Fatal(err)
	}
	connector, known := configs.Snapshot().Connector("c")
	if !known || connector.Target != host.TargetPaused || len(connector.Tasks("c")) != 2 || connector.Inconsistent {
		t.Errorf("the connector is %+v, %v", connector, known)
	}
	var kinds []EventKind
	for _, event := range configs.TakeEvents() {
		kinds = append(kinds, event.Kind)
	}
	if len(kinds) != 2 || kinds[0] != ConnectorUpdated || kinds[1] != TasksUpdated {
		t.Errorf("the events are %v", kinds)
	}
	statuses.PutConnector("c", Status{State: host.Running, WorkerID: "w:1"})
	if err := statuses.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if status, known := statuses.Connector("c"); !known || status.State != host.Running {
		t.Errorf("the status is %+v, %v", status, known)
	}
	cancel()
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
