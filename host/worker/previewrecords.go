package worker

import (
	"context"
	"fmt"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/pipeline"
	"github.com/berth-connect/berth/host/preview"
	"github.com/berth-connect/berth/host/recordjson"
)

// previewRecords are those of the request, or of the topic that it names.
func (w scope) previewRecords(ctx context.Context, chain string, request host.PreviewRequest) ([]preview.Record,
	error) {
	switch {
	case len(request.Records) > 0 && request.Topic != "":
		return nil, host.BadRequest("the request has records and topic: give one of them")
	case request.Last < 0 || request.Last > 0 && request.Topic == "":
		return nil, host.BadRequest(fmt.Sprintf("last is %d: it is how many records of topic are wanted, at most %d",
			request.Last, host.PreviewRecordsMax))
	case max(len(request.Records), request.Last) > host.PreviewRecordsMax:
		return nil, host.PreviewLimit("records", fmt.Sprint(host.PreviewRecordsMax),
			fmt.Sprintf("the request is about %d", max(len(request.Records), request.Last)), "give fewer")
	case request.Topic != "":
		return w.lastRecords(ctx, chain, request)
	case len(request.Records) == 0:
		return nil, host.BadRequest("the request has no records: give some in records, or a topic to take the last ones of")
	}
	return givenRecords(chain, request.Records)
}

func givenRecords(chain string, given []host.PreviewRecord) ([]preview.Record, error) {
	bytes := 0
	records := make([]preview.Record, len(given))
	for i, r := range given {
		bytes += len(r.Key) + len(r.Value)
		var err error
		if records[i], err = givenRecord(chain, r); err != nil {
			return nil, host.BadRequest(fmt.Sprintf("records[%d].%v", i, err))
		}
	}
	if bytes > host.PreviewInputBytesMax {
		return nil, inputTooLarge(bytes)
	}
	return records, nil
}

func inputTooLarge(bytes int) error {
	return host.PreviewLimit("input-bytes", fmt.Sprintf("%d MiB", host.PreviewInputBytesMax>>20),
		fmt.Sprintf("the records have %d bytes", bytes), "give fewer or smaller ones")
}

func givenRecord(chain string, given host.PreviewRecord) (preview.Record, error) {
	if chain == host.PreviewSink {
		consumed, err := recordjson.Consumed(given)
		if err != nil {
			return preview.Record{}, err
		}
		return consumedRecord(given, consumed)
	}
	batch, err := recordjson.Polled(given)
	return preview.Record{Input: given, Batch: batch}, err
}

// consumedRecord is one as a sink's first stage gets it.
func consumedRecord(shown host.PreviewRecord, r host.ConsumerRecord) (preview.Record, error) {
	fetch := pipeline.NewFetch([]host.ConsumerRecord{r})
	body := make([]byte, fetch.Size())
	fetch.WriteTo(body)
	batch, err := abi.ParseBatch(body, nil)
	return preview.Record{Input: shown, Batch: batch, Key: r.Key, Value: r.Value}, err
}

// lastRecords are the newest ones of a topic. For a sink they are as Kafka has them. Where a chain begins with
// Connect's records they come as texts or bytes, as a source that copies them would give them.
func (w scope) lastRecords(ctx context.Context, chain string, request host.PreviewRequest) ([]preview.Record, error) {
	if w.Records == nil {
		return nil, host.BadRequest("topic can't be read here, since there is no Kafka: give records")
	}
	n := request.Last
	if n == 0 {
		n = host.PreviewLastDefault
	}
	name := previewName(w.tenant.Name)
	if err := w.Grants.Topic(name, request.Topic); err != nil {
		return nil, host.BadRequest(err.Error())
	}
	properties, err := w.Grants.Client(name, nil)
	if err != nil {
		return nil, err
	}
	last, err := w.Records.Last(ctx, properties, request.Topic, n, host.PreviewInputBytesMax)
	if err != nil {
		return nil, err
	}
	records := make([]preview.Record, len(last))
	for i := range last {
		shown, err := recordjson.OfConsumed(&last[i])
		if err != nil {
			return nil, err
		}
		if chain == host.PreviewSink {
			records[i], err = consumedRecord(shown, last[i])
		} else {
			records[i], err = givenRecord(chain, shown)
		}
		if err != nil {
			return nil, fmt.Errorf("record %s-%d@%d: %w", last[i].Topic, last[i].Partition, last[i].Offset, err)
		}
	}
	return records, nil
}
