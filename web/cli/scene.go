package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/berth-connect/berth/cluster/kafka"
)

// scenePatience bounds how long a scene waits for one thing.
const scenePatience = 3 * time.Minute

// scenePoll is how often it looks.
const scenePoll = 10 * time.Millisecond

// scene shows a claim of the README to be true: it starts "berth dev" in a folder of its own, does over REST what users
// would, and fails if the topic that comes out says otherwise.
type scene struct {
	out io.Writer
	dir string // gone at the end
	Program
	remote
	kafka string // HOST:PORT
	sceneSize
}

// sceneSize is how much of it there is.
type sceneSize struct{ rate, swaps, seconds int }

func (s sceneSize) problem() error {
	for option, value := range map[string]int{"-rate": s.rate, "-swaps": s.swaps, "-seconds": s.seconds} {
		if value < 1 {
			return fmt.Errorf("%s %d: it must be 1 or more", option, value)
		}
	}
	return nil
}

// runScene is "berth scene …".
func (p Program) runScene(args []string, out io.Writer) error {
	var size sceneSize
	flags := NewFlags("scene", "upload|swap|amok [options]", out)
	flags.IntVar(&size.rate, "rate", 10_000, "records per second that flow meanwhile")
	flags.IntVar(&size.swaps, "swaps", 100, "swap: how often")
	flags.IntVar(&size.seconds, "seconds", 10, "amok: how long it runs amok, and how long is measured before")
	names, err := ParseFlags(flags, args, 1, 1)
	if err != nil {
		return err
	}
	plays := map[string]func(context.Context, *scene) error{"upload": playUpload, "swap": playSwap, "amok": playAmok}
	play, found := plays[names[0]]
	if !found {
		return fmt.Errorf("there is no scene %q; it is upload, swap or amok", names[0])
	}
	if err := size.problem(); err != nil {
		return err
	}
	return UntilSignal(func(ctx context.Context, _ <-chan os.Signal) error { return p.stage(ctx, out, size, play) })
}

// stage plays a scene on a worker of its own. When it fails, its folder with the worker's log is left.
func (p Program) stage(ctx context.Context, out io.Writer, size sceneSize,
	play func(context.Context, *scene) error) error {
	dir, err := os.MkdirTemp("", "berth-scene-")
	if err != nil {
		return err
	}
	err = playIn(ctx, &scene{out: out, dir: dir, Program: p, sceneSize: size}, play)
	if err != nil {
		return fmt.Errorf("%w\n(the worker's log is in %s)", err, filepath.Join(dir, "worker.log"))
	}
	return os.RemoveAll(dir)
}

func playIn(ctx context.Context, s *scene, play func(context.Context, *scene) error) error {
	rest, err := freePort()
	if err != nil {
		return err
	}
	broker, err := freePort()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "worker.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.url, s.kafka = fmt.Sprintf("http://127.0.0.1:%d", rest), fmt.Sprintf("127.0.0.1:%d", broker)
	o := DevOptions{Data: filepath.Join(s.dir, "data"), Listeners: s.url, KafkaPort: broker}
	ctx, stop := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	go func() {
		err := s.Dev(ctx, o, log)
		if ctx.Err() == nil {
			stop(fmt.Errorf("the worker ended: %w", err))
		}
		ended <- err
	}()
	err = s.await(ctx, "a healthy worker", func() (bool, error) {
		return s.ask(http.MethodGet, "/health", nil, nil) == nil, nil
	})
	if err == nil {
		err = play(ctx, s)
	}
	stop(nil)
	return errors.Join(err, <-ended)
}

// freePort finds one that nobody listens on.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

func (s *scene) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// tell prints a line of the report: what it is about, and what there is to say.
func (s *scene) tell(about, format string, args ...any) {
	fmt.Fprintf(s.out, "  %-11s %s\n", about, fmt.Sprintf(format, args...))
}

// await looks until done. Errors: done's, why ctx has ended, that it took longer than scenePatience.
func (s *scene) await(ctx context.Context, what string, done func() (bool, error)) error {
	for deadline := time.Now().Add(scenePatience); ; {
		if is, err := done(); is || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited in vain for %s", what)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
		case <-time.After(scenePoll):
		}
	}
}

// read hands over what a topic has by now, until each returns false, and tells how many records that are.
func (s *scene) read(ctx context.Context, topic string, each func(kafka.TopicRecord) bool) (total int64, err error) {
	reader, err := kafka.NewTopicReader(s.kafka, topic)
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	if total, err = reader.Count(ctx); err != nil || total == 0 {
		return total, err
	}
	left := total
	return total, reader.Follow(ctx, func(r kafka.TopicRecord) bool {
		left--
		return each(r) && left > 0
	})
}

// upload uploads a module to a space: "" or /tenants/NAME.
func (s *scene) upload(space, file string) error {
	body, mediaType, err := uploadForm(file, nil)
	if err != nil {
		return err
	}
	_, err = s.send(http.MethodPost, space+"/plugins", mediaType, body)
	return err
}

// sceneStatus is what of a connector's status scenes look at.
type sceneStatus struct {
	Connector struct{ State, Trace string }
	Tasks     []struct{ State, Trace string }
}

// awaitRunning waits until all tasks of a connector of a space run.
func (s *scene) awaitRunning(ctx context.Context, space, connector string, tasks int) error {
	return s.await(ctx, "connector "+connector+" to run", func() (bool, error) {
		var status sceneStatus
		if s.ask(http.MethodGet, space+"/connectors/"+connector+"/status", nil, &status) != nil {
			return false, nil // it is not there yet
		}
		running := 0
		for _, task := range status.Tasks {
			if task.State == "FAILED" {
				return false, fmt.Errorf("connector %s has failed: %s", connector, task.Trace)
			}
			if task.State == "RUNNING" {
				running++
			}
		}
		return running == tasks, nil
	})
}

// stopConnector ends a connector's tasks; what they have read is committed then.
func (s *scene) stopConnector(ctx context.Context, path string) error {
	if err := s.ask(http.MethodPut, path+"/stop", nil, nil); err != nil {
		return err
	}
	return s.await(ctx, "the end of "+path, func() (bool, error) {
		var status sceneStatus
		err := s.ask(http.MethodGet, path+"/status", nil, &status)
		return err == nil && status.Connector.State == "STOPPED" && len(status.Tasks) == 0, err
	})
}

// compile builds the guest of a folder of testdata/guests as "berth plugin build" does, against the SDK in this
// program, and returns the module's file.
func (s *scene) compile(name, version string) (string, error) {
	dir := filepath.Join(s.dir, name)
	mod, err := template.ParseFS(s.Sources, "guest-sdk/template/go/go.mod.tmpl")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	if err := mod.Execute(&text, project{Name: name}); err != nil {
		return "", err
	}
	target := filepath.Join(dir, name+"-"+version+".wasm")
	err = errors.Join(s.copyFolder(dir, "testdata/guests/"+name),
		writeFile(filepath.Join(dir, "go.mod"), []byte(text.String())), s.copySDK(filepath.Join(dir, sdkFolder), "go"))
	if err != nil {
		return "", err
	}
	return target, withGo(runTool(dir, []string{"GOOS=wasip1", "GOARCH=wasm"}, "go", "build", "-trimpath",
		"-ldflags=-s -w -X main.version="+version, "-o", target, "."))
}

// withGo says what to do when there is no Go.
func withGo(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: the scene compiles its plugins; install Go first (https://go.dev/dl)", err)
	}
	return err
}

// sceneSource is a generator of numbered texts, rate a second in each of its tasks, to a topic of one partition.
func sceneSource(topic string, tasks int, rate float64) map[string]string {
	const text = "org.apache.kafka.connect.storage.StringConverter"
	return map[string]string{"connector.class": "Datagen", "kind": "line", "line.bytes": "64", "topic": topic,
		"tasks.max": fmt.Sprint(tasks), "rate": fmt.Sprint(rate), "key.converter": text, "value.converter": text,
		"topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1"}
}
