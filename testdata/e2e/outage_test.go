//go:build realkafka

package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// The broker goes away for a while, in the middle of work, and comes back. The embedded broker cannot do that to its
// own worker, with which it is ended in the tests of crashes: so this runs on a real Kafka only.
func TestE2EBrokerAway(t *testing.T) {
	bootstrap, kafka := os.Getenv("BERTH_TEST_BOOTSTRAP"), os.Getenv("BERTH_TEST_KAFKA_DIR")
	if bootstrap == "" || kafka == "" {
		t.Fatal("BERTH_TEST_BOOTSTRAP must name a Kafka, and BERTH_TEST_KAFKA_DIR the folder that " +
			"testdata/kafka/kafka.sh started it with")
	}
	away, err := time.ParseDuration(envOr("BERTH_E2E_OUTAGE", "30s"))
	if err != nil {
		t.Fatal(err)
	}
	p := startProcess(t)
	n, input, output := lineCount(t), p.file("in.txt"), p.file("out.txt")
	topic, from, to := p.name("lines"), p.name("in"), p.name("out")
	size := writeNumbered(t, input, n)
	p.put(from, p.source(input, topic))
	p.put(to, p.sink(output, topic))
	p.await("some lines", func() bool { return fileSize(t, output) > size/10 })
	control(t, "kill", kafka)
	time.Sleep(away)
	control(t, "up", kafka)
	p.awaitPosition(from, size)
	p.awaitCommitted(to, topic, p.Count(t, topic))
	check := sequence{t: t}
	p.Each(t, topic, func(r kafkatest.Record) { check.add(r.Value) })
	check.finish(ending{twice: true}, n)
	written := sequence{t: t}
	eachLine(t, output, written.add)
	written.finish(ending{twice: true}, n)
}

// A group's broker goes away for longer than its sessions last, and comes back: all runs once again, nothing is lost.
func TestE2EClusterSurvivesTheBroker(t *testing.T) {
	kafka := os.Getenv("BERTH_TEST_KAFKA_DIR")
	if kafka == "" {
		t.Fatal("BERTH_TEST_KAFKA_DIR must name the folder that testdata/kafka/kafka.sh started the Kafka with")
	}
	away, err := time.ParseDuration(envOr("BERTH_E2E_OUTAGE", "60s"))
	if err != nil {
		t.Fatal(err)
	}
	c := startCluster(t, 3)
	c.fill()
	control(t, "kill", kafka)
	time.Sleep(away)
	control(t, "up", kafka)
	began := time.Now()
	c.await(c.workers)
	t.Logf("the broker was away for %s: all runs again after %.1f s", away, time.Since(began).Seconds())
	c.nothingLost()
}

func envOr(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func control(t *testing.T, command, dir string) {
	t.Helper()
	cmd := exec.Command("testdata/kafka/kafka.sh", command, dir)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr // no pipe that the broker would keep open
	if err := cmd.Run(); err != nil {
		t.Fatalf("kafka.sh %s: %v", command, err)
	}
}

// TestE2EAuditThroughAnOutage is TestE2EAuditWithoutKafka with a broker that is killed.
func TestE2EAuditThroughAnOutage(t *testing.T) {
	kafka := os.Getenv("BERTH_TEST_KAFKA_DIR")
	if kafka == "" {
		t.Fatal("BERTH_TEST_KAFKA_DIR must name the folder that testdata/kafka/kafka.sh started the Kafka with")
	}
	p := newGuarded(t, "BERTH_REST_ROLES_ADMIN=user:root")
	p.start()
	auditThroughAnOutage(p, func() { control(t, "kill", kafka) }, func() { control(t, "up", kafka) })
}

// TestE2EPurgeIsFinishedAfterAnOutage: a tenant whose deletion Kafka cuts off is gone once Kafka is back, without being
// asked again.
func TestE2EPurgeIsFinishedAfterAnOutage(t *testing.T) {
	kafka := os.Getenv("BERTH_TEST_KAFKA_DIR")
	if kafka == "" {
		t.Fatal("BERTH_TEST_KAFKA_DIR must name the folder that testdata/kafka/kafka.sh started the Kafka with")
	}
	d := newDoomed(t)
	go d.tryDelete()
	d.await("the tenant to be marked", func() bool { return cuts["once it is marked"](d) })
	control(t, "kill", kafka)
	before := fileSize(t, d.log.Name())
	d.await("the worker to miss Kafka", func() bool {
		return strings.Contains(string(read(t, d.log.Name())[before:]), "unable to open connection to broker")
	})
	control(t, "up", kafka)
	d.awaitGone()
	d.checkNothing()
	d.checkAnew()
}
