// Package grouptest plays recorded rounds and messages of Kafka Connect's group protocol through package group. Each
// function takes a line of a recording and returns what differs.
package grouptest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/host"
)

type message struct {
	Kind, Direction string
	Hex             *string
	Error           *exception
	Version         int16

	metadata
	Input         *assignment
	ByV0          *outcome `json:"by_v0"`
	ByIncremental *outcome `json:"by_incremental"`

	ConnectProtocol string `json:"connect_protocol"`
	Protocols       []struct{ Name, Hex string }
	Name, Value     *string
	Mode            string
	ProtocolName    string `json:"protocol_name"`
}

type exception struct{ Class, Message string }

type metadata struct {
	URL          *string
	ConfigOffset int64 `json:"config_offset"`
	Allocation   *assignment
}

type assignment struct {
	Version           int16
	Error             int16
	Leader            *string
	LeaderURL         *string `json:"leader_url"`
	ConfigOffset      int64   `json:"config_offset"`
	Connectors        []string
	Tasks             []task
	RevokedConnectors []string `json:"revoked_connectors"`
	RevokedTasks      []task   `json:"revoked_tasks"`
	Delay             int64    // ms
}

type task struct {
	Connector string
	Task      int
}

// outcome is what a reader of the original made of bytes: an exception, metadata or an assignment.
type outcome struct {
	failed     bool
	metadata   metadata
	assignment assignment
}

func (o *outcome) UnmarshalJSON(data []byte) error {
	var failure struct{ Error json.RawMessage }
	if err := json.Unmarshal(data, &failure); err != nil {
		return err
	}
	if o.failed = bytes.HasPrefix(failure.Error, []byte("{")); o.failed {
		return nil
	}
	return errors.Join(json.Unmarshal(data, &o.metadata), json.Unmarshal(data, &o.assignment))
}

// CheckProtocol plays a line of protocol.jsonl.
func CheckProtocol(line []byte) error {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return err
	}
	switch m.Kind + " " + m.Direction {
	case "metadata encode":
		return m.checkEncodedMetadata()
	case "metadata decode":
		return errors.Join(m.checkDecodedMetadata(group.Eager, m.ByV0),
			m.checkDecodedMetadata(group.Sessioned, m.ByIncremental))
	case "assignment encode":
		return m.checkEncodedAssignment()
	case "assignment decode":
		if m.Hex == nil {
			return m.checkNull()
		}
		return errors.Join(m.checkDecodedAssignment(group.Eager, m.ByV0),
			m.checkDecodedAssignment(group.Sessioned, m.ByIncremental))
	case "assignment construct":
		return m.checkNull()
	case "join_protocols ":
		return m.checkOffers()
	case "protocol_name ", "connect_protocol_setting ", "protocol_version ":
		return m.checkNames()
	}
	return fmt.Errorf("a line of unknown kind %q %q", m.Kind, m.Direction)
}

// checkNull is for calls with a null. The original refuses it or returns another; Go's types have no place for one.
func (m *message) checkNull() error {
	if m.Error == nil && m.ByIncremental != nil {
		return errors.New("the original takes a null here, which can't be said in Go")
	}
	return nil
}

func (m *message) checkEncodedMetadata() error {
	if m.URL == nil {
		return m.checkNull()
	}
	got, err := group.EncodeMetadata(group.Protocol(m.Version), m.metadata.asGroup())
	return m.checkBytes(got, err)
}

func (m *message) checkBytes(got []byte, err error) error {
	if (err != nil) != (m.Error != nil) {
		return fmt.Errorf("encoding: error %v, want %v", err, m.Error)
	}
	if text := hex.EncodeToString(got); err == nil && text != *m.Hex {
		return fmt.Errorf("encoded\n %s, want\n %s", text, *m.Hex)
	}
	return nil
}

func (m *message) checkDecodedMetadata(p group.Protocol, want *outcome) error {
	got, err := group.DecodeMetadata(p, fromHex(*m.Hex))
	if (err != nil) != want.failed {
		return fmt.Errorf("decoding as %s: error %v, want one: %v", p, err, want.failed)
	}
	if err != nil {
		return nil
	}
	if wanted := want.metadata.asGroup(); !reflect.DeepEqual(got, wanted) {
		return fmt.Errorf("decoded as %s\n %+v, want\n %+v", p, got, wanted)
	}
	return nil
}

func (m *message) checkEncodedAssignment() error {
	if m.Input.Leader == nil || m.Input.LeaderURL == nil {
		return m.checkNull()
	}
	a := m.Input.asGroup()
	if m.Hex != nil {
		inOrderOf(a, fromHex(*m.Hex))
	}
	got, err := group.EncodeAssignment(group.Protocol(m.Version), a)
	return m.checkBytes(got, err)
}

// inOrderOf puts the assigned connectors and all that is revoked into the order of the original's bytes, which comes
// from hash maps.
func inOrderOf(a *group.Assignment, original []byte) {
	said, err := group.DecodeAssignment(group.Sessioned, original)
	if err != nil {
		return // the comparison of bytes tells
	}
	a.Connectors = likeIn(a.Connectors, said.Connectors)
	a.Revoked.Connectors = likeIn(a.Revoked.Connectors, said.Revoked.Connectors)
	a.Revoked.Tasks = likeIn(a.Revoked.Tasks, said.Revoked.Tasks)
}

func likeIn[E comparable](items, model []E) []E {
	items = slices.Clone(items)
	slices.SortStableFunc(items, func(x, y E) int { return slices.Index(model, x) - slices.Index(model, y) })
	return items
}

func (m *message) checkDecodedAssignment(p group.Protocol, want *outcome) error {
	got, err := group.DecodeAssignment(p, fromHex(*m.Hex))
	if (err != nil) != want.failed {
		return fmt.Errorf("decoding as %s: error %v, want one: %v", p, err, want.failed)
	}
	if err != nil {
		return nil
	}
	if wanted := want.assignment.asGroup(); !reflect.DeepEqual(got, wanted) {
		return fmt.Errorf("decoded as %s\n %+v, want\n %+v", p, got, wanted)
	}
	return nil
}

func (m *message) checkOffers() error {
	p, err := group.ParseProtocol(m.ConnectProtocol)
	if err != nil {
		return err
	}
	offers, err := group.Offers(p, m.metadata.asGroup())
	if err != nil || len(offers) != len(m.Protocols) {
		return fmt.Errorf("offers %v, %v; want %v", offers, err, m.Protocols)
	}
	for i, want := range m.Protocols {
		if got := offers[i]; got.Name != want.Name || hex.EncodeToString(got.Metadata) != want.Hex {
			return fmt.Errorf("offer %d is %s %x, want %s %s", i, got.Name, got.Metadata, want.Name, want.Hex)
		}
	}
	return nil
}

// checkNames compares names, settings and versions of the protocols.
func (m *message) checkNames() error {
	p, err := group.Protocol(m.Version), error(nil)
	switch {
	case m.Kind == "protocol_version":
		if p.Name() == "" {
			err = errors.New("no such version")
		}
	case m.Kind == "protocol_name" && m.Name != nil:
		p, err = group.ProtocolOfName(*m.Name)
	case m.Kind == "connect_protocol_setting" && m.Value != nil:
		p, err = group.ParseProtocol(*m.Value)
	default:
		return m.checkNull()
	}
	if (err != nil) != (m.Error != nil) {
		return fmt.Errorf("error %v, want %v", err, m.Error)
	}
	if err == nil && (p.String() != m.Mode || p != group.Protocol(m.Version) && m.Kind != "protocol_version") {
		return fmt.Errorf("protocol %s (%d), want %s (%d)", p, p, m.Mode, m.Version)
	}
	return nil
}

func (m metadata) asGroup() group.Metadata {
	out := group.Metadata{ConfigOffset: m.ConfigOffset}
	if m.URL != nil {
		out.URL = *m.URL
	}
	if m.Allocation != nil && m.Allocation.Leader != nil { // without a leader it is ExtendedAssignment.empty(), our nil
		out.Allocation = m.Allocation.asGroup()
	}
	return out
}

func (a assignment) asGroup() *group.Assignment {
	return &group.Assignment{
		Error: a.Error, Leader: *a.Leader, LeaderURL: *a.LeaderURL, ConfigOffset: a.ConfigOffset,
		Work:    workOf(a.Connectors, a.Tasks),
		Revoked: workOf(a.RevokedConnectors, a.RevokedTasks),
		Delay:   time.Duration(a.Delay) * time.Millisecond,
	}
}

func workOf(connectors []string, tasks []task) group.Work {
	var work group.Work
	work.Connectors = append(work.Connectors, connectors...)
	for _, t := range tasks {
		work.Tasks = append(work.Tasks, host.TaskID(t))
	}
	return work
}

func fromHex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic("a recording holds bad hex: " + text)
	}
	return b
}
