// Command golden is the module of golden.GoldenSourceConnector, the connector that Kafka Connect's state topics were
// recorded with: its tasks emit a few records and then none, with source partitions and offsets in the chosen layout.
package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

const class = "golden.GoldenSourceConnector"

func main() {
	guest.Run(guest.Plugin{
		Class: class, Version: "1.2.3-golden", Doc: "Emits a few records.", TaskClass: class + "$GoldenTask",
		NewSource:    func() guest.Source { return &task{} },
		NewConnector: func() guest.Connector { return &connector{} },
		AlterOffsets: func(context.Context, map[string]*string, []guest.AlteredOffset) (bool, error) { return true, nil },
		ExactlyOnce:  func(map[string]*string) (guest.Support, error) { return guest.Supported, nil },
	})
}

// connector gives each task its whole configuration, with the number of the task.
type connector struct{ config map[string]*string }

func (c *connector) Start(_ context.Context, config guest.Config) error {
	c.config = config.All
	return nil
}

func (c *connector) TaskConfigs(_ context.Context, most int) ([]map[string]*string, error) {
	configs := make([]map[string]*string, most)
	for i := range configs {
		number := strconv.Itoa(i)
		configs[i] = map[string]*string{}
		for key, value := range c.config {
			configs[i][key] = value
		}
		configs[i]["task.no"] = &number
	}
	return configs, nil
}

var stringSchema = &abi.Schema{Type: abi.TypeString}

type task struct {
	topic, layout string
	number, most  int64 // the task's, and that of its records
	next          int64 // record
}

func (t *task) Start(_ context.Context, config guest.Config) error {
	t.topic, t.layout = config.Text("topic"), text(config.All, "layout", "linked")
	for key, into := range map[string]*int64{"task.no": &t.number, "records": &t.most} {
		var err error
		if *into, err = strconv.ParseInt(text(config.All, key, "0"), 10, 32); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	if text(config.All, "fail.task", "") == strconv.FormatInt(t.number, 10) {
		return errors.New("asked to fail: é\n\t\"quoted\"")
	}
	return nil
}

// Poll returns one record, as each is a transaction of its own where polls are.
func (t *task) Poll(ctx context.Context) ([]*guest.Record, error) {
	if t.next == t.most {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
		return nil, nil
	}
	r := guest.NewRecord(t.topic)
	r.SetValue(stringSchema, fmt.Sprintf("record %d of task %d", t.next, t.number))
	if err := t.lay(r, t.next); err != nil {
		return nil, err
	}
	t.next++
	return []*guest.Record{r}, nil
}

// lay gives a record its source partition and offset. The layouts are named after the Java maps that had them.
func (t *task) lay(r *guest.Record, i int64) error {
	task := int32(t.number)
	switch t.layout {
	case "linked":
		r.SourcePartition = map[string]any{"zeta": "первый", "alpha": "日本語", "emoji": "😀", "ctl": "\x01\t\n\x7f",
			"task": task}
		r.PartitionOrder = []string{"zeta", "alpha", "emoji", "ctl", "task"}
		r.SourceOffset = map[string]any{"position": i, "big": int64(1<<63 - 1), "nothing": nil}
	case "hash":
		r.SourcePartition = map[string]any{"schema": "öffentlich", "server": "db-1", "zone": nil, "shard": task,
			"table": "orders"}
		r.SourceOffset = map[string]any{"note": "a/b\"c\\d\u2028<>&", "ts_sec": 1.5, "lsn": 1<<53 + 1 + i, "snapshot": false}
	case "tree":
		r.SourcePartition = map[string]any{"M": true, "a": int32(2), "task": task, "z": int32(1)}
		r.PartitionOrder = []string{"M", "a", "task", "z"}
		r.SourceOffset = map[string]any{"b": int8(7), "bytes": []byte{0, 1, 0xfe}, "f32": float32(0.1), "f64": 1e21,
			"s": int16(-3), "whole": 3.0}
	case "empty":
		r.SourcePartition, r.SourceOffset = map[string]any{}, map[string]any{}
	case "null":
	default:
		return fmt.Errorf("layout %q is none of linked, hash, tree, empty and null", t.layout)
	}
	return nil
}

func text(config map[string]*string, key, preset string) string {
	if v := config[key]; v != nil {
		return *v
	}
	return preset
}
