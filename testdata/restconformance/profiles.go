package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"

	"github.com/berth-connect/berth/testdata/local"
)

// setting is what all profiles share.
type setting struct{ berth, bootstrap, plugins, dir string }

// profile is how a worker is configured for scenarios. Its properties stand in the README of the recordings.
type profile struct {
	name       string
	properties func(w *workerFiles) map[string]string // besides those of all
	follower   bool                                   // a second worker of the same group
	admin      bool                                   // a listener of its own for /admin
	standalone bool
}

var profiles = []profile{
	{name: "plain"},
	{name: "guarded", admin: true, properties: func(*workerFiles) map[string]string {
		return map[string]string{
			"exactly.once.source.support": "enabled", "connector.client.config.override.policy": "Principal",
			"topic.tracking.allow.reset":   "false",
			"response.http.headers.config": `add Cache-Control: no-cache, set X-Frame-Options: DENY, "add X-List: a, b"`,
			"config.providers":             "file,dir",
			"config.providers.file.class":  "org.apache.kafka.common.config.provider.FileConfigProvider",
			"config.providers.dir.class":   "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
		}
	}},
	{name: "locked", properties: func(*workerFiles) map[string]string {
		return map[string]string{
			"connector.client.config.override.policy": "None", "admin.listeners": "", "topic.tracking.enable": "false",
			"access.control.allow.origin":  "http://ui.example.org,https://*.corp.example",
			"access.control.allow.methods": "GET,POST,PUT",
		}
	}},
	{name: "auth", properties: authProperties},
	{name: "pair", follower: true},
	{name: "pair-unreachable", follower: true, properties: func(w *workerFiles) map[string]string {
		if w.number > 1 {
			return nil
		}
		return map[string]string{"rest.advertised.port": w.closedPort}
	}},
	{name: "standalone", standalone: true},
	{name: "scratch", standalone: true},
}

// authProperties lays two users and the JAAS file that names them beside the worker.
func authProperties(w *workerFiles) map[string]string {
	users, jaas := filepath.Join(w.dir, "users.properties"), filepath.Join(w.dir, "jaas.conf")
	w.write(users, "alice=secret\nbob=hunter2\n")
	w.write(jaas, fmt.Sprintf("KafkaConnect {\n  org.apache.kafka.connect.rest.basic.auth.extension."+
		"PropertyFileLoginModule required\n  file=\"%s\";\n};\n", users))
	return map[string]string{
		"rest.extension.classes": "org.apache.kafka.connect.rest.basic.auth.extension." +
			"BasicAuthSecurityRestExtension",
		"access.control.allow.origin":     "*",
		"java.security.auth.login.config": jaas,
	}
}

// play starts the workers of the profile, plays the scenarios and stops the workers.
func (p profile) play(ctx context.Context, s setting, replayer string, scenarios []scenario) (count, error) {
	first, err := p.start(ctx, s, 1)
	if err != nil {
		return count{}, err
	}
	defer first.stop()
	args := []string{"--base", first.url, "--tmp", filepath.Join(s.dir, "files"), "--worker-id", first.id}
	if p.admin {
		args = append(args, "--admin", first.admin)
	}
	if p.follower {
		second, err := p.start(ctx, s, 2)
		if err != nil {
			return count{}, err
		}
		defer second.stop()
		args = append(args, "--base2", second.url)
	}
	return replay(ctx, replayer, args, scenarios)
}

// workerFiles is one worker's folder while it is made, and what a profile may ask for.
type workerFiles struct {
	dir        string
	number     int
	closedPort string // nobody listens there
	err        error
}

func (w *workerFiles) write(file, text string) {
	if w.err == nil {
		w.err = os.WriteFile(file, []byte(text), 0o600)
	}
}

func (p profile) start(ctx context.Context, s setting, number int) (*process, error) {
	files := &workerFiles{dir: filepath.Join(s.dir, fmt.Sprintf("%s-%d", p.name, number)), number: number}
	if err := os.MkdirAll(files.dir, 0o755); err != nil {
		return nil, err
	}
	addresses, err := local.Addresses(3)
	if err != nil {
		return nil, err
	}
	_, files.closedPort, _ = net.SplitHostPort(addresses[2]) // it is what was listened on
	w := &process{dir: files.dir, url: "http://" + addresses[0], id: addresses[0], admin: "http://" + addresses[1]}
	properties := s.common(p.name, w)
	if p.admin {
		properties["admin.listeners"] = w.admin
	}
	if p.properties != nil {
		maps.Copy(properties, p.properties(files))
	}
	if port := properties["rest.advertised.port"]; port != "" {
		w.id = "127.0.0.1:" + port
	}
	if files.err != nil {
		return nil, files.err
	}
	command := "worker"
	if p.standalone {
		command = "standalone"
		properties["offset.storage.file.filename"] = filepath.Join(files.dir, "offsets")
	}
	return w, w.start(ctx, s, command, properties)
}

// common are the properties of all workers of a profile.
func (s setting) common(name string, w *process) map[string]string {
	const json = "org.apache.kafka.connect.json.JsonConverter"
	return map[string]string{
		"bootstrap.servers": s.bootstrap, "group.id": "connect-" + name, "listeners": w.url,
		"config.storage.topic": name + "-configs", "config.storage.replication.factor": "1",
		"offset.storage.topic": name + "-offsets", "offset.storage.replication.factor": "1",
		"status.storage.topic": name + "-status", "status.storage.replication.factor": "1",
		"key.converter": json, "value.converter": json,
		"offset.flush.interval.ms": "1000", "scheduled.rebalance.max.delay.ms": "0",
		"plugin.path":    s.plugins,
		"berth.data.dir": filepath.Join(w.dir, "data"), "berth.allow.dirs": filepath.Join(s.dir, "files"),
		// One recorded exchange asks for /openapi.json, which Kafka Connect does not have: 404. Berth's workers describe
		// their API there unless they are told not to; no other answer is compared with a setting of Berth's own.
		"berth.rest.openapi.enable": "false",
	}
}
