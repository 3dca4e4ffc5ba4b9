package e2e

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/berth-connect/berth/cluster/kafka/kafkatest"
)

// A module with the widest grants of names and of the internet tries to reach what is private: metadata services of
// clouds, the worker's own machine and network, in all spellings of an address.
func TestRedTeamNetwork(t *testing.T) {
	f := startFortress(t, "BERTH_ALLOW_NET=*:*,0.0.0.0/0:*,[::]/0:*")
	victim, port, reached := startVictim(t)
	defer victim.Close()
	f.mustUpload("dialer", "./testdata/guests/dialer")
	d := f.startDialer("test.Dials")
	none := f.startDialer("test.DialsWithout")
	for name, host := range hiddenHosts(t) {
		f.attack(t, "dial-of-"+name, func(p *process) {
			said := d.dial(p, fmt.Sprintf("echo %s:%s", host, port))
			if strings.Contains(said, "true") || reached.Load() > 0 {
				p.t.Errorf("it was reached: %s", said)
			}
			if !strings.ContainsAny(said, ":") {
				p.t.Errorf("there is no reason: %s", said)
			}
		})
	}
	f.attack(t, "dial-without-the-capability", func(p *process) {
		contains(p.t, none.dial(p, "echo 1.1.1.1:443"), "capability")
	})
	f.attack(t, "dial-of-port-zero", func(p *process) { contains(p.t, d.dial(p, "echo 1.1.1.1:0"), "from 1 to 65535") })
	f.attack(t, "name-with-a-line-end", func(p *process) {
		contains(p.t, d.dial(p, "lookup a\r\nb.example"),
			"no host name")
	})
	f.attack(t, "name-of-a-hundred-kilobytes", func(p *process) {
		contains(p.t, d.dial(p, "lookup "+strings.Repeat("a.", 50_000)), "no host name")
	})
	for _, connector := range []string{d.topic, none.topic} {
		f.ask("DELETE", "/connectors/"+connector, nil, nil)
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d connections reached the worker's own machine", n)
	}
	f.finish()
}

// startVictim listens on the worker's machine.
func startVictim(t *testing.T) (listener net.Listener, port string, reached *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	reached = &atomic.Int64{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = conn.Close()
		}
	}()
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return listener, port, reached
}

// hiddenHosts are spellings of what must not be reached.
func hiddenHosts(t *testing.T) map[string]string {
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"metadata": "169.254.169.254", "metadata-with-a-dot": "169.254.169.254.", "metadata-decimal": "2852039166",
		"metadata-hexadecimal": "0xa9fea9fe", "metadata-octal": "0251.0376.0251.0376", "metadata-short": "169.254.43518",
		"metadata-mixed": "0xa9.254.0251.254", "metadata-padded": "169.254.169.00254",
		"metadata-mapped":             "[::ffff:169.254.169.254]",
		"metadata-mapped-hexadecimal": "[::ffff:a9fe:a9fe]", "metadata-compatible": "[::a9fe:a9fe]",
		"metadata-translated": "[64:ff9b::a9fe:a9fe]", "metadata-translated-locally": "[64:ff9b:1::a9fe:a9fe]",
		"metadata-siit": "[::ffff:0:a9fe:a9fe]", "metadata-by-6to4": "[2002:a9fe:a9fe::1]",
		"metadata-of-v6":    "[fd00:ec2::254]",
		"metadata-of-azure": "168.63.129.16", "metadata-of-alibaba": "100.100.100.200",
		"metadata-in-wide-digits": "１６９.254.169.254",
		"metadata-with-user":      "1.1.1.1@169.254.169.254", "metadata-with-path": "169.254.169.254/x",
		"loopback":       "127.0.0.1",
		"loopback-short": "127.1", "loopback-decimal": "2130706433", "loopback-octal": "017700000001",
		"loopback-other": "127.9.9.9",
		"loopback-of-v6": "[::1]", "loopback-of-v6-long": "[0:0:0:0:0:0:0:1]", "loopback-mapped": "[::ffff:127.0.0.1]",
		"loopback-with-a-zone": "[::1%lo]", "loopback-by-name": "localhost", "loopback-by-name-with-a-dot": "localhost.",
		"loopback-by-name-in-capitals": "LOCALHOST", "loopback-of-v6-by-name": "ip6-localhost", "unspecified": "0.0.0.0",
		"unspecified-short": "0", "unspecified-of-v6": "[::]", "own-host-name": own,
		"link-local-with-a-zone": "[fe80::1%eth0]",
		"private-ten":            "10.0.0.1", "private-172": "172.16.0.1", "private-192": "192.168.0.1",
		"carrier-nat": "100.64.0.1",
		"multicast":   "224.0.0.1", "broadcast": "255.255.255.255", "unique-local": "[fc00::1]", "site-local": "[fec0::1]",
	}
}

// dialer is a sink whose records are dials, and whose file gets what came of them.
type dialer struct {
	topic, file string
	done        int
}

func (f *fortress) startDialer(class string) *dialer {
	f.t.Helper()
	name := f.name(strings.ToLower(strings.ReplaceAll(class, ".", "-")))
	d := &dialer{topic: name, file: f.file(name)}
	f.CreateTopic(f.t, name, 1)
	f.put(name, f.sink(d.file, name).with(keys{"transforms": "dial", "transforms.dial.type": class}))
	return d
}

// dial returns what came of it.
func (d *dialer) dial(p *process, what string) string {
	p.t.Helper()
	p.Produce(p.t, kafkatest.Record{Topic: d.topic, Value: []byte(what)})
	var lines []string
	p.await("what came of "+what[:min(len(what), 60)], func() bool {
		p.checkNoFailure(d.topic)
		if fileSize(p.t, d.file) == 0 {
			return false
		}
		lines = strings.Split(strings.TrimSuffix(string(read(p.t, d.file)), "\n"), "\n")
		return len(lines) > d.done
	})
	d.done++
	return lines[d.done-1]
}
