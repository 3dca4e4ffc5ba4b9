package guesttest

import (
	"context"
	"testing"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
)

// asker asks the host for the topic of each record.
type asker struct{}

func (asker) Transform(ctx context.Context, r *guest.Record) (guest.Outcome, error) {
	arguments, err := abi.ToValue(map[string]any{"topic": r.Topic})
	if err != nil {
		return guest.Outcome{}, err
	}
	result, err := guest.Request(ctx, abi.CapabilitySchemaRegistry, "rename", arguments)
	if err == nil {
		r.Topic = result.String()
	}
	return guest.Keep, err
}

func startAsker(t *testing.T) (task *Task, input abi.Batch, request Message) {
	t.Helper()
	task = Start(t, abi.Plan{Role: abi.RoleTask, Stages: []abi.Stage{{Kind: abi.KindTransform, Plugin: "test.Asker"}}},
		guest.Plugin{Class: "test.Asker", Version: "1", Capabilities: []string{abi.CapabilitySchemaRegistry},
			NewTransform: func() guest.Transform { return asker{} }})
	var batch abi.BatchBuilder
	batch.Add(&abi.RecordFields{Topic: batch.AddTopic("old"), SourcePartition: abi.None,
		Key: abi.Cell{Schema: abi.None}, Value: abi.Cell{Schema: abi.None}})
	body := batch.AppendTo(nil)
	task.Send(abi.EventBatch, body)
	request = task.Next(abi.MessageRequest)
	asked, err := abi.ParseRequest(request.Body)
	if topic, _ := asked.Arguments.Get("topic"); err != nil || asked.Call != "rename" || topic.String() != "old" {
		t.Fatalf("%+v, %v", asked, err)
	}
	return task, task.parse(body, nil), request
}

func TestReplyIsWaitedForWhileOtherEventsStay(t *testing.T) {
	task, input, request := startAsker(t)
	task.Send(abi.EventPause, nil) // for the loop, once the batch is answered
	result, err := abi.ToValue("new")
	if err != nil {
		t.Fatal(err)
	}
	task.Send(abi.EventReply, abi.Reply{Request: request.Seq, Result: result}.Encode())
	batch := task.parse(task.Next(abi.MessageResult).Body, input.Data())
	if batch.Len() != 1 || batch.Topic(int(batch.Entry(0).Topic())) != "new" {
		t.Fatalf("%d records", batch.Len())
	}
}

func TestRefusalsOfTheHostAreTheBatchs(t *testing.T) {
	for code, record := range map[abi.Code]uint32{abi.CodeData: 0, abi.CodeRetriable: abi.None, abi.CodeConfig: abi.None} {
		task, _, request := startAsker(t)
		task.Send(abi.EventReply, abi.Reply{Request: request.Seq, Code: code, Message: "no"}.Encode())
		batch, err := abi.ParseBatch(task.Next(abi.MessageResult).Body, nil)
		if err != nil || batch.Len() != 0 || batch.ErrorCount() != 1 {
			t.Fatalf("%d records, %d errors, %v", batch.Len(), batch.ErrorCount(), err)
		}
		if e := batch.Error(0); e.Code != code || e.Record != record || e.Message != "no" {
			t.Errorf("code %d: %+v", code, e)
		}
	}
}

func TestStopEndsTheWaitForAReply(t *testing.T) {
	task, _, _ := startAsker(t)
	if err := task.Stop(); err != nil {
		t.Fatal(err)
	}
	batch, err := abi.ParseBatch(task.Next(abi.MessageResult).Body, nil)
	if err != nil || batch.ErrorCount() != 1 || batch.Error(0).Code != abi.CodeRetriable {
		t.Fatalf("%v", err)
	}
}
