package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/berth-connect/berth/web"
)

// TestE2EAuditWithoutKafka: while Kafka is away no request hangs for ever. Who is refused is refused at once; after a
// while changes are, too, since there is no record of them. What waits comes into the log in order; there is a limit to
// it, and what is beyond is counted.
func TestE2EAuditWithoutKafka(t *testing.T) {
	t.Setenv("BERTH_TEST_BOOTSTRAP", "") // a broker that others need can't be frozen
	kafka := startProcess(t)
	p := newGuarded(t, "BERTH_REST_ROLES_ADMIN=user:root")
	useKafkaOf(p, kafka)
	p.start()
	auditThroughAnOutage(p, func() { kafka.signal(syscall.SIGSTOP) }, func() { kafka.signal(syscall.SIGCONT) })
}

// useKafkaOf makes a worker use the broker of another process, so that it can be away.
func useKafkaOf(p, kafka *process) {
	if at := slices.Index(p.args, "-kafka-port"); at >= 0 {
		p.args[at], p.args[at+1] = "-bootstrap", kafka.bootstrap
		p.bootstrap = kafka.bootstrap
	}
}

const (
	auditRoom  = 2000 // records that may wait
	auditFlood = auditRoom + 300
)

func auditThroughAnOutage(p *process, goAway, comeBack func()) {
	p.t.Helper()
	p.ask("PUT", "/admin/loggers/before", keys{"level": "INFO"}, nil)
	p.await("the first record", func() bool { return len(p.audited()) == 1 })
	goAway()
	want := []string{"root PUT /admin/loggers/before done"}
	for i := range 20 {
		if status, _ := p.as("eve").call("DELETE", "/connectors/early-"+strconv.Itoa(i), nil); status !=
			http.StatusUnauthorized {
			p.t.Errorf("who may not: %d", status)
		}
		want = append(want, fmt.Sprintf(" DELETE /connectors/early-%d refused", i))
	}
	hanging := make(chan int, 1)
	go func() { hanging <- p.statusOf("PUT", "/tenants/late", "{}") }()
	var told string
	p.await("changes to be refused", func() bool {
		status, answer := p.call("PUT", "/admin/loggers/meanwhile", keys{"level": "INFO"})
		told = string(answer)
		return status == http.StatusServiceUnavailable
	})
	contains(p.t, told, "records of the audit log wait for Kafka", "nothing can be changed until it takes them")
	if status := <-hanging; status < http.StatusInternalServerError {
		p.t.Errorf("a change that needs Kafka: %d", status)
	}
	for i := range auditFlood {
		if status := p.statusOf("DELETE", "/connectors/flood-"+strconv.Itoa(i), ""); status != http.StatusUnauthorized {
			p.t.Fatalf("who may not: %d", status)
		}
	}
	if waiting, lost := p.gauge("berth_audit_records_waiting"), p.gauge("berth_audit_records_lost_total"); waiting !=
		auditRoom || lost < auditFlood-auditRoom {
		p.t.Errorf("%d records wait, %d are lost", waiting, lost)
	}
	contains(p.t, string(read(p.t, p.log.Name())), "a record of the audit log is lost")
	comeBack()
	p.checkAuditAfterwards(want)
}

// statusOf makes a request as a stranger, or as root if it has a body; 0: no answer.
func (p *process) statusOf(method, path, body string) int {
	who := p
	if body == "" {
		who = p.as("eve")
	}
	request, err := http.NewRequest(method, who.url+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// checkAuditAfterwards checks that the log has all that was not lost, once, in the order in which the requests ended.
func (p *process) checkAuditAfterwards(first []string) {
	p.t.Helper()
	p.await("the records that waited", func() bool { return p.gauge("berth_audit_records_waiting") == 0 })
	p.await("changes to be taken", func() bool {
		return p.statusOf("PUT", "/admin/loggers/after", `{"level":"INFO"}`) == http.StatusOK
	})
	p.await("the last record", func() bool {
		seen := p.audited()
		return seen[len(seen)-1] == "root PUT /admin/loggers/after done"
	})
	seen := p.audited()
	if !slices.Equal(seen[:len(first)], first) {
		p.t.Errorf("the log begins with\n%s", strings.Join(seen[:len(first)], "\n"))
	}
	next, lost := 0, p.gauge("berth_audit_records_lost_total")
	var before string
	for _, r := range p.Read(p.t, p.name("audit")) {
		var record web.AuditRecord
		if err := json.Unmarshal(r.Value, &record); err != nil {
			p.t.Fatal(err)
		}
		at := record.Time.Format("2006-01-02T15:04:05.000000000")
		if number, flood := strings.CutPrefix(record.Path, "/connectors/flood-"); flood {
			if number != strconv.Itoa(next) {
				p.t.Fatalf("after flood-%d comes flood-%s", next-1, number)
			}
			next++
		}
		if at < before && record.Path != "/tenants/late" {
			p.t.Errorf("%s is of %s, after one of %s", record.Path, at, before)
		}
		before = at
	}
	if next+lost != auditFlood {
		p.t.Errorf("%d records of the flood are there and %d lost, of %d", next, lost, auditFlood)
	}
}
