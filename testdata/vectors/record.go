package main

import (
	"fmt"
	"strconv"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host/worker"
)

// encodeRecord is a batch of one record of the vectors. Where it was consumed is left out: no stage is given it.
func encodeRecord(record object) (abi.Batch, error) {
	var b abi.BatchBuilder
	fields := abi.RecordFields{Topic: b.AddTopic(textOf(record["topic"])), SourcePartition: abi.None}
	if record["topic"] == nil {
		fields.Flags = abi.FlagNoTopic
	}
	if err := encodeSource(&b, &fields, record); err != nil {
		return abi.Batch{}, err
	}
	for _, number := range []struct {
		name   string
		width  int
		absent int64
		set    func(int64)
	}{
		{"partition", 32, -1, func(n int64) { fields.Partition = int32(n) }},
		{"timestamp", 64, abi.NoTimestamp, func(n int64) { fields.Timestamp = n }},
		{"offset", 64, -1, func(n int64) { fields.Offset = n }},
	} {
		n := number.absent
		if record[number.name] != nil {
			var err error
			if n, err = integer(record[number.name], number.width); err != nil {
				return abi.Batch{}, fmt.Errorf("%s: %w", number.name, err)
			}
		}
		number.set(n)
	}
	for i, name := range timestampTypes {
		if record["timestampType"] == name {
			fields.TimestampType = uint8(i)
		}
	}
	var err error
	if fields.Key, err = encodeCell(&b, record["keySchema"], record["key"]); err != nil {
		return abi.Batch{}, fmt.Errorf("key: %w", err)
	}
	if fields.Value, err = encodeCell(&b, record["valueSchema"], record["value"]); err != nil {
		return abi.Batch{}, fmt.Errorf("value: %w", err)
	}
	headers, _ := record["headers"].(list)
	for _, header := range headers {
		h, _ := header.(object)
		cell, err := encodeCell(&b, h["schema"], h["value"])
		if err != nil {
			return abi.Batch{}, fmt.Errorf("header: %w", err)
		}
		fields.Headers = append(fields.Headers,
			abi.Header{Key: []byte(textOf(h["key"])), Schema: cell.Schema, Tag: cell.Tag, Value: cell.Bytes})
	}
	b.Add(&fields)
	return abi.ParseBatch(b.AppendTo(nil), nil)
}

// encodeSource adds where a record of a source comes from.
func encodeSource(b *abi.BatchBuilder, fields *abi.RecordFields, record object) error {
	for name, set := range map[string]func(payload []byte){
		"sourcePartition": func(payload []byte) { fields.SourcePartition = b.AddPartition(payload) },
		"sourceOffset":    func(payload []byte) { fields.SourceOffset.Bytes = payload },
	} {
		var body abi.Builder
		if err := encodeValue(&body, record[name], nil, nil); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if v := body.Value(); v.Tag == abi.TagMap {
			set(v.Payload)
		}
	}
	return nil
}

// timestampTypes has the names by their numbers in the ABI.
var timestampTypes = [...]string{"NO_TIMESTAMP_TYPE", "CREATE_TIME", "LOG_APPEND_TIME"}

// encodeOne is a batch of one record that has but a key, a value or a header.
func encodeOne(schema, value any, part worker.Part) (abi.Batch, error) {
	record := object{"topic": "topic"}
	switch part {
	case worker.KeyConverter:
		record["keySchema"], record["key"] = schema, value
	case worker.HeaderConverter:
		record["headers"] = list{object{"key": headerName, "schema": schema, "value": value}}
	default:
		record["valueSchema"], record["value"] = schema, value
	}
	return encodeRecord(record)
}

func encodeCell(b *abi.BatchBuilder, schema, value any) (abi.Cell, error) {
	cell := abi.Cell{Schema: abi.None}
	encoded, err := encodeSchema(nil, schema)
	if err != nil {
		return cell, err
	}
	if len(encoded) > 0 {
		cell.Schema = b.AddSchema(encoded)
	}
	var body abi.Builder
	if err := encodeValue(&body, value, schema, b.AddSchema); err != nil {
		return cell, err
	}
	cell.Tag, cell.Bytes = body.Value().Tag, body.Value().Payload
	return cell, nil
}

// decodeRecord reads the record that came out. What the host keeps of the record it came from it takes from there.
func decodeRecord(batch *abi.Batch, origin int, input object) (object, error) {
	if batch.Len() != 1 || origin != 0 {
		return nil, fmt.Errorf("%d records, from record %d of one", batch.Len(), origin)
	}
	e := batch.Entry(0)
	record := object{}
	if e.Flags()&abi.FlagNoTopic == 0 {
		record["topic"] = batch.Topic(int(e.Topic()))
	}
	for _, kept := range []string{"kind", "sourcePartition", "sourceOffset", "originalTopic", "originalPartition",
		"originalOffset"} {
		record[kept] = input[kept]
	}
	if e.Partition() >= 0 {
		record["partition"] = strconv.Itoa(int(e.Partition()))
	}
	if e.Timestamp() != abi.NoTimestamp {
		record["timestamp"] = strconv.FormatInt(e.Timestamp(), 10)
	}
	if e.Offset() >= 0 {
		record["offset"] = strconv.FormatInt(e.Offset(), 10)
	}
	if record["kind"] == "sink" { // records of sources have none
		record["timestampType"] = timestampTypes[e.TimestampType()]
	}
	find := schemasOf(batch)
	var err error
	if record["keySchema"], record["key"], err = decodeCell(e.Key(), find); err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if record["valueSchema"], record["value"], err = decodeCell(e.Value(), find); err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	headers := list{}
	for h := range e.Headers() {
		schema, value, err := decodeCell(abi.Cell{Schema: h.Schema, Tag: h.Tag, Bytes: h.Value}, find)
		if err != nil {
			return nil, fmt.Errorf("header %q: %w", h.Key, err)
		}
		headers = append(headers, object{"key": string(h.Key), "schema": schema, "value": value})
	}
	record["headers"] = headers
	return record, nil
}

func decodeCell(cell abi.Cell, find lookup) (schema, value any, err error) {
	if schema, err = find(cell.Schema); err != nil {
		return nil, nil, err
	}
	value, err = decodeValue(abi.Value{Tag: cell.Tag, Payload: cell.Bytes}, schema, find)
	return schema, value, err
}
