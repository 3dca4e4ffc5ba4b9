package abi

import "fmt"

// Roles of an instance.
const (
	RoleDescribe  = "describe"
	RoleValidate  = "validate"
	RoleConnector = "connector"
	RoleTask      = "task"
)

// Kinds of stages, and of plugins where both have them.
const (
	KindSource          = "source"
	KindSink            = "sink"
	KindTransform       = "transform"
	KindPredicate       = "predicate"
	KindConverter       = "converter" // plugins only
	KindKeyConverter    = "key_converter"
	KindValueConverter  = "value_converter"
	KindHeaderConverter = "header_converter"
)

// Plan is the body of the PLAN event: what an instance is for.
type Plan struct {
	Role         string
	Connector    string
	Task         int32
	Worker       string
	Stages       []Stage
	Offsets      []SourceOffset // what is stored for the connector
	Files        []string       // directories that the operator granted
	Stdio        bool           // fds 0 and 1 are the worker's
	BatchBytes   int64          // the largest batch to put; 0: BatchBytesMax
	BatchRecords int32          // the most records in it; 0: BatchRecordsMax
	Strict       bool           // errors are not tolerated: in the answer to a BATCH nothing stands behind the first error
}

// Stage is one step of an instance.
type Stage struct {
	Kind    string
	Plugin  string // class name
	Alias   string
	Config  map[string]*string
	From    bool // converters: from Connect to bytes
	Guarded bool // transforms: only records whose predicate flag, XOR Negate, is set
	Negate  bool
}

// SourceOffset is a stored source partition with its offset, both MAPs.
type SourceOffset struct{ Partition, Offset Value }

// Encode returns the value body.
func (p Plan) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.pairString("role", p.Role)
	b.pairString("connector", p.Connector)
	b.pairInt32("task", p.Task)
	b.pairString("worker", p.Worker)
	b.String("stages")
	b.BeginArray()
	for _, s := range p.Stages {
		s.write(&b)
	}
	b.End()
	b.String("offsets")
	b.BeginArray()
	for _, o := range p.Offsets {
		b.BeginArray()
		b.Put(o.Partition)
		b.Put(o.Offset)
		b.End()
	}
	b.End()
	b.pairStrings("files", p.Files)
	b.pairBool("stdio", p.Stdio)
	b.String("batch_bytes")
	b.Int64(p.BatchBytes)
	b.pairInt32("batch_records", p.BatchRecords)
	b.pairBool("strict", p.Strict)
	b.End()
	return b.Bytes()
}

func (s Stage) write(b *Builder) {
	b.BeginMap()
	b.pairString("kind", s.Kind)
	b.pairString("plugin", s.Plugin)
	b.pairString("alias", s.Alias)
	b.pairConfig("config", s.Config)
	b.pairBool("from", s.From)
	b.pairBool("guarded", s.Guarded)
	b.pairBool("negate", s.Negate)
	b.End()
}

// ParsePlan reads a plan; the values of Offsets are views of b.
func ParsePlan(b []byte) (Plan, error) {
	var p Plan
	err := parseMap(b, "plan", func(f *fields) {
		p.Role, p.Connector, p.Task, p.Worker = f.str("role"), f.str("connector"), f.int32("task"), f.str("worker")
		f.list("stages", PlanStagesMax, func(s *fields) error {
			p.Stages = append(p.Stages, Stage{
				Kind: s.str("kind"), Plugin: s.str("plugin"), Alias: s.str("alias"), Config: s.config("config"),
				From: s.bool("from"), Guarded: s.bool("guarded"), Negate: s.bool("negate"),
			})
			return nil
		})
		p.Offsets = f.sourceOffsets("offsets")
		p.Files, p.Stdio = f.strings("files"), f.bool("stdio")
		p.BatchBytes, p.BatchRecords = f.int64("batch_bytes"), f.int32("batch_records")
		p.Strict = f.bool("strict")
	})
	return p, err
}

func (f *fields) sourceOffsets(key string) []SourceOffset {
	v, _ := f.get(key, TagArray)
	var list []SourceOffset
	for i := range v.Len() {
		pair := v.Item(i)
		o := SourceOffset{pair.Item(0), pair.Item(1)}
		if pair.Tag != TagArray || pair.Len() != 2 || o.Partition.Tag != TagMap || o.Offset.Tag != TagMap {
			f.err = fmt.Errorf("%s: item %d is not a pair of maps", key, i)
			return nil
		}
		list = append(list, o)
	}
	return list
}

// PartitionOffset is an item of the body of OPEN, CLOSE, FLUSH and commit.
type PartitionOffset struct {
	Topic     string
	Partition int32
	Offset    int64 // the next; -1 unknown
}

// EncodePartitionOffsets returns the value body.
func EncodePartitionOffsets(list []PartitionOffset) []byte {
	var b Builder
	b.BeginArray()
	for _, p := range list {
		b.BeginArray()
		b.String(p.Topic)
		b.Int32(p.Partition)
		b.Int64(p.Offset)
		b.End()
	}
	b.End()
	return b.Bytes()
}

// ParsePartitionOffsets reads such a list.
func ParsePartitionOffsets(b []byte) ([]PartitionOffset, error) {
	var list []PartitionOffset
	err := parseArray(b, "partition offsets", func(v Value) error {
		topic, partition, offset := v.Item(0), v.Item(1), v.Item(2)
		if v.Tag != TagArray || v.Len() != 3 || topic.Tag != TagString || partition.Tag != TagInt32 ||
			offset.Tag != TagInt64 {
			return fmt.Errorf("not [topic, partition, offset]")
		}
		list = append(list, PartitionOffset{topic.String(), partition.Int32(), offset.Int64()})
		return nil
	})
	return list, err
}

// EncodeDurable returns the body of DURABLE: seqs of RECORDS.
func EncodeDurable(seqs []int64) []byte {
	var b Builder
	b.BeginArray()
	for _, seq := range seqs {
		b.Int64(seq)
	}
	b.End()
	return b.Bytes()
}

// ParseDurable reads the body of DURABLE.
func ParseDurable(b []byte) ([]int64, error) {
	var seqs []int64
	err := parseArray(b, "durable seqs", func(v Value) error {
		if v.Tag != TagInt64 {
			return fmt.Errorf("%s", v.Tag)
		}
		seqs = append(seqs, v.Int64())
		return nil
	})
	return seqs, err
}

// EncodeCommitted returns the body of COMMITTED.
func EncodeCommitted(seq int64) []byte {
	var b Builder
	b.Int64(seq)
	return b.Bytes()
}

// ParseCommitted reads the body of COMMITTED.
func ParseCommitted(b []byte) (int64, error) {
	v, err := ParseValueBody(b)
	if err == nil && v.Tag != TagInt64 {
		err = fmt.Errorf("it is %s", v.Tag)
	}
	if err != nil {
		return 0, fmt.Errorf("read committed seq: %w", err)
	}
	return v.Int64(), nil
}

// ConfigsRequest is the body of the CONFIGS event.
type ConfigsRequest struct{ MaxTasks int32 }

// Encode returns the value body.
func (r ConfigsRequest) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.pairInt32("max_tasks", r.MaxTasks)
	b.End()
	return b.Bytes()
}

// ParseConfigsRequest reads the body of the CONFIGS event.
func ParseConfigsRequest(b []byte) (ConfigsRequest, error) {
	var r ConfigsRequest
	err := parseMap(b, "request for configs", func(f *fields) { r.MaxTasks = f.int32("max_tasks") })
	return r, err
}

// ValidateRequest is the body of the VALIDATE event.
type ValidateRequest struct {
	Plugin string
	Kind   string
	Config map[string]*string
}

// Encode returns the value body.
func (r ValidateRequest) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.pairString("plugin", r.Plugin)
	b.pairString("kind", r.Kind)
	b.pairConfig("config", r.Config)
	b.End()
	return b.Bytes()
}

// ParseValidateRequest reads the body of the VALIDATE event.
func ParseValidateRequest(b []byte) (ValidateRequest, error) {
	var r ValidateRequest
	err := parseMap(b, "request to validate", func(f *fields) {
		r = ValidateRequest{f.str("plugin"), f.str("kind"), f.config("config")}
	})
	return r, err
}

// EncodeTaskConfigs returns the body of the CONFIGS message: a configuration a task.
func EncodeTaskConfigs(configs []map[string]*string) []byte {
	var b Builder
	b.BeginArray()
	for _, c := range configs {
		b.config(c)
	}
	b.End()
	return b.Bytes()
}

// ParseTaskConfigs reads the body of the CONFIGS message.
func ParseTaskConfigs(b []byte) ([]map[string]*string, error) {
	var configs []map[string]*string
	err := parseArray(b, "task configs", func(v Value) error {
		c, err := configOf(v)
		configs = append(configs, c)
		return err
	})
	return configs, err
}

// Failure is the body of the FAILED message.
type Failure struct {
	Code    Code
	Message string
	Stage   int32
	Record  int64  // -1: none
	Class   string // exception class to show; "": none
}

// Error is the message.
func (f Failure) Error() string { return f.Message }

// Encode returns the value body; the message is cut to ErrorMessageBytes.
func (f Failure) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.pairInt32("code", int32(f.Code))
	b.pairString("message", CutMessage(f.Message))
	b.pairInt32("stage", f.Stage)
	b.String("record")
	b.Int64(f.Record)
	if f.Class != "" {
		b.pairString("class", f.Class)
	}
	b.End()
	return b.Bytes()
}

// ParseFailure reads the body of the FAILED message.
func ParseFailure(b []byte) (Failure, error) {
	var r Failure
	err := parseMap(b, "failure", func(f *fields) {
		r = Failure{Code(f.int32("code")), f.str("message"), f.int32("stage"), f.int64("record"), f.str("class")}
		if f.err == nil && (r.Code < CodeRetriable || r.Code > CodeInternal) {
			f.err = fmt.Errorf("unknown code %d", r.Code)
		}
	})
	return r, err
}
