package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/cluster/kafka"
)

// uploadPrefix is what the uploaded transformation puts before each text.
const uploadPrefix = "uploaded->"

// playUpload uploads a new plugin to a worker on which records flow and waits for the first record through it.
func playUpload(ctx context.Context, s *scene) error {
	s.say("upload: a plugin that the worker has never seen, written and compiled now, into a running pipeline")
	began := time.Now()
	project := filepath.Join(s.dir, "shout")
	if err := s.newPlugin([]string{"transform", project}, io.Discard); err != nil {
		return err
	}
	module := filepath.Join(s.dir, "shout.wasm")
	if err := withGo(buildPlugin([]string{"-o", module, project}, io.Discard)); err != nil {
		return err
	}
	s.tell("plugin", "berth plugin new transform shout && berth plugin build shout: %s", round(time.Since(began)))
	config := sceneSource("numbers", 1, float64(s.rate))
	if err := s.ask(http.MethodPut, "/connectors/in/config", config, nil); err != nil {
		return err
	}
	if err := s.awaitRunning(ctx, "", "in", 1); err != nil {
		return err
	}
	reader, err := kafka.NewTopicReader(s.kafka, "numbers")
	if err != nil {
		return err
	}
	defer reader.Close()
	seen := uploadSeen{}
	if err := reader.Follow(ctx, func(r kafka.TopicRecord) bool { seen.add(r); return false }); err != nil {
		return err
	}
	s.tell("before", "%q", seen.last)
	return s.uploadAndWait(ctx, module, reader, &seen)
}

func (s *scene) uploadAndWait(ctx context.Context, module string, reader *kafka.TopicReader, seen *uploadSeen) error {
	began := time.Now()
	if err := s.upload("", module); err != nil {
		return err
	}
	uploaded := time.Since(began)
	patch := map[string]string{"transforms": "shout", "transforms.shout.type": "Shout",
		"transforms.shout.prefix": uploadPrefix}
	if err := s.ask(http.MethodPatch, "/connectors/in/config", patch, nil); err != nil {
		return err
	}
	err := reader.Follow(ctx, func(r kafka.TopicRecord) bool { return seen.add(r) && seen.through == 0 })
	if err != nil {
		return err
	}
	first := time.Since(began)
	s.tell("upload", "POST /plugins: checked, stored in Kafka, compiled: %s", round(uploaded))
	s.tell("first", "%q", seen.last)
	s.tell("", "%s from the upload to the first record through it, at %d records/s", round(first), s.rate)
	more := int64(s.rate) // a second of them
	err = reader.Follow(ctx, func(r kafka.TopicRecord) bool { return seen.add(r) && seen.through < more })
	if err != nil {
		return err
	}
	if seen.problem != nil {
		return seen.problem
	}
	s.tell("proof", "%d records of before and %d through the plugin: numbers 0 to %d, none lost, none twice", seen.before,
		seen.through, seen.before+seen.through-1)
	return nil
}

// uploadSeen checks the output of the upload scene: all numbers in order, with the prefix from one on.
type uploadSeen struct {
	before, through int64
	last            string
	problem         error
}

// add tells whether all is well.
func (u *uploadSeen) add(r kafka.TopicRecord) bool {
	u.last = strings.TrimSpace(string(r.Value))
	text, through := strings.CutPrefix(u.last, uploadPrefix)
	number, _, _ := strings.Cut(text, " ")
	due := u.before + u.through
	switch {
	case number != strconv.FormatInt(due, 10):
		u.problem = fmt.Errorf("record %q is at offset %d, where number %d is due", u.last, r.Offset, due)
	case through:
		u.through++
	case u.through > 0:
		u.problem = fmt.Errorf("record %q at offset %d has not passed the plugin, but one before it has", u.last, r.Offset)
	default:
		u.before++
	}
	return u.problem == nil
}

// round leaves three or four digits.
func round(d time.Duration) time.Duration {
	for step := time.Microsecond; step < time.Second; step *= 10 {
		if d < 1000*step {
			return d.Round(step)
		}
	}
	return d.Round(100 * time.Millisecond)
}
