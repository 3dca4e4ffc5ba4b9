package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	startPatience = 2 * time.Minute
	stopPatience  = 30 * time.Second
)

// process is a worker.
type process struct {
	dir, url, admin string
	id              string // as the worker names itself in statuses
	cmd             *exec.Cmd
	ended           chan error
}

// start returns when the worker is healthy. Errors: it ended, or was not healthy in time; its log tells why.
func (w *process) start(ctx context.Context, s setting, command string, properties map[string]string) error {
	if err := s.shareCompiled(properties["berth.data.dir"]); err != nil {
		return err
	}
	file, logs := filepath.Join(w.dir, "worker.properties"), filepath.Join(w.dir, "worker.log")
	if err := os.WriteFile(file, []byte(propertiesText(properties)), 0o600); err != nil {
		return err
	}
	log, err := os.Create(logs)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{command, "-c", file}
	if command == "standalone" {
		args = []string{command, file}
	}
	w.cmd = exec.Command(s.berth, args...)
	w.cmd.Stdout, w.cmd.Stderr = log, log
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for this program, which then stops that one
	if err := w.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.berth, err)
	}
	w.ended = make(chan error, 1)
	go func() { w.ended <- w.cmd.Wait() }()
	if err := w.awaitHealth(ctx); err != nil {
		w.stop()
		text, _ := os.ReadFile(logs)
		return fmt.Errorf("%s %s: %w; the end of its log:\n%s", s.berth, command, err, text[max(0, len(text)-2000):])
	}
	return nil
}

// shareCompiled lets all workers compile each module once.
func (s setting) shareCompiled(data string) error {
	shared := filepath.Join(s.dir, "compiled")
	for _, dir := range []string{data, shared, filepath.Join(s.dir, "files")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return os.Symlink(shared, filepath.Join(data, "compiled"))
}

// propertiesText writes a .properties file; values with a line end do not occur.
func propertiesText(properties map[string]string) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		fmt.Fprintf(&b, "%s=%s\n", key, strings.ReplaceAll(properties[key], `\`, `\\`))
	}
	return b.String()
}

// awaitHealth polls /health, with the password that the profile with authentication wants.
func (w *process) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/health", nil)
		if err != nil {
			return err
		}
		request.SetBasicAuth("alice", "secret")
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-w.ended:
			w.ended <- err
			return fmt.Errorf("it ended: %v", err)
		case <-ctx.Done():
			return fmt.Errorf("not healthy within %v", startPatience)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop asks the process to end and kills it when it does not.
func (w *process) stop() {
	kill := time.AfterFunc(stopPatience, func() { _ = w.cmd.Process.Kill() })
	defer kill.Stop()
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	<-w.ended // how a program that was told to stop ends says nothing of its answers
}
