package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

var numbersDefinition = abi.ConfigDef{Keys: []abi.ConfigKey{
	{Name: "topic", Type: abi.ConfigString, Importance: abi.High, Doc: "Topic that the numbers go to."},
	{Name: "rate", Type: abi.ConfigInt, Importance: abi.High, Doc: "Numbers a second of each task; 0: all that it can."},
}}

// numbers is a source of 0, 1, … in each task, with the partitions and offsets of Datagen: an offset is that of the
// next number. A stamp of the same version is in one instance with it.
type numbers struct {
	topic       string
	task        int64
	rate        int64
	first, next int64 // of this instance
	began       time.Time
}

// Start implements guest.Starter.
func (n *numbers) Start(_ context.Context, config guest.Config) error {
	n.topic, n.rate, n.task = config.Text("topic"), int64(config.Int("rate")), int64(config.Task)
	if offset, stored := config.Offset(map[string]any{"task": n.task}); stored {
		n.first, _ = offset["index"].(int64)
	}
	n.next, n.began = n.first, time.Now()
	return nil
}

// Poll waits until some numbers are due.
func (n *numbers) Poll(ctx context.Context) ([]*guest.Record, error) {
	due := n.next + 1000
	if n.rate > 0 {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		due = min(due, n.first+int64(time.Since(n.began).Seconds()*float64(n.rate)))
	}
	var records []*guest.Record
	for ; n.next < due; n.next++ {
		r := guest.NewRecord(n.topic)
		r.SetValue(nil, fmt.Sprint(n.next))
		r.SourcePartition, r.SourceOffset = map[string]any{"task": n.task}, map[string]any{"index": n.next + 1}
		records = append(records, r)
	}
	return records, nil
}

// allTasks gives each task the connector's configuration.
type allTasks struct{ config map[string]*string }

// Start implements guest.Connector.
func (a *allTasks) Start(_ context.Context, config guest.Config) error {
	a.config = config.All
	return nil
}

// TaskConfigs implements guest.Connector.
func (a *allTasks) TaskConfigs(_ context.Context, limit int) ([]map[string]*string, error) {
	return slices.Repeat([]map[string]*string{a.config}, limit), nil
}
