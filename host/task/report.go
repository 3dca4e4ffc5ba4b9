package task

import (
	"strconv"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/guest"
	"github.com/berth-connect/berth/host/pipeline"
)

// original is a record as it was before its first stage.
type original interface {
	// where names it in a trace.
	where() string
	// shown is how Connect's log shows it.
	shown() string
	// raw is its serialised key or value, nil when it never had one.
	raw(kind string) []byte
	// letter is what the dead-letter topic gets, in memory of its own, with headers of its own format.
	letter() host.ProducerRecord
	// place is the value of the headers topic, partition and offset; -1 where there is none.
	place() (topic string, partition int32, offset int64)
	// context is what else is known about it, for headers.
	context() []host.Header
}

// report is all that log, trace and dead letter tell about a record that failed.
type report struct {
	failure *pipeline.RecordFailure
	record  original
	remedy  string
}

func newReport(f *pipeline.RecordFailure, record original) report {
	return report{f, record, Remedy(f, record.raw(f.Stage.Kind))}
}

// exception is the class that Connect would show.
func (r *report) exception() string { return guest.Class(r.failure.Code, r.failure.Details.Class) }

// class is the class that Connect would name as the one that executed the stage.
func (r *report) class() string {
	switch r.failure.Stage.Kind {
	case abi.KindSink:
		return "org.apache.kafka.connect.sink.SinkTask"
	case pipeline.KindProduce:
		return "org.apache.kafka.connect.runtime.WorkerSourceTask"
	}
	return r.failure.Stage.Found.Class
}

// trace is the failure as a stack trace: the exception, where it happened, what it came from and what to do.
func (r *report) trace() string {
	f := r.failure
	var b strings.Builder
	b.WriteString(r.exception() + ": " + f.Message + "\n\tat " + f.Stage.Where() + "\n")
	if f.Details.Field != "" {
		b.WriteString("\tat field " + f.Details.Field + "\n")
	}
	b.WriteString("\tat " + r.record.where() + "\n")
	if f.Details.Causes != "" {
		b.WriteString(f.Details.Causes + "\n")
	}
	if f.Trap != "" {
		b.WriteString("\ttrap: " + strings.ReplaceAll(f.Trap, "\n", "\n\t") + "\n")
	}
	if r.remedy != "" {
		b.WriteString("\tremedy: " + r.remedy + "\n")
	}
	return b.String()
}

// logged is the line in Connect's words.
func (r *report) logged(id host.TaskID, withRecord bool) string {
	line := "Error encountered in task " + id.String() + ". Executing stage '" + r.failure.Stage.Name() +
		"' with class '" + r.class() + "'"
	if withRecord {
		line += r.record.shown()
	}
	return line + "."
}

// Names of headers begin with these; the first is Connect's.
const (
	connectHeader = "__connect.errors."
	berthHeader   = "__berth.errors."
)

// headers are Connect's context headers (DeadLetterQueueReporter), then Berth's own.
func (r *report) headers(id host.TaskID) []host.Header {
	topic, partition, offset := r.record.place()
	stage := r.failure.Stage
	headers := []host.Header{
		header(connectHeader+"topic", topic),
		header(connectHeader+"partition", strconv.Itoa(int(partition))),
		header(connectHeader+"offset", strconv.FormatInt(offset, 10)),
		header(connectHeader+"connector.name", id.Connector),
		header(connectHeader+"task.id", strconv.Itoa(id.Task)),
		header(connectHeader+"stage", stage.Name()),
		header(connectHeader+"class.name", r.class()),
		header(connectHeader+"exception.class.name", r.exception()),
		header(connectHeader+"exception.message", r.failure.Message),
		header(connectHeader+"exception.stacktrace", r.trace()),
	}
	for _, h := range []host.Header{
		header(berthHeader+"plugin.class", stage.Found.Class),
		header(berthHeader+"plugin.alias", stage.Alias),
		header(berthHeader+"plugin.version", stage.Found.Version),
		header(berthHeader+"plugin.module", stage.Found.Module),
		header(berthHeader+"plugin.digest", stage.Found.Digest),
		header(berthHeader+"field", r.failure.Details.Field),
		header(berthHeader+"trap", r.failure.Trap),
		header(berthHeader+"remedy", r.remedy),
	} {
		if len(h.Value) > 0 {
			headers = append(headers, h)
		}
	}
	return append(headers, r.record.context()...)
}

func header(key, value string) host.Header { return host.Header{Key: key, Value: []byte(value)} }

// letter is the record for the dead-letter topic. A header that the record has already is left as it is, as in Connect:
// a letter that failed again tells of its first failure.
func (r *report) letter(c *Config) host.ProducerRecord {
	letter := r.record.letter()
	letter.Topic, letter.Partition = c.Errors.DeadLetters.Topic, -1
	if !c.Errors.DeadLetters.ContextHeaders {
		return letter
	}
	has := map[string]bool{}
	for _, h := range letter.Headers {
		has[h.Key] = true
	}
	for _, h := range r.headers(c.ID) {
		if !has[h.Key] {
			letter.Headers = append(letter.Headers, h)
		}
	}
	return letter
}

// report tells log and metrics about a failure that has its outcome: the record is skipped, or ends the task.
func (c *Config) report(f *pipeline.RecordFailure, record original) report {
	r := newReport(f, record)
	c.Meters.Errors(1)
	if c.Errors.Log {
		c.Log.Error(r.logged(c.ID, c.Errors.LogRecords), "error", r.exception()+": "+f.Message, "field", f.Details.Field,
			"cause", f.Details.Causes, "plugin", f.Stage.Where(), "remedy", r.remedy)
		c.Meters.ErrorLogged()
	}
	return r
}

// count tells the metrics what a verdict means.
func (c *Config) count(v *verdict) {
	failures, skipped := len(v.failed), len(v.failed)
	if v.retry != nil {
		failures++
	}
	if v.fatal {
		skipped--
	}
	c.Meters.Failed(int64(failures))
	c.Meters.Skipped(int64(skipped))
}

// retrying says that a record's failure is not its outcome yet.
func (c *Config) retrying(v *verdict, where string) {
	c.Meters.Retried()
	c.Log.Warn("a record is tried again", "stage", v.retry.Stage.Where(), "record", where, "error", v.retry.Message,
		"delay", v.delay)
}
