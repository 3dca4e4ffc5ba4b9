package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/berth-connect/berth/testdata/local"
)

const stopPatience = 30 * time.Second

// berth is the "berth dev" process.
type berth struct {
	cmd              *exec.Cmd
	ended            chan error
	kafka, url, logs string
}

// startBerth starts "berth dev" with its state, its log and the files it may touch in dir.
func startBerth(program, dir string) (*berth, error) {
	addresses, err := local.Addresses(2)
	if err != nil {
		return nil, err
	}
	b := &berth{
		kafka: addresses[0], url: "http://" + addresses[1],
		logs: filepath.Join(dir, "berth.log"), ended: make(chan error, 1),
	}
	_, kafkaPort, _ := net.SplitHostPort(b.kafka) // it is what was listened on
	logs, err := os.Create(b.logs)
	if err != nil {
		return nil, err
	}
	defer logs.Close()
	b.cmd = exec.Command(program, "dev", "-data", filepath.Join(dir, "data"), "-listeners", b.url,
		"-kafka-port", kafkaPort, "-allow-dir", dir)
	b.cmd.Stdout, b.cmd.Stderr = logs, logs
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for this program, which then stops that one
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start berth: %w", err)
	}
	go func() { b.ended <- b.cmd.Wait() }()
	return b, nil
}

// stop ends the process softly and reports when it did not end well.
func (b *berth) stop() error {
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-b.ended:
		if err != nil {
			return fmt.Errorf("berth did not stop cleanly: %w; its log is %s", err, b.logs)
		}
		return nil
	case <-time.After(stopPatience):
		_ = b.cmd.Process.Kill()
		return fmt.Errorf("berth did not stop within %v; its log is %s", stopPatience, b.logs)
	}
}
