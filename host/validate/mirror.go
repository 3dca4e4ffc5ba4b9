package validate

// mirrorClasses are what keys of MirrorMaker 2's connectors may name.
var mirrorClasses = []string{
	"org.apache.kafka.clients.admin.ForwardingAdmin",
	"org.apache.kafka.connect.mirror.DefaultConfigPropertyFilter",
	"org.apache.kafka.connect.mirror.DefaultGroupFilter",
	"org.apache.kafka.connect.mirror.DefaultReplicationPolicy",
	"org.apache.kafka.connect.mirror.DefaultTopicFilter",
	"org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
}
