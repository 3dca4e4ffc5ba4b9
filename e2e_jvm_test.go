//go:build jvm

package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// classPath is that of Kafka Connect's own worker with the file connectors, from BERTH_TEST_JVM.
func classPath(t *testing.T) string {
	t.Helper()
	path := os.Getenv("BERTH_TEST_JVM")
	if path == "" {
		t.Fatal("BERTH_TEST_JVM must be a class path with connect-runtime, connect-json and connect-file 4.1.1; " +
			"testdata/scripts/test.sh sets it")
	}
	return path
}

// untilLines runs a worker until a topic has n records and the offset file a position, then ends it as an operator
// does.
func (p *process) untilLines(cmd *exec.Cmd, topic, position string, n int64) {
	p.t.Helper()
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, p.log, p.log
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	p.await(fmt.Sprintf("%s in %s by %s", position, p.offsetFile(), cmd.Path), func() bool {
		select {
		case err := <-ended:
			p.t.Fatalf("%s ended: %v", cmd.Path, err)
		default:
		}
		text, err := os.ReadFile(p.offsetFile())
		return err == nil && strings.Contains(string(text), position) && p.Count(p.t, topic) == n
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	<-ended
}

// Connect's standalone worker and Berth take turns on one offset file; each goes on where the other has stopped, so
// every line arrives once.
func TestE2EStandaloneTakesTurnsWithTheJVM(t *testing.T) {
	p := newStandalone(t, keys{"offset.flush.interval.ms": "200"})
	topic := p.name("lines")
	p.Broker = kafkatest.Open(t, p.bootstrap)
	p.CreateTopic(t, topic, 1)
	p.args = append(p.args, p.writeProperties("in.properties",
		p.source(p.file("in.txt"), topic).with(keys{"name": p.name("in")})))
	java := func() *exec.Cmd {
		return exec.Command("java", append([]string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", classPath(t),
			"org.apache.kafka.connect.cli.ConnectStandalone"}, p.args[1:]...)...)
	}
	berth := func() *exec.Cmd { return exec.Command(buildBerth(t), p.args...) }
	var want []string
	size := 0
	for turn, worker := range []func() *exec.Cmd{java, berth, java, berth} {
		line := fmt.Sprintf("line of turn %d", turn)
		want, size = append(want, line), size+len(line)+1
		p.appendTo("in.txt", line)
		p.untilLines(worker(), topic, fmt.Sprintf(`{"position":%d}`, size), int64(len(want)))
	}
	var got []string
	for _, r := range p.Read(t, topic) {
		got = append(got, string(r.Value))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the topic has %q, want %q", got, want)
	}
}
