//go:build tmpfs

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A disk of one megabyte fills up, and is made larger. Only root may mount one; TestE2EFullDevice runs for everybody.
func TestE2EFullDiskLosesNothing(t *testing.T) {
	p := startProcess(t)
	topic, name, folder := p.name("lines"), p.name("out"), p.file("small")
	const n = 20_000 // more than a megabyte
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "none", folder).CombinedOutput(); err != nil {
		t.Fatalf("this test mounts a small disk, which takes root: %v %s", err, said)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", folder).Run() })
	output := filepath.Join(folder, "out.txt")
	p.CreateTopic(t, topic, 1)
	p.produceNumbered(topic, 0, n)
	p.put(name, p.sink(output, topic))
	contains(t, p.awaitFailure(name), diskFull(output, topic)...)
	written := sequence{t: t}
	eachLine(t, output, written.add)
	if committed := p.Committed(t, "connect-"+name, topic)[0]; committed > int64(written.next) || written.next >= n {
		t.Errorf("offset %d is committed, and %d of %d lines are written", committed, written.next, n)
	}
	if said, err := exec.Command("mount", "-o", "remount,size=64m", folder).CombinedOutput(); err != nil {
		t.Fatalf("make room: %v %s", err, said)
	}
	p.ask("POST", "/connectors/"+name+"/tasks/0/restart", nil, nil)
	p.awaitRunningAgain(name)
	p.awaitCommitted(name, topic, n)
	check := sequence{t: t}
	eachLine(t, output, check.add)
	check.finish(ending{twice: true, torn: 1}, n)
}
