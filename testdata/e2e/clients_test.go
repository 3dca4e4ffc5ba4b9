package e2e

import "testing"

// A connector from before the worker's policy came keeps its configuration, but its task does not get the clients.
func TestE2EOverridesThatThePolicyNoLongerAllows(t *testing.T) {
	p := startProcess(t)
	p.appendTo("in.txt", "one")
	p.put(p.name("in"), p.source(p.file("in.txt"), p.name("t")).with(keys{"producer.override.linger.ms": "5"}))
	p.awaitPosition(p.name("in"), 4)
	p.terminate()
	p.env = append(p.env, "CONNECT_CONNECTOR_CLIENT_CONFIG_OVERRIDE_POLICY=Allowlist",
		"CONNECT_CONNECTOR_CLIENT_CONFIG_OVERRIDE_ALLOWLIST=acks,batch.size")
	p.start()
	contains(t, p.awaitFailure(p.name("in")), "Client Config Overrides not allowed [The 'Allowlist' policy does not "+
		"allow 'linger.ms' to be overridden in the connector configuration.]")
	p.put(p.name("in"), p.source(p.file("in.txt"), p.name("t")).with(keys{"producer.override.acks": "1"}))
	p.appendTo("in.txt", "two")
	p.await("the second line being read", func() bool { return p.position(p.name("in")) == 8 })
}

// A topic that Kafka refuses ends the task with what to mend; mended, the connector goes on where it was.
func TestE2ETopicCreation(t *testing.T) {
	p := startProcess(t)
	p.appendTo("in.txt", "one")
	topic := p.name("made")
	config := p.source(p.file("in.txt"), topic).with(keys{"topic.creation.groups": "own",
		"topic.creation.own.include": "made-.*", "topic.creation.own.partitions": "3",
		"topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "9"})
	p.put(p.name("in"), config)
	contains(t, p.awaitFailure(p.name("in")), "Task failed to create new topic "+topic,
		"INVALID_REPLICATION_FACTOR", "(group own of topic.creation.groups)",
		"topic.creation.default.replication.factor=9 must be at most the number of brokers")
	p.put(p.name("in"), config.with(keys{"topic.creation.own.replication.factor": "1"}))
	p.await("the line being read", func() bool { return p.position(p.name("in")) == 4 })
	if ends := p.Ends(t, topic); len(ends) != 3 || p.Count(t, topic) != 1 {
		t.Errorf("the topic's ends are %v, want three partitions and one record", ends)
	}
}
