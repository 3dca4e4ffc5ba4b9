//go:build jvm

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
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

// A group moves from the JVM to Berth and back: a worker of the other kind joins with the same properties, then the old
// one is ended as an operator does. Connectors go on where they were, so every line arrives once.
func TestE2EGroupMovesBetweenBerthAndTheJVM(t *testing.T) {
	p := newProcess(t)
	p.bootstrap = brokertest.Bootstrap(t)
	p.Broker = kafkatest.Open(t, p.bootstrap)
	address := freeAddress(t)
	properties := p.writeProperties("worker.properties", p.groupProperties("http://"+address))
	p.env = os.Environ()
	p.args = []string{"worker", "-c", properties, "-set", "listeners=" + p.url, "-set", "berth.data.dir=" + p.data,
		"-allow-dir", p.files}
	p.patience = 2 * e2ePatience // a JVM worker starts slowly on a busy machine

	jvm := p.startJVM(address, properties)
	topic := p.name("lines")
	p.CreateTopic(t, topic, 1)
	jvm.put(p.name("in"), p.source(p.file("in.txt"), topic))
	jvm.put(p.name("out"), p.sink(p.file("out.txt"), topic))
	p.moves("one on the JVM")
	p.start()
	p.await("half of the work at Berth", func() bool { return p.gauge("kafka_connect_worker_task_count") == 1 })
	p.moves("two on both")
	jvm.end()
	p.await("all work at Berth", func() bool { return p.gauge("kafka_connect_worker_task_count") == 2 })
	p.moves("three on Berth")
	jvm = p.startJVM(address, properties)
	p.await("half of the work at the JVM", func() bool { return p.gauge("kafka_connect_worker_task_count") == 1 })
	p.moves("four on both")
	p.terminate()
	jvm.awaitState(p.name("in"), "RUNNING", 1)
	jvm.awaitState(p.name("out"), "RUNNING", 1)
	p.moves("five on the JVM")
	jvm.end()
	want := "one on the JVM\ntwo on both\nthree on Berth\nfour on both\nfive on the JVM\n"
	if got := string(read(t, p.file("out.txt"))); got != want {
		t.Errorf("out.txt has %q, want %q", got, want)
	}
}

// groupProperties are what both kinds of workers take; a source may lose at most a second.
func (p *process) groupProperties(listener string) keys {
	return keys{"bootstrap.servers": p.bootstrap, "group.id": p.name("worker"), "listeners": listener,
		"config.storage.topic": p.name("configs"), "config.storage.replication.factor": "1",
		"offset.storage.topic": p.name("offsets"), "offset.storage.replication.factor": "1",
		"status.storage.topic": p.name("status"), "status.storage.replication.factor": "1",
		"offset.storage.partitions": "3", "key.converter": asText, "value.converter": asText,
		"scheduled.rebalance.max.delay.ms": "1000", "heartbeat.interval.ms": "500", "session.timeout.ms": "6000"}
}

// startJVM starts Kafka Connect's own worker; it can be asked like a process of Berth.
func (p *process) startJVM(address, properties string) *process {
	p.t.Helper()
	cmd := exec.Command("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", classPath(p.t),
		"org.apache.kafka.connect.cli.ConnectDistributed", properties)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	p.t.Cleanup(func() { _ = cmd.Process.Kill() })
	jvm := &process{t: p.t, url: "http://" + address, cmd: cmd, ended: ended, log: p.log, patience: p.patience}
	jvm.await("a JVM worker in its group", func() bool {
		response, err := http.Get(jvm.url + "/health")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return jvm
}

// end asks a JVM worker to end; its exit code then tells of the signal alone.
func (p *process) end() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	<-p.ended
}

// moves appends a line to what the source reads and waits until the sink has written it.
func (p *process) moves(line string) {
	p.t.Helper()
	p.appendTo("in.txt", line)
	p.await("the line "+line, func() bool {
		text, err := os.ReadFile(p.file("out.txt"))
		return err == nil && strings.HasSuffix(string(text), line+"\n")
	})
}
