//go:build unix

package group_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/group"
)

// TestMain lets the test program be a worker of its own, which can be suspended.
func TestMain(m *testing.M) {
	if bootstrap := os.Getenv("GROUP_TEST_BOOTSTRAP"); bootstrap != "" {
		if err := beWorker(bootstrap, os.Getenv("GROUP_TEST_GROUP")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A worker that was suspended until others had its work knows so from its first look at Fenced, loses its session and
// joins anew.
func TestSuspendedWorker(t *testing.T) {
	c := newCluster(t)
	c.configure(map[string]int{"orders": 4})
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), "GROUP_TEST_BOOTSTRAP="+c.bootstrap, "GROUP_TEST_GROUP="+c.groupID)
	pipe, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill() // also one that is suspended
		_ = process.Wait()
	})
	said := bufio.NewScanner(pipe)
	expect(t, said, "joined", "connectors=1 tasks=4")
	other := c.start(nil)
	expect(t, said, "joined", "tasks=2")
	c.await("the work is shared", func() bool { return len(other.running.Tasks) == 2 })
	if err := process.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.await("the other has all work", func() bool { return c.allRun(other) })
	if err := process.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	expect(t, said, "woke", "fenced=true")
	expect(t, said, "lost", "")
	expect(t, said, "joined", "tasks=2")
}

// expect reads lines until one begins with what and contains detail. Before it may come rounds that give other work,
// and pauses that a busy machine made and that cost no session.
func expect(t *testing.T, said *bufio.Scanner, what, detail string) {
	t.Helper()
	for said.Scan() {
		line := said.Text()
		t.Log("the other process:", line)
		if strings.HasPrefix(line, what) && strings.Contains(line, detail) {
			return
		}
		if !strings.HasPrefix(line, "joined") && line != "woke fenced=false" {
			t.Fatalf("the worker said %q, want %s %s", line, what, detail)
		}
	}
	t.Fatalf("the worker ended, want %s %s", what, detail)
}

// fixedConfigs is the config topic as the cluster of TestSuspendedWorker has it.
type fixedConfigs struct{ *worker }

func (fixedConfigs) ConfigOffset() int64 { return 1 }

func (fixedConfigs) FreshConfigs(context.Context, int64) (group.ConfigView, error) {
	return group.ConfigView{Offset: 1, Tasks: map[string]int{"orders": 4}}, nil
}

// beWorker joins the group and tells on standard output what happens to it, until it is killed.
func beWorker(bootstrap, groupID string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return err
	}
	defer client.Close()
	config := (&cluster{groupID: groupID}).settings("http://suspended:8083/")
	member := group.New(config, group.Ports{Client: client, State: fixedConfigs{}}, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- member.Run(context.Background()) }()
	looks := time.NewTicker(10 * time.Millisecond)
	for last := time.Now(); ; {
		select {
		case err := <-ended:
			return err
		case <-looks.C:
		}
		now := time.Now()
		if now.Sub(last) > config.SessionTimeout/2 {
			fmt.Printf("woke fenced=%v\n", member.Fenced())
		}
		last = now
		for _, event := range member.TakeEvents() {
			switch e := event.(type) {
			case group.Joined:
				fmt.Printf("joined connectors=%d tasks=%d\n", len(e.Session.Held.Connectors), len(e.Session.Held.Tasks))
			case group.Lost:
				fmt.Println("lost", e.Reason)
				member.Stopped()
			case group.Revoking:
				member.Stopped()
			}
		}
	}
}
