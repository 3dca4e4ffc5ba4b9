package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// recordedBefore returns what was recorded between the marks of the step before and these.
func (p *player) recordedBefore(ends map[string][]int64) ([]logged, error) {
	var all []logged
	for topic, records := range p.records {
		if ends[topic] == nil {
			continue // it was not there yet
		}
		for _, r := range records {
			before := int64(0)
			if marks := p.marks[topic]; marks != nil {
				before = marks[r.Partition]
			}
			if r.Offset < before || r.Offset >= ends[topic][r.Partition] {
				continue
			}
			l, err := p.expected(topic, r, int32(len(ends[topic])))
			if err != nil {
				return nil, err
			}
			all = append(all, l)
		}
	}
	return all, nil
}

// expected is a recorded record with the paths of this run. A key that has changed thereby goes where its hash says.
func (p *player) expected(topic string, r recorded, partitions int32) (logged, error) {
	l := logged{topic: topic, partition: r.Partition, offset: r.Offset, batch: r.Batch.BaseOffset, isNull: r.Value == nil,
		transactional: r.Batch.Transactional, marker: r.Batch.ControlType}
	var err error
	if l.key, l.value, err = r.content(p.home); err != nil {
		return l, err
	}
	if string(l.key) != r.Text {
		hashed := &kgo.Record{Topic: topic, Key: l.key}
		l.partition = int32(kgo.StickyKeyPartitioner(nil).ForTopic(topic).Partition(hashed, int(partitions)))
	}
	return l, nil
}

// differences tells how written differs from want in the three topics, and in those of connectors' own offsets.
func (p *player) differences(want, written []logged) error {
	found := errors.Join(
		p.configDifference(ofTopic(want, p.Topics["config"]), ofTopic(written, p.Topics["config"])),
		byKeyDifference("status", status, ofTopic(want, p.Topics["status"]), ofTopic(written, p.Topics["status"])))
	for _, topic := range p.log.topics {
		if topic != p.Topics["config"] && topic != p.Topics["status"] {
			found = errors.Join(found, byKeyDifference(topic, asIs, ofTopic(want, topic), ofTopic(written, topic)))
		}
	}
	return found
}

func ofTopic(records []logged, topic string) []logged {
	var of []logged
	for _, r := range records {
		if r.topic == topic {
			of = append(of, r)
		}
	}
	slices.SortStableFunc(of, func(a, b logged) int {
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.offset, b.offset))
	})
	return of
}

// configDifference: the config topic has one partition, written by one leader, so order and batches count.
func (p *player) configDifference(want, written []logged) error {
	recorded, found := batches(want), batches(written)
	for i := range max(len(recorded), len(found)) {
		switch {
		case i >= len(found):
			return fmt.Errorf("config topic: not written: %s", recorded[i])
		case i >= len(recorded):
			return fmt.Errorf("config topic: written beyond the recorded: %s", found[i])
		case recorded[i] != found[i]:
			return fmt.Errorf("config topic: written %s, recorded %s", found[i], recorded[i])
		}
	}
	return nil
}

// batches has a line for each batch.
func batches(records []logged) []string {
	var lines []string
	for i, r := range records {
		line := string(r.key) + "=" + asIs(r)
		switch {
		case r.marker != "":
			line = r.marker
		case string(r.key) == "session-key":
			line = "session-key=" + sessionKey(r)
		}
		if i > 0 && records[i-1].batch == r.batch {
			lines[len(lines)-1] += " & " + line
		} else {
			lines = append(lines, line+within(r))
		}
	}
	return lines
}

// within tells of a batch in a transaction.
func within(r logged) string {
	if r.transactional {
		return " (in a transaction)"
	}
	return ""
}

// byKeyDifference compares the values that each key got, in their order, and the key's partition. Tasks write at the
// same time, so order and batches across keys are whatever they came to be.
func byKeyDifference(topic string, value func(logged) string, want, written []logged) error {
	recorded, found := byKey(want, value), byKey(written, value)
	for _, key := range slices.Sorted(maps.Keys(recorded)) {
		if recorded[key] != found[key] {
			return fmt.Errorf("%s topic: %s: written [%s], recorded [%s]", topic, key, found[key], recorded[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(found)) {
		if _, has := recorded[key]; !has {
			return fmt.Errorf("%s topic: %s: written beyond the recorded: [%s]", topic, key, found[key])
		}
	}
	return nil
}

func byKey(records []logged, value func(logged) string) map[string]string {
	values := map[string][]string{}
	for _, r := range records {
		key, said := fmt.Sprintf("%s (partition %d)%s", r.key, r.partition, within(r)), r.marker
		if said == "" {
			said = value(r)
		}
		values[key] = append(values[key], said)
	}
	joined := map[string]string{}
	for key, list := range values {
		if strings.HasPrefix(key, "status-") {
			list = essential(list)
		}
		joined[key] = strings.Join(list, ", ")
	}
	return joined
}

// essential leaves out what depends on who came first: how often a status is said again, UNASSIGNED of what is deleted
// at once, as leader and owner do their parts at the same time, and how far a task came that a new set of tasks starts
// again.
func essential(statuses []string) []string {
	var list []string
	for i, said := range statuses {
		goes := said == "UNASSIGNED" && i+1 < len(statuses) && statuses[i+1] == tombstone
		overtaken := i+2 < len(statuses) && statuses[i+1] == "UNASSIGNED" && statuses[i+2] == said
		if !goes && !overtaken && (len(list) == 0 || list[len(list)-1] != said) {
			list = append(list, said)
		}
	}
	return list
}

const tombstone = "tombstone"

// asIs is a value as parsed: members in the order of their names, numbers as Java means them.
func asIs(r logged) string {
	if r.isNull {
		return tombstone
	}
	decoder := json.NewDecoder(bytes.NewReader(r.value))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return fmt.Sprintf("%q", r.value)
	}
	text, err := json.Marshal(plainNumbers(value))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// plainNumbers spells fractions alike, and keeps them apart from whole numbers.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return "double " + strconv.FormatFloat(f, 'g', -1, 64)
		}
	case map[string]any:
		for name := range v {
			v[name] = plainNumbers(v[name])
		}
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	}
	return value
}

// status leaves out what varies: worker, generation, trace, and the version of what has ended, for which Connect looks
// where it may have been removed already.
func status(r logged) string {
	var fields map[string]any
	if r.isNull || json.Unmarshal(r.value, &fields) != nil {
		return asIs(r)
	}
	if use, is := fields["topic"].(map[string]any); is {
		delete(use, "discoverTimestamp")
		delete(use, "task") // whoever was first
		text, _ := json.Marshal(fields)
		return string(text)
	}
	said := fmt.Sprint(fields["state"])
	if fields["trace"] != nil {
		said += " with trace"
	}
	if said != "UNASSIGNED" {
		said += fmt.Sprintf(" (version %v)", fields["version"])
	}
	return said
}

// sessionKey tells what of a key does not vary.
func sessionKey(r logged) string {
	var key struct {
		Key       []byte `json:"key"`
		Algorithm string `json:"algorithm"`
		Created   int64  `json:"creation-timestamp"`
	}
	if err := json.Unmarshal(r.value, &key); err != nil {
		return asIs(r)
	}
	return fmt.Sprintf("(%d bytes for %s, created: %t)", len(key.Key), key.Algorithm, key.Created > 0)
}

// describedTopics compares the topics that the first worker has made: its own, or those that connectors name.
func (p *player) describedTopics(ctx context.Context, own bool) outcome {
	o := outcome{id: "topics"}
	if !own {
		o.id = "topics of connectors"
	}
	admin, worker := kadm.NewClient(p.log.client), slices.Collect(maps.Values(p.Topics))
	for _, want := range p.described {
		if slices.Contains(worker, want.Topic) != own {
			continue
		}
		found, err := describe(ctx, admin, want.Topic)
		if err == nil && fmt.Sprint(found) != fmt.Sprint(want) {
			err = fmt.Errorf("created as %v, recorded %v", found, want)
		}
		if err != nil {
			o.failure = err.Error()
		}
	}
	return o
}

func describe(ctx context.Context, admin *kadm.Client, topic string) (topicLine, error) {
	details, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return topicLine{}, err
	}
	found := topicLine{topic, len(details[topic].Partitions), map[string]string{}}
	configs, err := admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return found, err
	}
	for _, config := range configs {
		for _, c := range config.Configs {
			// The embedded broker says so of compacted topics, after a while.
			kept := strings.HasPrefix(c.Key, "retention.") && c.MaybeValue() == "-1"
			if c.Source.String() == "DYNAMIC_TOPIC_CONFIG" && !kept {
				found.Configs[c.Key] = c.MaybeValue()
			}
		}
	}
	return found, nil
}

// committedOffsets compares what the sink's group has committed in the end.
func (p *player) committedOffsets(ctx context.Context) outcome {
	o := outcome{id: "committed offsets"}
	offsets, err := kadm.NewClient(p.log.client).FetchOffsets(ctx, p.committed.Group)
	if err != nil {
		o.failure = err.Error()
		return o
	}
	found := map[string]int64{}
	offsets.Each(func(r kadm.OffsetResponse) { found[fmt.Sprintf("%s-%d", r.Topic, r.Partition)] = r.At })
	if !maps.Equal(found, p.committed.Committed) {
		o.failure = fmt.Sprintf("committed %v, recorded %v", found, p.committed.Committed)
	}
	return o
}

// transactionalIDs compares those that the workers have used.
func (p *player) transactionalIDs(ctx context.Context) outcome {
	o := outcome{id: "transactional ids"}
	listed, err := kadm.NewClient(p.log.client).ListTransactions(ctx, nil, nil)
	if err != nil {
		o.failure = err.Error()
		return o
	}
	var recorded []string
	for _, t := range p.transactions.Transactions {
		recorded = append(recorded, t.ID)
	}
	slices.Sort(recorded)
	if found := listed.TransactionalIDs(); !slices.Equal(found, recorded) {
		o.failure = fmt.Sprintf("used %v, recorded %v", found, recorded)
	}
	return o
}
